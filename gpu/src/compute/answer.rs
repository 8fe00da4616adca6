//! Where the result of a task will stand: a place that the asker and the engine share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::{Outcome, TaskError};
use crate::engine::EngineKind;

/// A finished task.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    pub outcome: Outcome,
    /// Who computed it.
    pub by: EngineKind,
}

#[derive(Default)]
struct Place {
    result: Mutex<Option<Result<Done, TaskError>>>,
    there: Condvar,
}

/// The asker's end. Dropping it takes the question back.
pub struct Answer(Arc<Place>);

impl Answer {
    /// The result, once, when it is there. Does not wait.
    pub fn try_take(&self) -> Option<Result<Done, TaskError>> {
        self.0.result.lock().take()
    }

    /// The result, waiting up to `timeout` for it. Control threads; never the audio thread.
    pub fn wait(&self, timeout: Duration) -> Option<Result<Done, TaskError>> {
        let deadline = Instant::now() + timeout;
        let mut result = self.0.result.lock();
        while result.is_none() {
            if self.0.there.wait_until(&mut result, deadline).timed_out() {
                break;
            }
        }
        result.take()
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}

/// The engine's end.
pub(crate) struct Reply(Option<Arc<Place>>);

impl Reply {
    pub fn new() -> (Self, Answer) {
        let place = Arc::new(Place::default());
        (Self(Some(Arc::clone(&place))), Answer(place))
    }

    pub fn give(mut self, result: Result<Done, TaskError>) {
        self.put(result);
    }

    /// Whether nobody waits for it any more.
    pub fn is_unwanted(&self) -> bool {
        self.0.as_ref().is_none_or(|place| Arc::strong_count(place) == 1)
    }

    fn put(&mut self, result: Result<Done, TaskError>) {
        if let Some(place) = self.0.take() {
            *place.result.lock() = Some(result);
            place.there.notify_all();
        }
    }
}

impl Drop for Reply {
    /// A question that goes under is answered all the same: nobody waits for ever.
    fn drop(&mut self) {
        self.put(Err(TaskError::Closed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_comes_once_and_a_dropped_question_is_answered_too() {
        let (reply, answer) = Reply::new();
        assert!(answer.try_take().is_none() && !reply.is_unwanted());
        let done = Done { outcome: Outcome::Sound(vec![1.0]), by: EngineKind::Cpu };
        reply.give(Ok(done.clone()));
        assert_eq!(answer.wait(Duration::ZERO), Some(Ok(done)));
        assert!(answer.try_take().is_none());
        let (reply, answer) = Reply::new();
        drop(reply);
        assert_eq!(answer.try_take(), Some(Err(TaskError::Closed)));
        let (reply, answer) = Reply::new();
        drop(answer);
        assert!(reply.is_unwanted());
    }
}
