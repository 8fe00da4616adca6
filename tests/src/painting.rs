//! A hand paints in the real window of the real plugin while a host plays a tone, and listens to
//! what comes of it. The programs `editor_paint` and `editor_soak` do nothing else; `jack_probe`
//! does it in the standalone's window.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::clap_host::{Bundle, Processor};
use crate::x11::{Screen, wait_for};

type Answer<T> = Result<T, Box<dyn std::error::Error>>;

const RATE: f64 = 48_000.0;
const BLOCK: usize = 256;
const TONE_HZ: f64 = 1000.0;
const LIMIT: Duration = Duration::from_secs(20);

/// Where things stand in a window of 1180 x 760.
const PLOT: [f32; 4] = [98.0, 54.0, 898.0, 532.0];
const GAIN_BRUSH: (i16, i16) = (26, 240);
const UNDO: (i16, i16) = (765, 22);
const QUALITY: (i16, i16) = (926, 22);
const STUDIO: (i16, i16) = (905, 92);
/// The left Alt key of the server's own layout.
const ALT: u8 = 64;

/// The tone's level over the last blocks, in dB of what goes in, as `f32` bits.
pub struct Heard {
    db: AtomicU32,
    stop: AtomicBool,
}

impl Default for Heard {
    fn default() -> Self {
        Self { db: AtomicU32::new(f32::NAN.to_bits()), stop: AtomicBool::new(false) }
    }
}

impl Heard {
    fn db(&self) -> f32 {
        f32::from_bits(self.db.load(Ordering::Acquire))
    }

    fn wait(&self, what: &str, wanted: impl Fn(f32) -> bool) -> Answer<f32> {
        wait_for(LIMIT, || Some(self.db()).filter(|db| wanted(*db)))
            .ok_or_else(|| format!("{what}: the tone stays at {:.1} dB", self.db()).into())
    }
}

/// Makes the tone and measures what came of it.
#[derive(Default)]
pub struct Tone {
    at: u64,
    /// Power over about an eighth of a second.
    inside: f64,
    outside: f64,
}

impl Tone {
    pub fn fill(&mut self, block: &mut [f32], rate: f64) {
        for sample in block {
            let turns = (self.at as f64 * TONE_HZ / rate).fract();
            *sample = (0.25 * (std::f64::consts::TAU * turns).sin()) as f32;
            self.at += 1;
        }
    }

    pub fn compare(&mut self, tone: &[f32], output: &[f32], heard: &Heard) {
        let power = |s: &[f32]| s.iter().map(|v| f64::from(v * v)).sum::<f64>();
        self.inside += 0.04 * (power(tone) - self.inside);
        self.outside += 0.04 * (power(output) - self.outside);
        let db = 10.0 * (self.outside.max(1e-12) / self.inside.max(1e-12)).log10();
        heard.db.store((db as f32).to_bits(), Ordering::Release);
    }
}

/// Plays the tone in real time and measures what comes out.
fn play(processor: &mut Processor, heard: &Heard) -> Answer<()> {
    let begun = Instant::now();
    let mut tone = Tone::default();
    while !heard.stop.load(Ordering::Acquire) {
        let mut block = vec![0.0; BLOCK];
        tone.fill(&mut block, RATE);
        let (mut left, mut right) = (vec![0.0; BLOCK], vec![0.0; BLOCK]);
        processor.process(&[&block, &block], &mut [&mut left, &mut right], &[], None)?;
        tone.compare(&block, &left, heard);
        let due = Duration::from_secs_f64(tone.at as f64 / RATE);
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
    }
    Ok(())
}

/// Moves through `path` with the button down, at a hand's pace.
fn drag(screen: &Screen, path: &[(i16, i16)]) -> Answer<()> {
    for (i, &(x, y)) in path.iter().enumerate() {
        screen.point(x, y)?;
        std::thread::sleep(Duration::from_millis(25));
        if i == 0 {
            screen.button(1, true)?;
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    screen.button(1, false)?;
    std::thread::sleep(Duration::from_millis(100));
    Ok(())
}

fn click(screen: &Screen, at: (i16, i16)) -> Answer<()> {
    drag(screen, &[at])
}

/// Chooses the quality Studio in the menu at the top.
pub fn choose_studio(screen: &Screen) -> Answer<()> {
    click(screen, QUALITY)?;
    // The menu has to be drawn before it can be hit.
    std::thread::sleep(Duration::from_millis(500));
    click(screen, STUDIO)
}

/// A line over the whole loop at `hz`.
fn line_at(hz: f32) -> Vec<(i16, i16)> {
    let octaves = (RATE as f32 / 2.0 / 20.0).log2();
    let y = PLOT[3] - (hz / 20.0).log2() / octaves * (PLOT[3] - PLOT[1]);
    let step = (PLOT[2] - PLOT[0] - 8.0) / 40.0;
    (0..=40).map(|i| ((PLOT[0] + 4.0 + i as f32 * step) as i16, y as i16)).collect()
}

/// What a host sees of an instance that plays for a while.
#[derive(Debug, Default)]
struct Played {
    blocks: usize,
    slowest: Duration,
    /// Calls of `process()` that took longer than the block lasts.
    overruns: usize,
}

/// Plays noise in real time until told to stop.
fn play_noise(processor: &mut Processor, stop: &AtomicBool) -> Answer<Played> {
    ask_for_real_time();
    let begun = Instant::now();
    let block = Duration::from_secs_f64(BLOCK as f64 / RATE);
    let mut random = crate::signal::Rng::new(5);
    let mut played = Played::default();
    while !stop.load(Ordering::Acquire) {
        let noise: Vec<f32> = (0..BLOCK).map(|_| 0.5 * random.unit() as f32 - 0.25).collect();
        let (mut left, mut right) = (vec![0.0; BLOCK], vec![0.0; BLOCK]);
        let called = Instant::now();
        processor.process(&[&noise, &noise], &mut [&mut left, &mut right], &[], None)?;
        let took = called.elapsed();
        played.slowest = played.slowest.max(took);
        played.overruns += usize::from(took > block);
        played.blocks += 1;
        std::thread::sleep((played.blocks as u32 * block).saturating_sub(begun.elapsed()));
    }
    Ok(played)
}

/// Hosts give their audio thread real-time priority, above all that a plugin asks for. Where the
/// system refuses, it plays at normal priority as hosts do then.
fn ask_for_real_time() {
    // SAFETY: all zero is a value of it, whatever fields a system adds.
    let mut wanted: libc::sched_param = unsafe { std::mem::zeroed() };
    wanted.sched_priority = 50;
    // SAFETY: `wanted` outlives the call.
    if unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const wanted) } != 0 {
        eprintln!("the audio thread plays at normal priority");
    }
}

/// A hand that never rests: strokes here and there, undo, the wheel, other brushes.
fn fidget(screen: &Screen, until: Instant) -> Answer<()> {
    let mut random = crate::signal::Rng::new(9);
    while Instant::now() < until {
        let mut place = |range: [f32; 2]| range[0] + random.unit() as f32 * (range[1] - range[0]);
        let (x, y) = ([PLOT[0] + 10.0, PLOT[2] - 120.0], [PLOT[1] + 40.0, PLOT[3] - 40.0]);
        let (x, y) = (place(x) as i16, place(y) as i16);
        click(screen, (GAIN_BRUSH.0, [72, 116, 156, 198, 240][random.below(5)]))?;
        drag(screen, &(0..20).map(|i| (x + 5 * i, y + (i % 7) * 3)).collect::<Vec<_>>())?;
        // Buttons 4 and 5 are the wheel.
        for _ in 0..5 {
            let wheel = 4 + random.below(2) as u8;
            screen.button(wheel, true)?;
            screen.button(wheel, false)?;
        }
        if random.below(3) == 0 {
            click(screen, UNDO)?;
        }
        // The next preset.
        if random.below(4) == 0 {
            click(screen, (446, 22))?;
        }
    }
    Ok(())
}

/// Plays for a while without the editor and for as long with a hand at work in it, and prints what
/// the host saw of both side by side; the plugin's own log tells the misses of each.
pub fn soak(library: &Path, each: Duration, engine: Option<f64>) -> Answer<()> {
    let bundle = Bundle::load(library)?;
    let mut plugin = bundle.scumble()?;
    let screen = Screen::connect(None)?;
    for open in [false, true] {
        if let Some(engine) = engine {
            plugin.set_inactive(&[(crate::clap_host::param_id("engine"), engine)])?;
        }
        let mut processor = plugin.activate(RATE, BLOCK as u32)?;
        let window = screen.open_window(1180, 760)?;
        let stop = AtomicBool::new(false);
        let played = std::thread::scope(|scope| -> Answer<Played> {
            let audio =
                std::thread::Builder::new().name("audio".into()).spawn_scoped(scope, || {
                    play_noise(&mut processor, &stop).map_err(|e| e.to_string())
                })?;
            let done = (|| -> Answer<()> {
                let until = Instant::now() + each;
                if !open {
                    std::thread::sleep(each);
                    return Ok(());
                }
                let gui = plugin.gui()?;
                gui.open(window)?;
                let drawn = screen.wait_until_drawn(window, 0.2, LIMIT);
                drawn.ok_or("the editor stays blank")?;
                let mut memory = vec![resident_kib()];
                let mut fidgeted = Ok(());
                for part in 1..=4 {
                    fidgeted =
                        fidgeted.and_then(|()| fidget(&screen, until - each / 4 * (4 - part)));
                    memory.push(resident_kib());
                }
                println!("memory with the editor open, in KiB, after each quarter: {memory:?}");
                gui.close();
                fidgeted
            })();
            stop.store(true, Ordering::Release);
            let played = audio.join().map_err(|_| "the audio thread panicked")?;
            done.and(played.map_err(Into::into))
        })?;
        println!(
            "editor {}: {} blocks, {} overruns, slowest call {:.3} ms",
            if open { "open" } else { "closed" },
            played.blocks,
            played.overruns,
            1000.0 * played.slowest.as_secs_f64()
        );
        plugin.deactivate(processor);
        screen.close_window(window)?;
    }
    Ok(())
}

/// What this process has in memory.
fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Cuts the tone by painting over it in the window that lies at the screen's corner, and brings it
/// back by undo. The levels in words.
pub fn paint_over_and_undo(screen: &Screen, heard: &Heard) -> Answer<String> {
    let before = heard.wait("before", |db| db.abs() < 0.5)?;
    // On a busy machine the window may see a click and what follows it in one frame, and take it for
    // none. Whoever sees that nothing came of it does it again.
    let is_cut = |db: f32| db < -12.0;
    for _ in 0..4 {
        click(screen, GAIN_BRUSH)?;
        std::thread::sleep(Duration::from_millis(300));
        screen.key(ALT, true)?;
        let painted = drag(screen, &line_at(TONE_HZ as f32));
        screen.key(ALT, false)?;
        painted?;
        if wait_for(LIMIT / 4, || is_cut(heard.db()).then_some(())).is_some() {
            break;
        }
        click(screen, UNDO)?;
        std::thread::sleep(Duration::from_millis(300));
    }
    let cut = heard.wait("painted over", is_cut)?;
    let undone = |db: f32| db.abs() < 0.5;
    for _ in 0..4 {
        click(screen, UNDO)?;
        if wait_for(LIMIT / 4, || undone(heard.db()).then_some(())).is_some() {
            break;
        }
    }
    let back = heard.wait("undone", undone)?;
    Ok(format!("before {before:.1} dB, painted over {cut:.1} dB, undone {back:.1} dB"))
}

/// [`paint_over_and_undo`] in a CLAP host. Prints the levels.
pub fn cut_and_undo(library: &Path) -> Answer<()> {
    let bundle = Bundle::load(library)?;
    let mut plugin = bundle.scumble()?;
    let mut processor = plugin.activate(RATE, BLOCK as u32)?;
    let screen = Screen::connect(None)?;
    let window = screen.open_window(1180, 760)?;
    let heard = Heard::default();
    std::thread::scope(|scope| -> Answer<()> {
        let thread = std::thread::Builder::new()
            .name("audio".into())
            .spawn_scoped(scope, || play(&mut processor, &heard).map_err(|e| e.to_string()))?;
        let done = (|| -> Answer<()> {
            let gui = plugin.gui()?;
            gui.open(window)?;
            let drawn = screen.wait_until_drawn(window, 0.2, LIMIT);
            drawn.ok_or("the editor stays blank")?;
            println!("{}", paint_over_and_undo(&screen, &heard)?);
            gui.close();
            Ok(())
        })();
        heard.stop.store(true, Ordering::Release);
        thread.join().map_err(|_| "the audio thread panicked")??;
        done
    })?;
    plugin.deactivate(processor);
    screen.close_window(window)
}
