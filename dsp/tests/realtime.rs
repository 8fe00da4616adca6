//! What the audio thread calls neither allocates nor frees (S13), whatever is switched on or off.

mod common;

use std::sync::Arc;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use common::*;
use scumble_dsp::mix::{Blend, BlendSettings};
use scumble_dsp::{
    EffectSettings, Field, FieldSpec, Framer, Playhead, Quality, Stroke, StrokeKind, StrokePoint,
    Twin,
};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

fn field() -> Arc<Field> {
    let mut field = Field::empty(FieldSpec::new(RATE));
    for (i, kind) in StrokeKind::ALL.into_iter().enumerate().take(8) {
        field = field.with_stroke(&Stroke {
            id: i as u64,
            kind,
            points: vec![StrokePoint { x: i as f32 / 8.0, y: 5.0, pressure: 1.0 }],
            radius_time: 0.1,
            radius_octaves: 3.0,
            strength: 0.7,
            hardness: 0.5,
        });
    }
    Arc::new(field)
}

#[test]
fn nothing_on_the_audio_thread_allocates() {
    for quality in [Quality::Live, Quality::Balanced, Quality::Studio] {
        let spec = spec(quality);
        let hops = 60_000 / spec.h;
        let input = noise(1, hops * spec.h);
        let mut framer = Framer::new(spec, RATE);
        let mut twin = Twin::new(spec, RATE, 2, 4);
        let mut painted = Some(field());
        let mut home = Vec::with_capacity(4);
        let mut in_force: Option<Arc<Field>> = None;
        let (mut left, mut right) = (vec![0.0; spec.h], vec![0.0; spec.h]);
        let mut dry = vec![0.0; spec.h];
        let mut blend = Blend::new(RATE as f32);
        let mut heard = 0.0;
        for n in 0..hops {
            let on = n > hops / 4 && n % 97 > 20;
            let settings = EffectSettings {
                blur_time_ms: if on { 80.0 } else { 0.0 },
                blur_freq_oct: if on { 0.3 } else { 0.0 },
                diffuse: if on { 0.5 } else { 0.0 },
                shift_hz: if on { 100.0 } else { 0.0 },
                stretch: if n % 3 == 0 { 1.2 } else { 1.0 },
                low_cut_hz: if on { 100.0 } else { 0.0 },
                mod_low_hz: if on { 3.0 } else { 0.0 },
                freeze: n % 50 > 25,
                ..Default::default()
            };
            let samples = &input[n * spec.h..(n + 1) * spec.h];
            assert_no_alloc(|| {
                if n > hops / 2
                    && let Some(field) = painted.take()
                {
                    match framer.switch_field(4) {
                        Some(slot) => {
                            in_force = Some(Arc::clone(&field));
                            // The old one goes home to be dropped elsewhere.
                            home.push(twin.set_field(slot, field));
                        }
                        None => painted = Some(field),
                    }
                }
                let position = n as f64 * spec.h as f64 / RATE / 0.2;
                let playhead = Playhead { position, loop_seconds: 0.2, field: in_force.as_deref() };
                let params = framer.next(&settings, playhead);
                twin.push(n as u64, &[samples, samples], &params);
                twin.warm(n as u64);
                let done = twin.process_hop(n as u64, &mut [&mut left, &mut right]);
                assert!(done.is_ok());
                dry.copy_from_slice(samples);
                blend.aim(&BlendSettings {
                    mix: 0.7,
                    gain: 0.9,
                    bypass: n % 40 > 35,
                    ..Default::default()
                });
                let channels = [(&dry[..], &mut left[..]), (&dry[..], &mut right[..])];
                blend.process(channels.into_iter());
            });
            heard += rms(&left);
        }
        assert!(heard > 0.0);
        assert_eq!(home.len(), 1, "the field was taken into use");
    }
}
