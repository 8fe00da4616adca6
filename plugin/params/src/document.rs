//! What is saved beside the parameters: strokes, editor size and settings (X4).
//!
//! The host may hand over a saved state on the audio thread, so storing it parses nothing: the
//! text is kept with a generation number, and the control thread (or `activate()`) parses it
//! with [`DocumentCell::adopt_pending`]. Saving returns the text that was loaded, byte for byte,
//! until the document is edited.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nice_plug::params::persist::PersistentField;
use scumble_dsp::Stroke;
use serde::{Deserialize, Serialize};

/// The version of the document's own format.
///
/// 2 added `editor.axis`.
pub const DOCUMENT_VERSION: u32 = 2;
/// More strokes, or points in one, than a hand could paint are a broken file.
pub const MAX_STROKES: usize = 20_000;
pub const MAX_POINTS: usize = 100_000;

/// What the canvas's frequency axis shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    /// Short-time spectra, as tall an octave everywhere.
    #[default]
    Log,
    /// Short-time spectra, as tall a hertz everywhere.
    Linear,
    Mel,
    Cqt,
    Vqt,
    Gabor,
}

impl Axis {
    pub const ALL: [Axis; 6] =
        [Axis::Log, Axis::Linear, Axis::Mel, Axis::Cqt, Axis::Vqt, Axis::Gabor];
}

/// The editor's logical size, zoom and axis.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EditorLook {
    pub width: u32,
    pub height: u32,
    pub zoom: f32,
    pub axis: Axis,
}

impl Default for EditorLook {
    fn default() -> Self {
        Self { width: 1180, height: 760, zoom: 1.0, axis: Axis::default() }
    }
}

impl EditorLook {
    /// The nearest look that a window can have.
    #[must_use]
    pub fn clamped(self) -> Self {
        Self {
            width: self.width.clamp(200, 16_384),
            height: self.height.clamp(150, 16_384),
            zoom: self.zoom.clamp(0.5, 4.0),
            ..self
        }
    }
}

/// Settings that are not host parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The async window in samples; `None` follows the host's block size (DESIGN 2).
    pub async_samples: Option<u32>,
    /// Depth of the `ring` buffering mode, in blocks.
    pub ring_depth: u32,
    /// How long a block may be late before it counts as timed out (S4).
    pub fence_timeout_ms: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { async_samples: None, ring_depth: 4, fence_timeout_ms: 5.0 }
    }
}

/// The saved document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    pub version: u32,
    #[serde(default)]
    pub preset: String,
    #[serde(default)]
    pub editor: EditorLook,
    #[serde(default)]
    pub settings: Settings,
    /// The painting, in the order in which it was painted.
    #[serde(default)]
    pub strokes: Vec<Stroke>,
}

impl Default for Document {
    fn default() -> Self {
        Self {
            version: DOCUMENT_VERSION,
            preset: String::new(),
            editor: EditorLook::default(),
            settings: Settings::default(),
            strokes: Vec::new(),
        }
    }
}

impl Document {
    /// Reads a document and says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut document: Document =
            serde_json::from_str(text).map_err(|e| format!("the document is broken: {e}"))?;
        document.check()?;
        // A window of a wrong size is no reason to lose the sound.
        document.editor = document.editor.clamped();
        // Older versions lack fields, which have defaults; what is saved from now on has them.
        document.version = DOCUMENT_VERSION;
        Ok(document)
    }

    fn check(&self) -> Result<(), String> {
        if self.version == 0 || self.version > DOCUMENT_VERSION {
            return Err(format!(
                "the document has version {}; this Scumble reads 1 to {DOCUMENT_VERSION}",
                self.version
            ));
        }
        let range = |name: &str, value: f64, low: f64, high: f64| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(format!("{name} is {value}; allowed is {low} to {high}"))
            }
        };
        range("settings.ring_depth", self.settings.ring_depth.into(), 3.0, 16.0)?;
        range("settings.fence_timeout_ms", self.settings.fence_timeout_ms.into(), 1.0, 10.0)?;
        if let Some(samples) = self.settings.async_samples {
            range("settings.async_samples", samples.into(), 0.0, 65_536.0)?;
        }
        check_strokes(&self.strokes)
    }
}

/// Names the first stroke that is out of bounds, and why.
pub fn check_strokes(strokes: &[Stroke]) -> Result<(), String> {
    if strokes.len() > MAX_STROKES {
        return Err(format!("{} strokes; allowed are {MAX_STROKES}", strokes.len()));
    }
    for (index, stroke) in strokes.iter().enumerate() {
        let within = |name: &str, value: f32, low: f32, high: f32| {
            // A number that is none compares false.
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(format!("stroke {index}: {name} is {value}; allowed is {low} to {high}"))
            }
        };
        within("radius_time", stroke.radius_time, 0.0, 10.0)?;
        within("radius_octaves", stroke.radius_octaves, 0.0, 20.0)?;
        within("strength", stroke.strength, -1.0, 1.0)?;
        within("hardness", stroke.hardness, 0.0, 1.0)?;
        if stroke.points.len() > MAX_POINTS {
            let count = stroke.points.len();
            return Err(format!("stroke {index}: {count} points; allowed are {MAX_POINTS}"));
        }
        for point in &stroke.points {
            within("x", point.x, -1000.0, 1000.0)?;
            within("y", point.y, -100.0, 100.0)?;
            within("pressure", point.pressure, 0.0, 1.0)?;
        }
    }
    Ok(())
}

#[derive(Debug, Default)]
struct Inner {
    document: Arc<Document>,
    /// The text of `document`, as it was loaded or as it is to be saved.
    text: Arc<String>,
    /// A text that came from the host and was not parsed yet.
    pending: Option<Arc<String>>,
}

#[derive(Debug)]
struct Shared {
    /// Held for some assignments at a time and never while a document is read, written or
    /// dropped: the host may store a state on its audio thread.
    inner: Mutex<Inner>,
    /// Changed under the lock, so that it tells what is behind it.
    generation: AtomicU64,
}

/// Holds the document between host, editor and control thread; clones share it. The audio
/// thread looks at [`DocumentCell::generation`] only.
#[derive(Debug, Clone)]
pub struct DocumentCell(Arc<Shared>);

impl Default for DocumentCell {
    fn default() -> Self {
        let document = Arc::new(Document::default());
        let text = Arc::new(to_text(&document));
        let inner = Mutex::new(Inner { document, text, pending: None });
        Self(Arc::new(Shared { inner, generation: AtomicU64::new(0) }))
    }
}

fn to_text(document: &Document) -> String {
    serde_json::to_string(document).expect("a document has no maps with non-string keys")
}

impl DocumentCell {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic cannot leave the document half written: every change is some assignments.
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts loads and edits.
    pub fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// The document in force.
    pub fn get(&self) -> Arc<Document> {
        self.lock().document.clone()
    }

    /// Changes the document that was in force at generation `known`, and gives the generation that
    /// this makes. `None`, and nothing is changed, when something else came in since or waits to be
    /// adopted: look again. Not for the audio thread.
    pub fn edit(&self, known: u64, how: impl FnOnce(&mut Document)) -> Option<u64> {
        let unchanged = |inner: &Inner| self.generation() == known && inner.pending.is_none();
        let mut document = {
            let inner = self.lock();
            let base = unchanged(&inner).then(|| inner.document.clone())?;
            drop(inner);
            Document::clone(&base)
        };
        how(&mut document);
        let text = Arc::new(to_text(&document));
        let mut inner = self.lock();
        if !unchanged(&inner) {
            return None;
        }
        let old = inner.put(document, text);
        let made = self.count();
        drop(inner);
        drop(old);
        Some(made)
    }

    /// Parses what the host handed over last. `Ok(true)` when a new document is in force; on an
    /// error the running document stays. Not for the audio thread.
    pub fn adopt_pending(&self) -> Result<bool, String> {
        let Some(text) = self.lock().pending.clone() else { return Ok(false) };
        let parsed = Document::parse(&text);
        self.settle(text, parsed)
    }

    /// Puts what came of `text` in force, unless it waits no longer: a newer text stays pending,
    /// and what another thread has adopted meanwhile stays in force.
    fn settle(&self, text: Arc<String>, parsed: Result<Document, String>) -> Result<bool, String> {
        let mut inner = self.lock();
        if inner.pending.as_ref().is_none_or(|waits| !Arc::ptr_eq(waits, &text)) {
            return Ok(false);
        }
        inner.pending = None;
        let old = inner.put(parsed?, text);
        drop(inner);
        drop(old);
        Ok(true)
    }

    /// The next generation. Under the lock.
    fn count(&self) -> u64 {
        self.0.generation.fetch_add(1, Ordering::Release) + 1
    }
}

impl Inner {
    /// Gives back what was there, to be dropped without the lock.
    fn put(&mut self, document: Document, text: Arc<String>) -> (Arc<Document>, Arc<String>) {
        let document = std::mem::replace(&mut self.document, Arc::new(document));
        (document, std::mem::replace(&mut self.text, text))
    }
}

impl PersistentField<'_, String> for DocumentCell {
    fn set(&self, text: String) {
        let text = Some(Arc::new(text));
        let mut inner = self.lock();
        let old = std::mem::replace(&mut inner.pending, text);
        self.count();
        drop(inner);
        drop(old);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&String) -> R,
    {
        let inner = self.lock();
        let text = inner.pending.as_ref().unwrap_or(&inner.text).clone();
        drop(inner);
        f(&text)
    }
}

/// Carries the message of a refused state from [`crate::check_state`], which has no instance at
/// hand, to the instance that was to load it.
#[derive(Debug, Default, Clone)]
pub struct Refusal(Arc<Mutex<String>>);

impl Refusal {
    /// The message, once.
    pub fn take(&self) -> Option<String> {
        let mut message = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if message.is_empty() { None } else { Some(std::mem::take(&mut message)) }
    }
}

impl PersistentField<'_, String> for Refusal {
    fn set(&self, message: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = message;
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&String) -> R,
    {
        // Always saved empty: a message is about one loading.
        f(&String::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_loaded_is_saved_byte_for_byte() {
        // X4: also before anyone has parsed it.
        let cell = DocumentCell::default();
        let text = r#"{ "version": 1,  "preset": "Fog" }"#.to_string();
        cell.set(text.clone());
        assert_eq!(cell.map(|t| t.clone()), text);
        assert_eq!(cell.adopt_pending(), Ok(true));
        assert_eq!(cell.map(|t| t.clone()), text);
        assert_eq!(cell.get().preset, "Fog");
        assert_eq!(cell.adopt_pending(), Ok(false));
    }

    #[test]
    fn a_broken_document_keeps_the_running_one_and_names_the_fault() {
        let cell = DocumentCell::default();
        let before = cell.map(|t| t.clone());
        for (text, words) in [
            ("{", "broken"),
            (r#"{"version": 99}"#, "version 99"),
            (r#"{"version": 1, "colour": 3}"#, "colour"),
            (r#"{"version": 2, "editor": {"axis": "bark"}}"#, "bark"),
            (r#"{"version": 1, "settings": {"fence_timeout_ms": 11}}"#, "1 to 10"),
            (
                r#"{"version": 1, "strokes": [{"id": 1, "kind": "gain", "points": [],
                    "radius_time": 0.1, "radius_octaves": 1e39, "strength": 1, "hardness": 0}]}"#,
                "stroke 0: radius_octaves",
            ),
        ] {
            cell.set(text.to_string());
            let message = cell.adopt_pending().expect_err(text);
            assert!(message.contains(words), "{text}: {message}");
            assert_eq!(cell.map(|t| t.clone()), before);
        }
    }

    #[test]
    fn a_window_that_cannot_be_costs_nothing_but_its_size() {
        // X4: some Scumbles have saved a zoom that they did not load again.
        let text = r#"{"version": 2, "preset": "Fog",
            "editor": {"width": 4294967295, "height": 0, "zoom": 9, "axis": "mel"}}"#;
        let document = Document::parse(text).expect("it loads");
        assert_eq!(document.preset, "Fog");
        let look = EditorLook { width: 16_384, height: 150, zoom: 4.0, axis: Axis::Mel };
        assert_eq!(document.editor, look);
    }

    fn named(preset: &str) -> String {
        format!(r#"{{"version": 2, "preset": "{preset}"}}"#)
    }

    #[test]
    fn a_late_reader_does_not_bring_an_older_state_back() {
        let cell = DocumentCell::default();
        cell.set(named("first"));
        // The control thread has read the first text when the host loads a second, which the
        // editor adopts.
        let first = cell.lock().pending.clone().expect("it waits");
        let parsed = Document::parse(&first);
        cell.set(named("second"));
        assert_eq!(cell.adopt_pending(), Ok(true));
        assert_eq!(cell.settle(first, parsed), Ok(false));
        assert_eq!(cell.get().preset, "second");
        assert_eq!(cell.map(|t| t.clone()), named("second"));
    }

    #[test]
    fn a_late_reader_leaves_a_newer_state_waiting() {
        let cell = DocumentCell::default();
        cell.set("{".into());
        let first = cell.lock().pending.clone().expect("it waits");
        let parsed = Document::parse(&first);
        cell.set(named("second"));
        assert_eq!(cell.settle(first, parsed), Ok(false), "nobody waits for the broken one");
        assert_eq!(cell.adopt_pending(), Ok(true));
        assert_eq!(cell.get().preset, "second");
    }

    #[test]
    fn an_edit_never_goes_over_what_the_host_loads_meanwhile() {
        let cell = DocumentCell::default();
        let known = cell.generation();
        let edit = cell.edit(known, |document| {
            cell.set(named("loaded"));
            document.preset = "edited".into();
        });
        assert_eq!(edit, None);
        assert_eq!(cell.map(|t| t.clone()), named("loaded"));
        // Nor over one that waits, nor over one that another thread has adopted.
        let edit = |known| cell.edit(known, |document| document.settings.ring_depth = 8);
        assert_eq!(edit(cell.generation()), None);
        assert_eq!(cell.adopt_pending(), Ok(true));
        assert_eq!(edit(known), None);
        let known = cell.generation();
        assert_eq!(edit(known), Some(known + 1));
        assert_eq!(cell.generation(), known + 1);
        let saved = Document::parse(&cell.map(|t| t.clone())).expect("our own text");
        assert_eq!(saved, *cell.get());
        assert_eq!((saved.preset.as_str(), saved.settings.ring_depth), ("loaded", 8));
    }
}
