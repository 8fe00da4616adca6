//! The standalone's own: it activates again on its audio thread.

/// Does `work` on a thread of normal priority, while this one waits. `None` if there is no thread.
///
/// On Linux a thread begins with the priority of the one that starts it, so an activation on an
/// audio thread would give real-time priority to everything it starts. And some systems end a program
/// whose real-time thread computes for a fifth of a second without a pause.
pub fn off_the_audio_thread<R: Send>(work: impl FnOnce() -> R + Send) -> Option<R> {
    std::thread::scope(|scope| {
        let job = || {
            leave_real_time();
            work()
        };
        let builder = std::thread::Builder::new().name("scumble-activate".into());
        let thread = builder.spawn_scoped(scope, job).ok()?;
        Some(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// To lower a priority is always allowed.
#[cfg(target_os = "linux")]
fn leave_real_time() {
    // SAFETY: all zero is a value of it, whatever fields a system adds.
    let normal: libc::sched_param = unsafe { std::mem::zeroed() };
    // SAFETY: `normal` outlives the call; 0 is the calling thread.
    if unsafe { libc::sched_setscheduler(0, libc::SCHED_OTHER, &raw const normal) } != 0 {
        nice_plug::nice_warn!("the activation keeps the audio thread's priority");
    }
}

#[cfg(not(target_os = "linux"))]
fn leave_real_time() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn policy() -> i32 {
        // SAFETY: asks for a number; 0 is the calling thread.
        unsafe { libc::sched_getscheduler(0) }
    }

    fn in_a_thread<R: Send>(work: impl FnOnce() -> R + Send) -> R {
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().spawn_scoped(scope, work).expect("a thread");
            thread.join().expect("no panic")
        })
    }

    #[test]
    fn what_an_activation_starts_is_not_of_the_audio_threads_priority() {
        in_a_thread(|| {
            // SAFETY: all zero is a value of it.
            let mut wanted: libc::sched_param = unsafe { std::mem::zeroed() };
            wanted.sched_priority = 5;
            // SAFETY: `wanted` outlives the call.
            if unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const wanted) } != 0 {
                println!("not tried: this user may not have real-time priority");
                return;
            }
            // So it would be otherwise.
            assert_eq!(in_a_thread(policy), libc::SCHED_FIFO);
            let inside = off_the_audio_thread(|| (policy(), in_a_thread(policy)));
            assert_eq!(inside, Some((libc::SCHED_OTHER, libc::SCHED_OTHER)));
            assert_eq!(policy(), libc::SCHED_FIFO);
        });
    }
}
