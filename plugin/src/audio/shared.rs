//! What the audio thread and the control side tell each other: fields one way, what is no longer
//! needed and where the playhead stands the other. Wait-free on the audio thread's end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use scumble_dsp::Field;

/// Fields on their way in; more means that the control side is to wait.
const FIELDS_IN: usize = 4;
/// Room for what goes home: every field that came in, and the two slots.
const FIELDS_HOME: usize = 16;

/// Where the audio thread is, for display and for the control thread. Relaxed: a picture.
#[derive(Debug, Default)]
struct Board {
    place: AtomicU32,
    tempo: AtomicU32,
    beats_per_bar: AtomicU32,
    playing: AtomicBool,
    engaged: AtomicBool,
}

/// What the audio thread says after each block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// The playhead in the loop, 0..1.
    pub place: f32,
    /// Beats a minute.
    pub tempo: f32,
    pub beats_per_bar: f32,
    pub playing: bool,
    /// The engine is given what comes in: not so in a bounce, nor before a host has kept real time.
    pub engaged: bool,
}

/// The audio thread's end.
pub struct AudioPort {
    fields: rtrb::Consumer<Arc<Field>>,
    home: rtrb::Producer<Arc<Field>>,
    board: Arc<Board>,
}

/// The control thread's end.
pub struct ControlPort {
    fields: rtrb::Producer<Arc<Field>>,
    home: rtrb::Consumer<Arc<Field>>,
    board: Arc<Board>,
}

/// Both ends.
pub fn ports() -> (AudioPort, ControlPort) {
    let (fields_in, fields_out) = rtrb::RingBuffer::new(FIELDS_IN);
    let (home_in, home_out) = rtrb::RingBuffer::new(FIELDS_HOME);
    let board = Arc::new(Board::default());
    (
        AudioPort { fields: fields_out, home: home_in, board: board.clone() },
        ControlPort { fields: fields_in, home: home_out, board },
    )
}

impl AudioPort {
    /// The newest field that came, if there is room to send home what it replaces.
    pub fn take_field(&mut self) -> Option<Arc<Field>> {
        if self.has_room() { self.fields.pop().ok() } else { None }
    }

    /// Whether two more fields can be sent home.
    pub fn has_room(&self) -> bool {
        self.home.slots() >= 4
    }

    /// Nothing is dropped on the audio thread.
    pub fn send_home(&mut self, field: Arc<Field>) {
        if let Err(rtrb::PushError::Full(field)) = self.home.push(field) {
            // Cannot be, for room was asked for first. To leak is better than to free here.
            std::mem::forget(field);
        }
    }

    pub fn report(&self, report: Report) {
        self.board.place.store(report.place.to_bits(), Ordering::Relaxed);
        self.board.tempo.store(report.tempo.to_bits(), Ordering::Relaxed);
        self.board.beats_per_bar.store(report.beats_per_bar.to_bits(), Ordering::Relaxed);
        self.board.playing.store(report.playing, Ordering::Relaxed);
        self.board.engaged.store(report.engaged, Ordering::Relaxed);
    }
}

impl ControlPort {
    /// Sends a field; hands it back when the audio thread has not taken the last ones yet.
    pub fn send_field(&mut self, field: Arc<Field>) -> Result<(), Arc<Field>> {
        self.fields.push(field).map_err(|rtrb::PushError::Full(field)| field)
    }

    /// Drops what the audio thread is done with.
    pub fn collect(&mut self) {
        while self.home.pop().is_ok() {}
    }

    pub fn report(&self) -> Report {
        Report {
            place: f32::from_bits(self.board.place.load(Ordering::Relaxed)),
            tempo: f32::from_bits(self.board.tempo.load(Ordering::Relaxed)),
            beats_per_bar: f32::from_bits(self.board.beats_per_bar.load(Ordering::Relaxed)),
            playing: self.board.playing.load(Ordering::Relaxed),
            engaged: self.board.engaged.load(Ordering::Relaxed),
        }
    }
}
