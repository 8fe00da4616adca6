//! Whether the machine was there. A virtual one is taken away from its guest now and then, for
//! milliseconds: whatever is due then is late, whoever computes it. A thread on each core, above all
//! that is measured, sleeps for a moment again and again and notes when it was kept from waking up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Rare enough to leave alone what is measured: on a virtual machine each waking costs it.
const NAP: Duration = Duration::from_millis(1);
/// Longer than any of the measured threads could hold it up: they stand below.
const TAKEN: Duration = Duration::from_micros(500);
/// For how long what was held up is seen at a block's end: a block for each of three.
const AFTER: Duration = Duration::from_millis(8);

type Gap = (Instant, Instant);

pub struct Watch {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<Gap>>>,
}

/// When the machine was not there.
pub struct Absences(Vec<Gap>);

impl Watch {
    pub fn begin() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        let watch = |core: usize| {
            let stop = Arc::clone(&stop);
            let watch = move || {
                // On a thread that stands like all others, what it sees may be the others' doing.
                if stands_above(core) { gaps(&stop) } else { Vec::new() }
            };
            std::thread::Builder::new().name("watch".into()).spawn(watch).expect("a thread")
        };
        let threads = (0..cores).map(watch).collect();
        Self { stop, threads }
    }

    pub fn end(self) -> Absences {
        self.stop.store(true, Ordering::Relaxed);
        let gaps = self.threads.into_iter().map(|thread| thread.join().expect("it only sleeps"));
        Absences(gaps.flatten().collect())
    }
}

fn gaps(stop: &AtomicBool) -> Vec<Gap> {
    let (mut gaps, mut before) = (Vec::new(), Instant::now());
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(NAP);
        let now = Instant::now();
        if now - before > NAP + TAKEN {
            gaps.push((before, now));
        }
        before = now;
    }
    gaps
}

impl Absences {
    /// Whether one of them can have been why something was late at that time.
    pub fn explain(&self, late: Instant) -> bool {
        self.0.iter().any(|&(from, to)| from <= late && late <= to + AFTER)
    }

    pub fn in_all(&self) -> Duration {
        self.0.iter().map(|&(from, to)| to - from - NAP).sum()
    }
}

/// Puts this thread on a core, above every thread of the engine and of the bench.
#[cfg(target_os = "linux")]
fn stands_above(core: usize) -> bool {
    // SAFETY: all zero is a value of both, an empty set and a priority; they outlive the calls.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut set);
        let mut wanted: libc::sched_param = std::mem::zeroed();
        wanted.sched_priority = 60;
        libc::sched_setaffinity(0, size_of_val(&set), &raw const set) == 0
            && libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const wanted) == 0
    }
}

#[cfg(not(target_os = "linux"))]
fn stands_above(_core: usize) -> bool {
    false
}
