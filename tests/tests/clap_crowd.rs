//! Many instances that come and go, and a library that comes and goes (X7). Alone in its file, and in
//! one test: it counts the threads of the process.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use scumble_tests::clap_host::{Blocks, Bundle, Plugin, Processor};
use scumble_tests::locate;
use scumble_tests::signal::{Rng, noise, null_db};

const INSTANCES: usize = 32;
/// Instances opened or closed while the others play.
const MOVES: usize = 160;
const LOADINGS: usize = 50;
const RATE: f64 = 48_000.0;
const BLOCK: usize = 256;

/// How many threads of each name there are.
fn threads() -> BTreeMap<String, usize> {
    let mut names = BTreeMap::new();
    for task in std::fs::read_dir("/proc/self/task").expect("/proc").flatten() {
        // A thread may end between the listing and the look at it.
        if let Ok(name) = std::fs::read_to_string(task.path().join("comm")) {
            *names.entry(name.trim().to_owned()).or_default() += 1;
        }
    }
    names
}

/// Those that were not there before.
fn new_threads(before: &BTreeMap<String, usize>) -> Vec<String> {
    let more = |(name, count): &(String, usize)| *count > before.get(name).copied().unwrap_or(0);
    threads().into_iter().filter(more).map(|(name, count)| format!("{name} x{count}")).collect()
}

/// The system takes a joined thread off the list a moment after it was joined.
fn await_no_new_threads(before: &BTreeMap<String, usize>, when: &str) {
    let begun = Instant::now();
    while !new_threads(before).is_empty() {
        let left = new_threads(before);
        assert!(begun.elapsed() < Duration::from_secs(20), "{when}: {left:?} left behind");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What the audio thread is told.
enum Message {
    Play { seat: usize, processor: Box<Processor> },
    Stop { seat: usize },
}

/// A processor with what went in and what came out.
struct Playing {
    processor: Box<Processor>,
    input: Vec<Vec<f32>>,
    output: Vec<Vec<f32>>,
}

impl Playing {
    fn block(&mut self, sound: &[Vec<f32>], at: usize) {
        let mut block = [[0.0f32; BLOCK]; 2];
        let [left, right] = &mut block;
        let ins = [&sound[0][at..at + BLOCK], &sound[1][at..at + BLOCK]];
        self.processor.process(&ins, &mut [left, right], &[], None).expect("processes");
        for c in 0..2 {
            self.input[c].extend_from_slice(ins[c]);
            self.output[c].extend_from_slice(&block[c]);
        }
    }
}

/// Plays whoever sits, block by block, until nobody can come any more.
fn audio_thread(messages: &Receiver<Message>, home: &SyncSender<Playing>) {
    let sound = noise(1, 2, 64 * BLOCK);
    let mut seats: Vec<Option<Playing>> = (0..INSTANCES).map(|_| None).collect();
    for round in 0.. {
        loop {
            // With nobody to play it waits for the next message.
            let message = if seats.iter().all(Option::is_none) {
                match messages.recv() {
                    Ok(message) => message,
                    Err(_) => return,
                }
            } else {
                match messages.try_recv() {
                    Ok(message) => message,
                    Err(_) => break,
                }
            };
            match message {
                Message::Play { seat, processor } => {
                    let (input, output) = (vec![Vec::new(); 2], vec![Vec::new(); 2]);
                    seats[seat] = Some(Playing { processor, input, output });
                }
                Message::Stop { seat } => {
                    let mut playing = seats[seat].take().expect("it sits there");
                    // However soon it is stopped, there is something to judge.
                    for i in 0..8 {
                        playing.block(&sound, i * BLOCK);
                    }
                    home.send(playing).expect("the main thread waits");
                }
            }
        }
        for (seat, playing) in seats.iter_mut().enumerate() {
            if let Some(playing) = playing {
                playing.block(&sound, (round + seat) % 64 * BLOCK);
            }
        }
    }
}

/// A crowd on one audio thread: seats are taken and given up at random while the others play.
fn crowd(bundle: &Bundle) {
    let (to_audio, messages) = sync_channel(4);
    let (home, from_audio) = sync_channel(4);
    let audio = std::thread::Builder::new().name("audio".into());
    let audio = audio.spawn(move || audio_thread(&messages, &home)).expect("a thread");
    let mut seats: Vec<Option<(Plugin, usize)>> = (0..INSTANCES).map(|_| None).collect();
    let open = |seat: usize| {
        let mut plugin = bundle.scumble().expect("an instance");
        let processor = Box::new(plugin.activate(RATE, BLOCK as u32).expect("activates"));
        let latency = plugin.latency().expect("reports");
        to_audio.send(Message::Play { seat, processor }).expect("the audio thread plays");
        (plugin, latency)
    };
    let close = |seat: usize, (mut plugin, latency): (Plugin, usize)| {
        to_audio.send(Message::Stop { seat }).expect("the audio thread plays");
        let Playing { processor, input, output } = from_audio.recv().expect("it comes home");
        let error = null_db(&input, &output, latency);
        assert!(error <= -100.0, "seat {seat}: null at {error:.1} dB"); // X2, X7
        plugin.deactivate(*processor);
    };
    for (seat, taken) in seats.iter_mut().enumerate() {
        *taken = Some(open(seat));
    }
    let mut rng = Rng::new(7);
    for _ in 0..MOVES {
        let seat = rng.below(INSTANCES);
        match seats[seat].take() {
            Some(plugin) => close(seat, plugin),
            None => seats[seat] = Some(open(seat)),
        }
    }
    for (seat, taken) in seats.into_iter().enumerate() {
        if let Some(plugin) = taken {
            close(seat, plugin);
        }
    }
    drop(to_audio);
    audio.join().expect("the audio thread ends");
}

#[test]
fn x7_a_crowd_comes_and_goes_and_no_thread_stays_behind() {
    let before = threads();
    let bundle = Bundle::load(&locate::clap_bundle()).expect("the bundle loads");
    // It can be seen at all: an active instance has threads.
    let mut plugin = bundle.scumble().expect("an instance");
    let processor = plugin.activate(RATE, BLOCK as u32).expect("activates");
    let begun = Instant::now();
    // A thread takes its name once it runs.
    while !new_threads(&before).iter().any(|name| name.starts_with("scumble-control")) {
        let seen = new_threads(&before);
        assert!(begun.elapsed() < Duration::from_secs(20), "no thread of ours among {seen:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    println!("threads of one instance: {:?}", new_threads(&before));
    plugin.deactivate(processor);
    drop(plugin);
    await_no_new_threads(&before, "after one instance");
    crowd(&bundle);
    await_no_new_threads(&before, "after the crowd");
    drop(bundle);
    for loading in 0..LOADINGS {
        let bundle = Bundle::load(&locate::clap_bundle()).expect("the bundle loads");
        let mut plugin = bundle.scumble().expect("an instance");
        let mut processor = plugin.activate(RATE, BLOCK as u32).expect("activates");
        let latency = plugin.latency().expect("reports");
        let input = noise(loading as u64, 2, 16 * BLOCK);
        let output = processor.render(&input, &mut Blocks::Fixed(BLOCK)).expect("plays");
        let error = null_db(&input, &output, latency);
        assert!(error <= -100.0, "loading {loading}: null at {error:.1} dB");
        plugin.deactivate(processor);
        drop((plugin, bundle));
        await_no_new_threads(&before, &format!("after loading {loading}"));
    }
}
