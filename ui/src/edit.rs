//! The strokes under edit, and undo. Pure: no window, no host.
//!
//! A change says which strokes it took away and which it put in, each with its place in the order
//! of painting, so undo and redo are the same operation run either way.

use scumble_params::{MAX_POINTS, MAX_STROKES};

use crate::model::{ParamId, Sound, Versions};
use crate::stroke::{Stroke, StrokePoint};

/// How many steps can be undone.
pub const UNDO_STEPS: usize = 256;

/// All that a preset or a change of side replaces.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scene {
    pub sound: Sound,
    pub versions: Versions,
}

/// What one step of undo brings back.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Strokes {
        /// Ascending places in the order before the change.
        taken: Vec<(usize, Stroke)>,
        /// Ascending places in the order after it.
        put: Vec<(usize, Stroke)>,
    },
    Param {
        id: ParamId,
        before: f32,
        after: f32,
    },
    Scene {
        before: Box<Scene>,
        after: Box<Scene>,
    },
}

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    words: &'static str,
    /// Changes of one gesture become one step.
    gesture: Option<u64>,
    step: Step,
}

/// What the caller has to do outside after an undo or redo.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The strokes changed.
    Strokes(&'static str),
    /// This parameter is to be set.
    Param(ParamId, f32),
    /// All of this is to be restored; the strokes here are its own already.
    Scene(Box<Scene>),
}

/// Strokes in the order of painting, with their history.
#[derive(Debug, Default)]
pub struct Edit {
    strokes: Vec<Stroke>,
    done: Vec<Entry>,
    undone: Vec<Entry>,
    /// Grows with every change of the strokes.
    revision: u64,
    gesture: u64,
}

impl Edit {
    pub fn strokes(&self) -> &[Stroke] {
        &self.strokes
    }

    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn undo_depth(&self) -> usize {
        self.done.len()
    }

    pub fn redo_depth(&self) -> usize {
        self.undone.len()
    }

    /// What the next undo takes back.
    pub fn undo_words(&self) -> Option<&'static str> {
        self.done.last().map(|e| e.words)
    }

    pub fn redo_words(&self) -> Option<&'static str> {
        self.undone.last().map(|e| e.words)
    }

    /// Takes strokes from outside (a state was loaded): nothing before that can be undone.
    pub fn replace_all(&mut self, strokes: Vec<Stroke>) {
        self.strokes = strokes;
        self.done.clear();
        self.undone.clear();
        self.revision += 1;
    }

    /// A new gesture: its changes merge with each other and with nothing before.
    pub fn begin_gesture(&mut self) -> u64 {
        self.gesture += 1;
        self.gesture
    }

    pub fn find(&self, id: u64) -> Option<(usize, &Stroke)> {
        self.strokes.iter().enumerate().find(|(_, s)| s.id == id)
    }

    /// An id that no stroke has, nor had within reach of undo.
    pub fn fresh_id(&self) -> u64 {
        let of = |list: &[(usize, Stroke)]| list.iter().map(|(_, s)| s.id).max().unwrap_or(0);
        let entries = self.done.iter().chain(&self.undone).map(|e| match &e.step {
            Step::Strokes { taken, put } => of(taken).max(of(put)),
            Step::Param { .. } => 0,
            Step::Scene { before, after } => {
                let strokes = before.sound.strokes.iter().chain(&after.sound.strokes);
                strokes.map(|s| s.id).max().unwrap_or(0)
            }
        });
        let now = self.strokes.iter().map(|s| s.id);
        entries.chain(now).max().unwrap_or(0) + 1
    }

    /// Refused, with the words for it, where a project holds no more.
    pub fn add(&mut self, stroke: Stroke) -> Result<(), String> {
        let place = self.strokes.len();
        if place >= MAX_STROKES {
            return Err(format!("{MAX_STROKES} strokes are all that a project holds; delete some"));
        }
        self.apply("stroke", None, vec![], vec![(place, stroke)]);
        Ok(())
    }

    pub fn delete(&mut self, ids: &[u64]) {
        let taken = self.taken(ids);
        if !taken.is_empty() {
            self.apply("delete", None, taken, vec![]);
        }
    }

    pub fn clear(&mut self) {
        let taken: Vec<_> = self.strokes.iter().cloned().enumerate().collect();
        if !taken.is_empty() {
            self.apply("clear", None, taken, vec![]);
        }
    }

    /// Changes the strokes `ids` by `how`, as part of `gesture`.
    pub fn change(
        &mut self,
        words: &'static str,
        gesture: u64,
        ids: &[u64],
        mut how: impl FnMut(&mut Stroke),
    ) {
        let taken = self.taken(ids);
        let mut put = taken.clone();
        put.iter_mut().for_each(|(_, s)| how(s));
        if put != taken {
            self.apply(words, Some(gesture), taken, put);
        }
    }

    /// Notes that a parameter was changed, as part of `gesture`.
    pub fn note_param(&mut self, id: ParamId, before: f32, after: f32) {
        if (before - after).abs() > 1e-6 {
            self.push(Entry {
                words: "parameter",
                gesture: None,
                step: Step::Param { id, before, after },
            });
        }
    }

    /// Takes over what a preset brought, in one step.
    pub fn note_scene(&mut self, before: Scene, after: Scene) {
        self.strokes = after.sound.strokes.clone();
        self.revision += 1;
        let step = Step::Scene { before: Box::new(before), after: Box::new(after) };
        self.push(Entry { words: "preset", gesture: None, step });
    }

    pub fn undo(&mut self) -> Option<Outcome> {
        let entry = self.done.pop()?;
        let outcome = self.run(&entry, false);
        self.undone.push(entry);
        Some(outcome)
    }

    pub fn redo(&mut self) -> Option<Outcome> {
        let entry = self.undone.pop()?;
        let outcome = self.run(&entry, true);
        self.done.push(entry);
        Some(outcome)
    }

    fn taken(&self, ids: &[u64]) -> Vec<(usize, Stroke)> {
        self.strokes
            .iter()
            .enumerate()
            .filter(|(_, s)| ids.contains(&s.id))
            .map(|(i, s)| (i, s.clone()))
            .collect()
    }

    fn apply(
        &mut self,
        words: &'static str,
        gesture: Option<u64>,
        taken: Vec<(usize, Stroke)>,
        put: Vec<(usize, Stroke)>,
    ) {
        let entry = Entry { words, gesture, step: Step::Strokes { taken, put } };
        self.run(&entry, true);
        self.push(entry);
    }

    fn push(&mut self, entry: Entry) {
        self.undone.clear();
        if let (Some(last), Some(_)) = (self.done.last_mut(), entry.gesture)
            && last.gesture == entry.gesture
            && let (Step::Strokes { put: kept, .. }, Step::Strokes { taken, put }) =
                (&mut last.step, &entry.step)
            && kept == taken
        {
            *kept = put.clone();
            return;
        }
        self.done.push(entry);
        if self.done.len() > UNDO_STEPS {
            self.done.remove(0);
        }
    }

    fn run(&mut self, entry: &Entry, forward: bool) -> Outcome {
        match &entry.step {
            Step::Strokes { taken, put } => {
                let (out, into) = if forward { (taken, put) } else { (put, taken) };
                for (place, _) in out.iter().rev() {
                    self.strokes.remove(*place);
                }
                for (place, stroke) in into {
                    self.strokes.insert(*place, stroke.clone());
                }
                self.revision += 1;
                Outcome::Strokes(entry.words)
            }
            Step::Param { id, before, after } => {
                Outcome::Param(*id, if forward { *after } else { *before })
            }
            Step::Scene { before, after } => {
                let scene = if forward { after } else { before };
                self.strokes = scene.sound.strokes.clone();
                self.revision += 1;
                Outcome::Scene(scene.clone())
            }
        }
    }
}

/// Moves a stroke, keeping its points on the canvas' height; the loop wraps in time, so x may run
/// past its ends as long as the stroke still touches it.
pub fn shift(stroke: &mut Stroke, dx: f32, d_octaves: f32, octaves: f32) {
    let (low, high) =
        stroke.points.iter().fold((f32::MAX, f32::MIN), |(l, h), p| (l.min(p.y), h.max(p.y)));
    let dy = d_octaves.clamp(-low.max(0.0), (octaves - high).max(0.0));
    let first = stroke.points.first().map_or(0.0, |p| p.x);
    // The first point names the place in the loop: it stays within 0..1.
    let dx = (first + dx).rem_euclid(1.0) - first;
    for p in &mut stroke.points {
        p.x += dx;
        p.y += dy;
    }
}

/// Adds a point unless it is too near the last one to matter, or a stroke holds no more.
pub fn extend(points: &mut Vec<StrokePoint>, point: StrokePoint, min_x: f32, min_octaves: f32) {
    let far = points.last().is_none_or(|last| {
        (last.x - point.x).abs() >= min_x || (last.y - point.y).abs() >= min_octaves
    });
    if far && points.len() < MAX_POINTS {
        points.push(point);
    }
}

/// Whether the canvas point `(x, octave)` lies on the stroke's footprint.
pub fn hit(stroke: &Stroke, x: f32, octave: f32) -> bool {
    distance(stroke, x, octave) <= 1.0
}

/// Distance from the stroke's spine in radii: 0 on it, 1 at the edge.
pub fn distance(stroke: &Stroke, x: f32, octave: f32) -> f32 {
    let (rx, ry) = (stroke.radius_time.max(1e-6), stroke.radius_octaves.max(1e-6));
    let to = |p: &StrokePoint| egui::vec2((p.x - x) / rx, (p.y - octave) / ry);
    let mut best = stroke.points.first().map_or(f32::MAX, |p| to(p).length());
    for pair in stroke.points.windows(2) {
        let (a, b) = (to(&pair[0]), to(&pair[1]));
        let along = b - a;
        let t = (-a.dot(along) / along.length_sq().max(1e-12)).clamp(0.0, 1.0);
        best = best.min((a + along * t).length());
    }
    best
}

/// The stroke's points without those that a straight line (in radii) explains within `tolerance`;
/// pressure counts as a third coordinate.
pub fn simplify(stroke: &Stroke, tolerance: f32) -> Vec<StrokePoint> {
    let points = &stroke.points;
    if points.len() < 3 {
        return points.clone();
    }
    let (rx, ry) = (stroke.radius_time.max(1e-6), stroke.radius_octaves.max(1e-6));
    let at = |p: &StrokePoint| [p.x / rx, p.y / ry, p.pressure];
    let mut keep = vec![false; points.len()];
    keep[0] = true;
    keep[points.len() - 1] = true;
    let mut parts = vec![(0, points.len() - 1)];
    while let Some((from, to)) = parts.pop() {
        let (a, b) = (at(&points[from]), at(&points[to]));
        let along = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
        let square: f32 = along.iter().map(|v| v * v).sum::<f32>().max(1e-12);
        let away = |i: usize| {
            let p = at(&points[i]);
            let d = [p[0] - a[0], p[1] - a[1], p[2] - a[2]];
            let dot: f32 = d.iter().zip(&along).map(|(x, y)| x * y).sum();
            let t = (dot / square).clamp(0.0, 1.0);
            let gap = d.iter().zip(&along).map(|(x, y)| (x - t * y) * (x - t * y)).sum::<f32>();
            gap.sqrt()
        };
        let worst = (from + 1..to).map(|i| (i, away(i))).max_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((i, gap)) = worst
            && gap > tolerance
        {
            keep[i] = true;
            parts.extend([(from, i), (i, to)]);
        }
    }
    points.iter().zip(&keep).filter(|(_, k)| **k).map(|(p, _)| *p).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stroke::StrokeKind;

    fn stroke(id: u64, points: &[(f32, f32)]) -> Stroke {
        Stroke {
            id,
            kind: StrokeKind::Gain,
            points: points.iter().map(|&(x, y)| StrokePoint { x, y, pressure: 1.0 }).collect(),
            radius_time: 0.05,
            radius_octaves: 0.5,
            strength: 1.0,
            hardness: 0.5,
        }
    }

    fn paint(edit: &mut Edit, points: &[(f32, f32)]) {
        edit.add(stroke(edit.fresh_id(), points)).expect("there is room");
    }

    fn roll(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    /// Does something at random; whatever it is, undo must take it back.
    fn something(edit: &mut Edit, dice: &mut u64) {
        let ids: Vec<u64> = edit.strokes().iter().map(|s| s.id).collect();
        let pick = |dice: &mut u64| ids[roll(dice) as usize % ids.len()];
        match roll(dice) % 8 {
            _ if ids.is_empty() => paint(edit, &[(0.5, 5.0)]),
            0..=2 => paint(edit, &[(0.5, 5.0), (0.6, 6.0)]),
            3 => {
                let some = [pick(dice), pick(dice)];
                edit.delete(&some);
            }
            4 if roll(dice).is_multiple_of(5) => edit.clear(),
            5 => {
                let gesture = edit.begin_gesture();
                let some = [pick(dice), pick(dice)];
                for _ in 0..3 {
                    edit.change("move", gesture, &some, |s| shift(s, 0.1, 0.3, 10.0));
                }
            }
            6 => {
                let scene = |strokes| Scene {
                    sound: Sound { strokes, ..Sound::default() },
                    ..Scene::default()
                };
                let before = scene(edit.strokes().to_vec());
                edit.note_scene(before, scene(vec![stroke(900, &[(0.1, 1.0)])]));
            }
            _ => {
                let gesture = edit.begin_gesture();
                let some = [pick(dice)];
                edit.change("resize", gesture, &some, |s| s.radius_octaves *= 1.1);
            }
        }
    }

    #[test]
    fn whatever_is_done_undo_takes_back_and_redo_repeats() {
        for seed in 1..40u64 {
            let mut dice = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mut edit = Edit::default();
            let mut past = vec![edit.strokes().to_vec()];
            for _ in 0..60 {
                something(&mut edit, &mut dice);
                past.truncate(edit.undo_depth());
                past.push(edit.strokes().to_vec());
                // Now and then some steps back and forth, before going on.
                if roll(&mut dice).is_multiple_of(4) {
                    for _ in 0..roll(&mut dice) % 5 {
                        edit.undo();
                    }
                    assert_eq!(edit.strokes(), past[edit.undo_depth()]);
                    for _ in 0..roll(&mut dice) % 5 {
                        edit.redo();
                    }
                    assert_eq!(edit.strokes(), past[edit.undo_depth()]);
                }
            }
            while edit.undo().is_some() {
                assert_eq!(edit.strokes(), past[edit.undo_depth()]);
            }
            assert!(edit.strokes().is_empty());
            while edit.redo().is_some() {
                assert_eq!(edit.strokes(), past[edit.undo_depth()]);
            }
        }
    }

    #[test]
    fn a_gesture_is_one_step_and_the_next_one_another() {
        let mut edit = Edit::default();
        paint(&mut edit, &[(0.5, 5.0)]);
        for _ in 0..2 {
            let gesture = edit.begin_gesture();
            for _ in 0..10 {
                edit.change("move", gesture, &[1], |s| shift(s, 0.01, 0.0, 10.0));
            }
        }
        assert_eq!(edit.undo_depth(), 3);
        edit.undo();
        assert!((edit.strokes()[0].points[0].x - 0.6).abs() < 1e-5);
    }

    #[test]
    fn undo_has_an_end_and_ids_are_never_used_twice() {
        let mut edit = Edit::default();
        for _ in 0..UNDO_STEPS + 50 {
            paint(&mut edit, &[(0.5, 5.0)]);
        }
        assert_eq!(edit.undo_depth(), UNDO_STEPS);
        edit.undo();
        let fresh = edit.fresh_id();
        assert!(edit.strokes().iter().all(|s| s.id != fresh));
        // Not even the one that redo would bring back.
        edit.redo();
        assert!(edit.strokes().iter().all(|s| s.id != fresh));
    }

    #[test]
    fn no_more_is_painted_than_a_project_can_be_loaded_with() {
        let full: Vec<Stroke> = (1..=MAX_STROKES as u64).map(|id| stroke(id, &[])).collect();
        let mut edit = Edit::default();
        edit.replace_all(full);
        let words = edit.add(stroke(0, &[(0.5, 5.0)])).expect_err("it is full");
        assert!(words.contains("20000"), "{words}");
        assert_eq!((edit.strokes().len(), edit.undo_depth()), (MAX_STROKES, 0));
        edit.delete(&[7]);
        edit.add(stroke(7, &[(0.5, 5.0)])).expect("there is room again");
        assert!(scumble_params::check_strokes(edit.strokes()).is_ok());
        let mut points = vec![StrokePoint { x: 0.0, y: 0.0, pressure: 1.0 }; MAX_POINTS];
        extend(&mut points, StrokePoint { x: 0.5, y: 5.0, pressure: 1.0 }, 0.01, 0.01);
        assert_eq!(points.len(), MAX_POINTS);
    }

    #[test]
    fn a_stroke_stays_on_the_canvas_and_wraps_in_time() {
        let mut s = stroke(1, &[(0.9, 9.0), (0.95, 9.5)]);
        shift(&mut s, 0.2, 5.0, 10.0);
        assert!((s.points[0].x - 0.1).abs() < 1e-5 && (s.points[1].x - 0.15).abs() < 1e-5);
        assert!((s.points[1].y - 10.0).abs() < 1e-5 && (s.points[0].y - 9.5).abs() < 1e-5);
        shift(&mut s, -0.3, -50.0, 10.0);
        assert!((s.points[0].x - 0.8).abs() < 1e-5 && s.points[0].y.abs() < 1e-5);
    }

    #[test]
    fn simplifying_keeps_the_shape() {
        let points: Vec<(f32, f32)> = (0..200)
            .map(|i| {
                let t = i as f32 / 199.0;
                (0.2 + 0.5 * t, 5.0 + 2.0 * (t * 6.0).sin())
            })
            .collect();
        let mut s = stroke(1, &points);
        let all = s.points.clone();
        s.points = simplify(&s, 0.02);
        assert!(s.points.len() < 60, "{}", s.points.len());
        for p in all {
            assert!(distance(&s, p.x, p.y) < 0.021);
        }
        let line: Vec<(f32, f32)> = (0..50).map(|i| (i as f32 * 0.01, 3.0)).collect();
        assert_eq!(simplify(&stroke(2, &line), 0.02).len(), 2);
    }
}
