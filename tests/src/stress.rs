//! Opens and closes the editor of a library again and again while every parameter changes in every
//! block. The program `editor_stress` does nothing else, so that an abort of the host is seen.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::clap_host::{self, Bundle, GuiSize, ParamEvent};
use crate::signal::{Rng, first_unsound, noise};
use crate::vst3_host::{FrameKind, Module};
use crate::x11::{Picture, Screen, wait_for};

type Answer<T> = Result<T, Box<dyn std::error::Error>>;

const BLOCK: usize = 64;
/// How long an editor stays open: a few pictures' time.
const OPEN: Duration = Duration::from_millis(25);
/// How long the first editor may take to draw: a software renderer compiles its shaders.
const FIRST_PICTURE: Duration = Duration::from_secs(10);

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// How many descriptors more than `before` stay open. The editor's own thread may still be closing
/// its own when the host's call to close the editor has returned.
fn grown_since(before: usize, allowed: usize) -> usize {
    let grown = || open_descriptors().saturating_sub(before);
    wait_for(Duration::from_secs(3), || Some(grown()).filter(|&n| n <= allowed))
        .unwrap_or_else(grown)
}

/// Names of this process's threads other than the calling one.
fn other_threads() -> Vec<String> {
    let own = std::fs::read_link("/proc/thread-self").ok();
    let name = |task: std::fs::DirEntry| {
        let is_own = own.as_ref().and_then(|o| o.file_name()) == Some(&task.file_name());
        let name = std::fs::read_to_string(task.path().join("comm")).ok()?;
        (!is_own).then(|| name.trim().to_owned())
    };
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    tasks.filter_map(Result::ok).filter_map(name).collect()
}

fn is_of_the_plugin(thread: &str) -> bool {
    thread == "bg-worker" || thread.starts_with("scumble")
}

/// What the main thread and the audio thread share.
#[derive(Default)]
struct Play {
    stop: AtomicBool,
    blocks: AtomicU64,
}

/// The audio thread: blocks without a pause for breath, so that changes fall into every moment of
/// an opening. `block` plays one.
fn play(
    shared: &Play,
    mut block: impl FnMut(&mut Rng, &mut [Vec<f32>; 2]) -> Answer<()>,
) -> Answer<()> {
    let mut rng = Rng::new(1);
    let sound = noise(1, 2, BLOCK);
    while !shared.stop.load(Ordering::Acquire) {
        let mut buffer = [sound[0].clone(), sound[1].clone()];
        block(&mut rng, &mut buffer)?;
        if let Some(bad) = first_unsound(&buffer) {
            return Err(format!("unsound output {bad:?}").into());
        }
        shared.blocks.fetch_add(1, Ordering::Release);
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}

/// Plays on a thread of its own while `openings` runs here.
fn while_playing(
    shared: &Play,
    audio: impl FnMut(&mut Rng, &mut [Vec<f32>; 2]) -> Answer<()> + Send,
    openings: impl FnOnce() -> Answer<()>,
) -> Answer<()> {
    std::thread::scope(|scope| {
        let thread =
            std::thread::Builder::new().name("audio".into()).spawn_scoped(scope, || {
                // The error must leave the thread as text: it is not `Send`.
                play(shared, audio).map_err(|e| e.to_string())
            })?;
        let opened = openings();
        shared.stop.store(true, Ordering::Release);
        thread.join().map_err(|_| "the audio thread panicked")??;
        opened
    })
}

/// Waits until the first editor of all has drawn something.
fn first_picture(screen: &Screen, window: u32, mut idle: impl FnMut()) -> Answer<Picture> {
    let drawn = wait_for(FIRST_PICTURE, || {
        idle();
        screen.picture(window).ok().filter(|p| p.drawn() > 1e-4)
    });
    Ok(drawn.ok_or("the editor stays blank")?)
}

/// Says what was done, and what was left behind that should not be (X7). `before`: descriptors
/// after the first opening; `known`: how many more there may be.
fn report(
    shared: &Play,
    openings: usize,
    begun: Instant,
    before: usize,
    known: usize,
) -> Answer<()> {
    let allowed = known + 8;
    let grown = grown_since(before, allowed);
    // A thread that was joined may be counted for a moment longer.
    let ours = || other_threads().iter().any(|name| is_of_the_plugin(name));
    wait_for(Duration::from_secs(20), || (!ours()).then_some(()));
    let threads = other_threads();
    println!(
        "{openings} openings in {:.1} s, {} blocks, {grown} descriptors more, other threads at the \
         end: {threads:?}",
        begun.elapsed().as_secs_f64(),
        shared.blocks.load(Ordering::Acquire),
    );
    // The drivers of a software renderer keep threads of their own for as long as they live.
    if let Some(left) = threads.iter().find(|name| is_of_the_plugin(name)) {
        return Err(format!("the plugin left the thread {left:?} behind, of {threads:?}").into());
    }
    if grown > allowed {
        return Err(format!("{grown} descriptors leaked in {openings} openings").into());
    }
    Ok(())
}

/// The stress in our VST3 host. Prints a line of figures; an error says what went wrong short of
/// an abort.
pub fn vst3(library: &Path, openings: usize, kind: FrameKind) -> Answer<()> {
    let (begun, shared) = (Instant::now(), Play::default());
    let module = Module::load(library)?;
    let plugin = module.create()?;
    let params: Vec<u32> = plugin.params().into_iter().map(|(id, _)| id).collect();
    let mut processor = plugin.activate(48_000.0, BLOCK as i32)?;
    let screen = Screen::connect(None)?;
    let mut descriptors = 0;

    let play_block = |rng: &mut Rng, block: &mut [Vec<f32>; 2]| -> Answer<()> {
        let changes: Vec<_> = params.iter().map(|&id| (id, 0, rng.unit())).collect();
        Ok(processor.process(block, &changes)?)
    };
    while_playing(&shared, play_block, || {
        for opening in 0..openings {
            let window = screen.open_window(1200, 800)?;
            let editor = plugin.open_editor(window, kind)?;
            if opening == 0 {
                first_picture(&screen, window, || editor.run_for(OPEN))?;
            }
            editor.run_for(OPEN);
            editor.close()?;
            screen.close_window(window)?;
            if opening == 0 {
                descriptors = open_descriptors();
            }
        }
        Ok(())
    })?;

    // nice-plug leaks the two ends of a socket per opening with a run loop; more would be ours.
    let known = if kind == FrameKind::WithRunLoop { 2 * openings } else { 0 };
    plugin.deactivate(processor)?;
    plugin.destroy()?;
    module.close();
    report(&shared, openings, begun, descriptors, known)
}

/// The same in our CLAP host, resizing the editor on the way.
pub fn clap(library: &Path, openings: usize) -> Answer<()> {
    let (begun, shared) = (Instant::now(), Play::default());
    let bundle = Bundle::load(library)?;
    let mut plugin = bundle.scumble()?;
    let params = plugin.params()?;
    let mut processor = plugin.activate(48_000.0, BLOCK as u32)?;
    let screen = Screen::connect(None)?;
    let (mut descriptors, mut first_size) = (0, None);

    let play_block = |rng: &mut Rng, block: &mut [Vec<f32>; 2]| -> Answer<()> {
        let events: Vec<_> = params.iter().map(|p| random_change(p, rng)).collect();
        let input = block.clone();
        let [left, right] = block;
        processor.process(&[&input[0], &input[1]], &mut [left, right], &events, None)?;
        Ok(())
    };
    while_playing(&shared, play_block, || {
        for opening in 0..openings {
            let window = screen.open_window(1200, 800)?;
            let gui = plugin.gui()?;
            if !gui.supports_x11() {
                return Err("the editor does not go into an X11 window".into());
            }
            gui.open(window)?;
            if opening == 0 {
                first_picture(&screen, window, || std::thread::sleep(OPEN))?;
            }
            std::thread::sleep(OPEN);
            // The editor keeps its size from one opening to the next.
            let natural = *first_size.get_or_insert(gui.size().ok_or("the editor has no size")?);
            if gui.can_resize() {
                let width = natural.width - (opening % 5 * 20) as u32;
                gui.set_size(GuiSize { width, ..natural })?;
            }
            gui.close();
            plugin.run_callbacks();
            screen.close_window(window)?;
            if opening == 0 {
                descriptors = open_descriptors();
            }
        }
        Ok(())
    })?;

    plugin.deactivate(processor);
    drop((plugin, bundle));
    report(&shared, openings, begun, descriptors, 0)
}

fn random_change(param: &clap_host::Param, rng: &mut Rng) -> ParamEvent {
    let value = param.min + (param.max - param.min) * rng.unit();
    ParamEvent { time: 0, id: param.id, value: if param.stepped { value.round() } else { value } }
}
