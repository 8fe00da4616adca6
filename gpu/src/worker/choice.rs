//! Another device while sound plays: the user's choice, by the way that a lost device takes (S8).

use std::sync::Arc;

use super::Worker;
use super::helper::Chore;
use crate::backend::OpenBackend;

impl Worker {
    /// Leaves the device that is open, if any, and opens what `opener` gives. The CPU covers until
    /// then; no state moves.
    pub(super) fn change_device(&mut self, opener: Arc<dyn OpenBackend>) {
        self.opener = opener;
        self.device.leave(&mut self.sessions);
    }

    /// Has the helper ask the system what devices there are.
    pub(super) fn list_devices(&self) {
        // A helper with too much to do is asked again with the next look.
        self.helper.give(Chore::List { opener: Arc::clone(&self.opener) });
    }
}
