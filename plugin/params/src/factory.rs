//! The sounds that come with Scumble, named by what they do.

use scumble_dsp::{Stroke, StrokeKind, StrokePoint};

use crate::preset::{Preset, Value};

/// Octaves above 20 Hz.
fn octaves(hz: f32) -> f32 {
    (hz / 20.0).log2()
}

/// A sound under construction.
struct Sound(Preset);

impl Sound {
    fn new(name: &str) -> Self {
        Self(Preset::new(name))
    }

    fn set(mut self, id: &str, value: f32) -> Self {
        self.0.params.insert(id.to_string(), Value::Number(value));
        self
    }

    fn freeze(mut self) -> Self {
        self.0.params.insert("freeze".to_string(), Value::Switch(true));
        self
    }

    /// A stroke through places (loop 0..1, Hz), as wide as `time` of the loop and `tall` octaves.
    fn stroke(
        mut self,
        kind: StrokeKind,
        places: &[(f32, f32)],
        (time, tall): (f32, f32),
        strength: f32,
        hardness: f32,
    ) -> Self {
        let point = |&(x, hz): &(f32, f32)| StrokePoint { x, y: octaves(hz), pressure: 1.0 };
        self.0.strokes.push(Stroke {
            id: self.0.strokes.len() as u64 + 1,
            kind,
            points: places.iter().map(point).collect(),
            radius_time: time,
            radius_octaves: tall,
            strength,
            hardness,
        });
        self
    }

    /// The same stroke at each of `beats` of a loop of four.
    fn beats(
        mut self,
        beats: &[f32],
        kind: StrokeKind,
        hz: f32,
        size: (f32, f32),
        strength: f32,
        hardness: f32,
    ) -> Self {
        for beat in beats {
            self = self.stroke(kind, &[(beat / 4.0, hz)], size, strength, hardness);
        }
        self
    }
}

/// The one of this name.
pub fn factory_preset(name: &str) -> Option<Preset> {
    factory_presets().into_iter().find(|preset| preset.name == name)
}

/// All of them, in the order of the menu. The first is silence on the canvas and neutral.
pub fn factory_presets() -> Vec<Preset> {
    use StrokeKind::{BlurFreq, BlurTime, Freeze, Gain, ModHigh, ModLow, WarpFreq, WarpTime};
    let sweep_up = [(0.0, 120.0), (0.5, 900.0), (0.95, 6000.0)];
    let sweep_down = [(0.0, 7000.0), (0.5, 1200.0), (0.95, 150.0)];
    let line = |hz: f32| [(0.0, hz), (0.999, hz)];
    let sounds = [
        Sound::new("Clean slate"),
        Sound::new("Fog over everything").set("blur_time", 180.0).set("blur_freq", 0.15),
        Sound::new("Fog over the snare")
            .beats(&[1.0, 3.0], BlurTime, 2500.0, (0.1, 2.2), 1.0, 0.3)
            .beats(&[1.0, 3.0], BlurFreq, 3500.0, (0.08, 1.6), 0.6, 0.2),
        Sound::new("Long soft tail").set("blur_time", 650.0).set("diffuse", 0.25).set("mix", 0.6),
        Sound::new("Whisper from a voice").set("diffuse", 1.0).set("low_cut", 300.0),
        Sound::new("Breath behind the voice")
            .set("diffuse", 0.8)
            .set("blur_time", 90.0)
            .set("mix", 0.35),
        Sound::new("Smear the harmonics").set("blur_freq", 0.35),
        Sound::new("Melt into noise").set("blur_freq", 2.5).set("diffuse", 0.5),
        Sound::new("Only the attacks").set("mod_low", 8.0),
        Sound::new("Without the attacks").set("mod_high", 3.0),
        Sound::new("Calm the tremor").set("mod_high", 6.0).set("mix", 0.8),
        Sound::new("Ring a little higher").set("warp_shift", 40.0).set("mix", 0.5),
        Sound::new("Detuned bell").set("warp_shift", 137.0).set("warp_stretch", 1.06),
        Sound::new("Metal from wood").set("warp_stretch", 1.35),
        Sound::new("Small and far").set("warp_stretch", 0.72).set("low_cut", 250.0),
        Sound::new("Through the wall").set("high_cut", 650.0).set("blur_time", 40.0),
        Sound::new("Telephone in the rain")
            .set("low_cut", 400.0)
            .set("high_cut", 3200.0)
            .set("diffuse", 0.3),
        Sound::new("Hold this moment").freeze(),
        Sound::new("Hold and thaw").freeze().set("mix", 0.5).set("blur_freq", 0.1),
        Sound::new("Sunrise over four beats").stroke(Gain, &sweep_up, (0.06, 1.4), 0.6, 0.2),
        Sound::new("Shadow that falls").stroke(Gain, &sweep_down, (0.07, 1.6), -1.0, 0.2),
        Sound::new("A hole for the vocal").stroke(Gain, &line(2200.0), (0.05, 0.9), -0.35, 0.3),
        Sound::new("Duck the kick's place").beats(
            &[0.0, 1.0, 2.0, 3.0],
            Gain,
            70.0,
            (0.05, 1.8),
            -0.8,
            0.4,
        ),
        Sound::new("Last beat bends up").stroke(
            WarpFreq,
            &[(0.75, 300.0), (0.98, 2500.0)],
            (0.05, 2.5),
            0.6,
            0.5,
        ),
        Sound::new("Every other beat drags").beats(
            &[1.5, 3.5],
            WarpTime,
            1500.0,
            (0.1, 4.0),
            0.8,
            0.5,
        ),
        Sound::new("Freeze the fourth beat").beats(&[3.5], Freeze, 1500.0, (0.12, 5.0), 1.0, 0.9),
        Sound::new("Glass above, mud below")
            .stroke(ModLow, &line(7000.0), (0.05, 1.4), 0.8, 0.3)
            .stroke(BlurTime, &line(120.0), (0.05, 1.6), 0.9, 0.3),
        Sound::new("Breathing cymbals")
            .beats(&[0.5, 1.5, 2.5, 3.5], ModHigh, 9000.0, (0.09, 1.2), 1.0, 0.2)
            .beats(&[0.0, 1.0, 2.0, 3.0], Gain, 9000.0, (0.06, 1.0), -0.3, 0.2),
    ];
    sounds.into_iter().map(|sound| sound.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn there_are_twenty_and_more_each_valid_and_with_a_name_of_its_own() {
        let presets = factory_presets();
        assert!(presets.len() >= 20);
        let names: HashSet<&str> = presets.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names.len(), presets.len());
        for preset in &presets {
            let again =
                Preset::parse(&preset.to_text()).unwrap_or_else(|e| panic!("{}: {e}", preset.name));
            assert_eq!(*preset, again);
        }
        assert!(presets.iter().filter(|p| !p.strokes.is_empty()).count() >= 8);
    }
}
