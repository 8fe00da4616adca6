//! From strokes to the field in force: painted where it changed, sent when the audio thread is
//! ready for it. Control thread, and the host's main thread in `activate()`.

use std::sync::Arc;

use crate::audio::ControlPort;
use scumble_dsp::raster::Region;
use scumble_dsp::{Canvas, Field, FieldSpec, Stroke};

/// Keeps the field like the strokes.
pub struct Painter {
    canvas: Canvas,
    field: Arc<Field>,
    /// The audio thread does not have `field` yet.
    unsent: bool,
}

impl Painter {
    pub fn new(sample_rate: f32) -> Self {
        let field = Arc::new(Field::empty(FieldSpec::new(sample_rate.into())));
        Self { canvas: Canvas::default(), field, unsent: false }
    }

    pub fn field(&self) -> &Arc<Field> {
        &self.field
    }

    /// The audio thread was given the field by another way.
    pub fn is_sent(&mut self) {
        self.unsent = false;
    }

    /// Brings the field up to date with the document.
    pub fn repaint(&mut self, strokes: &[Stroke]) {
        if self.canvas.strokes == strokes {
            return;
        }
        let same = self.canvas.strokes.iter().zip(strokes).take_while(|(a, b)| a == b).count();
        let (old_rest, new_rest) = (self.canvas.strokes.split_off(same), &strokes[same..]);
        self.canvas.strokes.extend_from_slice(new_rest);
        if old_rest.is_empty() && new_rest.len() == 1 {
            self.put(self.field.with_stroke(&new_rest[0]));
            return;
        }
        // Whatever was taken away, put in or moved is painted again, and nothing else.
        let columns = self.field.spec().columns;
        let unmoved = |stroke: &&Stroke, others: &[Stroke]| !others.contains(stroke);
        let dirty = old_rest
            .iter()
            .filter(|s| unmoved(s, new_rest))
            .chain(new_rest.iter().filter(|s| unmoved(s, &old_rest)))
            .map(|stroke| Region::of(stroke, columns))
            .reduce(|a, b| a.union(b, columns))
            // Only the order changed.
            .unwrap_or(Region::all(columns));
        self.put(self.field.update(&self.canvas, dirty));
    }

    fn put(&mut self, field: Field) {
        self.field = Arc::new(field);
        self.unsent = true;
    }

    /// Sends the field if it is new; if the audio thread is not ready, again with the next tick.
    pub fn deliver(&mut self, port: &mut ControlPort) {
        if self.unsent && port.send_field(self.field.clone()).is_ok() {
            self.unsent = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scumble_dsp::{StrokeKind, StrokePoint};

    fn stroke(id: u64, x: f32, kind: StrokeKind) -> Stroke {
        let point = |dx: f32| StrokePoint { x: x + dx, y: 5.0, pressure: 1.0 };
        Stroke {
            id,
            kind,
            points: vec![point(0.0), point(0.05)],
            radius_time: 0.02,
            radius_octaves: 0.7,
            strength: -0.8,
            hardness: 0.3,
        }
    }

    fn same_paint(a: &Field, b: &Field) -> bool {
        (0..a.spec().columns).all(|c| a.column(c) == b.column(c))
            && a.warp_phases() == b.warp_phases()
    }

    #[test]
    fn any_edit_gives_the_field_of_the_whole_canvas() {
        // P4: what is painted piece by piece equals what is painted at once.
        let mut painter = Painter::new(48_000.0);
        let mut strokes = Vec::new();
        let mut state = 9u32;
        for step in 0..60u64 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let pick = (state >> 16) as usize;
            match pick % 4 {
                0 | 1 => {
                    let kind = StrokeKind::ALL[pick / 4 % StrokeKind::ALL.len()];
                    strokes.push(stroke(step, pick as f32 / 65_536.0, kind));
                }
                2 if !strokes.is_empty() => drop(strokes.remove(pick / 4 % strokes.len())),
                3 if !strokes.is_empty() => {
                    let at = pick / 4 % strokes.len();
                    strokes[at].points[0].x += 0.2;
                }
                _ => {}
            }
            painter.repaint(&strokes);
            let canvas = Canvas { strokes: strokes.clone(), ..Canvas::default() };
            let whole = Field::rasterise(&canvas, *painter.field().spec());
            assert!(same_paint(painter.field(), &whole), "after edit {step}");
        }
    }
}
