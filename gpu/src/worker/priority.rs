//! Who is scheduled before whom: the host's audio thread, then the worker, then the threads on which
//! a software adapter computes the hops, then everything else. Asked for, never insisted on.

/// Asks for real-time priority for this thread, until it ends. A refusal is normal on a system that
/// is not set up for it, and is tolerated.
pub(super) fn ask_for_real_time() {
    // 128 samples at 48 kHz is the shortest period that the engine is made for.
    if let Err(error) = audio_thread_priority::promote_current_thread_to_real_time(128, 48_000) {
        log::info!("scumble: the worker runs at normal priority: {error}");
    }
}

/// The threads that a driver starts while a device is opened here.
///
/// A software adapter computes on such threads. At normal priority they stand behind whatever a
/// window draws, and the worker waits with all its priority for threads that have none.
pub(super) struct DriverThreads {
    #[cfg(target_os = "linux")]
    before: Vec<libc::pid_t>,
}

#[cfg(target_os = "linux")]
impl DriverThreads {
    /// Remembers who runs before the device is opened.
    pub fn before_opening() -> Self {
        Self { before: named_as_this_thread() }
    }

    /// Puts those that came since just above normal: below any audio thread that has real-time
    /// priority itself. A refusal is tolerated as above.
    pub fn ask_for_real_time(self) {
        // SAFETY: asks for a number.
        let own = unsafe { libc::gettid() };
        for thread in named_as_this_thread() {
            if thread == own || self.before.contains(&thread) {
                continue;
            }
            if let Err(error) = put_above_normal(thread) {
                log::info!("scumble: the adapter's threads stay at normal priority: {error}");
                return;
            }
        }
    }
}

/// The lowest real-time priority. A thread that ended meanwhile is an error; 0 is the calling one.
#[cfg(target_os = "linux")]
fn put_above_normal(thread: libc::pid_t) -> std::io::Result<()> {
    // SAFETY: all zero is a value of it, whatever fields a system adds.
    let mut wanted: libc::sched_param = unsafe { std::mem::zeroed() };
    // SAFETY: asks for a number.
    wanted.sched_priority = unsafe { libc::sched_get_priority_min(libc::SCHED_RR) };
    // SAFETY: `wanted` outlives the call.
    match unsafe { libc::sched_setscheduler(thread, libc::SCHED_RR, &raw const wanted) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// Threads take their name from the one that starts them, until they are given one.
#[cfg(target_os = "linux")]
fn named_as_this_thread() -> Vec<libc::pid_t> {
    let Ok(own) = std::fs::read("/proc/thread-self/comm") else { return Vec::new() };
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    tasks
        .flatten()
        .filter(|task| std::fs::read(task.path().join("comm")).is_ok_and(|name| name == own))
        .filter_map(|task| task.file_name().to_str()?.parse().ok())
        .collect()
}

#[cfg(not(target_os = "linux"))]
impl DriverThreads {
    pub fn before_opening() -> Self {
        Self {}
    }

    pub fn ask_for_real_time(self) {}
}

#[cfg(all(test, target_os = "linux", not(loom)))]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    fn policy(thread: libc::pid_t) -> i32 {
        // SAFETY: asks for a number.
        unsafe { libc::sched_getscheduler(thread) }
    }

    #[test]
    fn the_threads_started_since_are_put_above_normal_and_no_others() {
        let in_a_thread = std::thread::Builder::new().name("opens-a-device".into()).spawn(|| {
            let started = || {
                let ((tell, told), (end, ended)) = (sync_channel(1), sync_channel::<()>(1));
                let run = move || {
                    // SAFETY: asks for a number.
                    tell.send(unsafe { libc::gettid() }).expect("someone listens");
                    let _ = ended.recv();
                };
                let thread = std::thread::Builder::new().spawn(run).expect("a thread");
                (told.recv().expect("it says its number"), end, thread)
            };
            let earlier = started();
            let threads = DriverThreads::before_opening();
            let later = started();
            threads.ask_for_real_time();
            let found = (policy(0), policy(earlier.0), policy(later.0));
            for (_, end, thread) in [earlier, later] {
                drop(end);
                thread.join().expect("no panic");
            }
            found
        });
        let (own, earlier, later) = in_a_thread.expect("a thread").join().expect("no panic");
        assert_eq!((own, earlier), (libc::SCHED_OTHER, libc::SCHED_OTHER));
        // Where the system refuses, it stays as it was.
        let may = std::thread::Builder::new().spawn(|| put_above_normal(0).is_ok());
        let may = may.expect("a thread").join().expect("no panic");
        assert_eq!(later, if may { libc::SCHED_RR } else { libc::SCHED_OTHER });
    }
}
