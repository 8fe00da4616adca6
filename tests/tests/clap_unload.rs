//! A host may end its threads after it has unloaded the library. Alone in its file: any other test
//! of the process would keep the library loaded.

use std::sync::mpsc::sync_channel;
use std::thread::Builder;

use scumble_tests::clap_host::{Blocks, Bundle, Processor};
use scumble_tests::locate;
use scumble_tests::signal::noise;

/// Loads, plays on a thread of its own, unloads, and only then lets that thread end.
fn play_and_unload() {
    let bundle = Bundle::load(&locate::clap_bundle()).unwrap();
    let mut plugin = bundle.scumble().unwrap();
    let mut processor = plugin.activate(48_000.0, 128).unwrap();
    let (played, hand_back) = sync_channel::<Processor>(1);
    let (unloaded, wait) = sync_channel::<()>(1);
    let audio = Builder::new()
        .name("audio".into())
        .spawn(move || {
            processor.render(&noise(1, 2, 12_800), &mut Blocks::Fixed(128)).unwrap();
            played.send(processor).unwrap();
            wait.recv().unwrap();
        })
        .unwrap();
    plugin.deactivate(hand_back.recv().unwrap());
    drop((plugin, bundle));
    unloaded.send(()).unwrap();
    audio.join().unwrap();
}

#[test]
fn x7_threads_that_met_the_library_may_end_after_it_was_unloaded() {
    // Without `nodelete` (plugin/build.rs) a thread that ends while another unloads jumps into
    // unmapped memory. Two hosts' worth of main threads come and go, each with an audio thread.
    let host = |name: &str| {
        Builder::new()
            .name(name.into())
            .spawn(|| {
                for _ in 0..30 {
                    let main = Builder::new().name("main".into()).spawn(play_and_unload);
                    main.unwrap().join().unwrap();
                }
            })
            .unwrap()
    };
    let hosts = [host("host 1"), host("host 2")];
    for host in hosts {
        host.join().unwrap();
    }
}
