//! ThreadSanitizer watches the stress tests (docs/testing.md). Here: that it would bite.
#![cfg(tsan)]

use std::cell::UnsafeCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The pattern of the halves, with the ordering that keeps them apart left out.
struct Half(UnsafeCell<u64>, AtomicBool);

// SAFETY: there is none; this is the planted race.
unsafe impl Sync for Half {}

fn race() {
    let half = Arc::new(Half(UnsafeCell::new(0), AtomicBool::new(false)));
    let writer = {
        let half = Arc::clone(&half);
        std::thread::Builder::new()
            .spawn(move || {
                // SAFETY: there is none, see above.
                unsafe { *half.0.get() = 7 };
                half.1.store(true, Ordering::Relaxed);
            })
            .unwrap()
    };
    while !half.1.load(Ordering::Relaxed) {
        std::hint::spin_loop();
    }
    // SAFETY: there is none, see above.
    assert_eq!(unsafe { *half.0.get() }, 7);
    writer.join().unwrap();
}

#[test]
fn a_planted_race_is_found() {
    const PLANT: &str = "SCUMBLE_PLANT_RACE";
    if std::env::var_os(PLANT).is_some() {
        return race();
    }
    let found = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["a_planted_race_is_found", "--exact", "--nocapture"])
        .env(PLANT, "1")
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&found.stderr);
    assert!(!found.status.success(), "the race went unnoticed");
    assert!(report.contains("ThreadSanitizer: data race"), "{report}");
    assert!(report.contains("sync_tsan::race"), "{report}");
}
