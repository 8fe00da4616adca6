//! Losses and stalls of the device, one at a time, so that each really happens.

use std::ops::RangeInclusive;
use std::time::Duration;

use scumble_gpu::backend::faulty::{Fault, Faults};
use scumble_gpu::engine::EngineKind;

use super::player::Player;

pub struct Ordeal {
    all_losses: u32,
    all_stalls: u32,
    /// The stalls, in milliseconds.
    millis: RangeInclusive<u32>,
    losses: u32,
    stalls: u32,
}

impl Ordeal {
    pub fn new(all_losses: u32, all_stalls: u32, millis: RangeInclusive<u32>) -> Self {
        Self { all_losses, all_stalls, millis, losses: 0, stalls: 0 }
    }

    /// Injects the next fault if the device serves and the one before has happened.
    pub fn go_on(&mut self, player: &Player, faults: &Faults) {
        if player.audio.kind() != EngineKind::Gpu || faults.pending() > 0 {
            return;
        }
        // A loss after every ten stalls: a device that is gone cannot stall.
        if self.losses < self.all_losses && self.stalls >= 10 * self.losses {
            let kinds = [Fault::LoseAtSubmit, Fault::LoseInFlight, Fault::Destroy];
            faults.inject(kinds[self.losses as usize % 3]);
            self.losses += 1;
        } else if self.stalls < self.all_stalls {
            let (shortest, longest) = (*self.millis.start(), *self.millis.end());
            let millis = shortest + self.stalls % (longest - shortest + 1);
            faults.inject(Fault::Stall(Duration::from_millis(millis.into())));
            self.stalls += 1;
        }
    }

    /// Whether the last fault was injected, and happened.
    pub fn is_over(&self, faults: &Faults) -> bool {
        self.losses == self.all_losses && self.stalls == self.all_stalls && faults.pending() == 0
    }

    /// What [`Faults::happened`] says when all have.
    pub fn all(&self) -> (u64, u64, u64) {
        (self.all_losses.into(), self.all_stalls.into(), 0)
    }
}

impl std::fmt::Display for Ordeal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} losses, {} stalls", self.losses, self.stalls)
    }
}
