//! Whole files on both cores: the same bits as one twin streaming (DESIGN 1, X3).

mod common;

use std::sync::Arc;

use common::*;
use scumble_dsp::batch::Batch;
use scumble_dsp::{
    EffectSettings, Field, FieldSpec, Quality, Stroke, StrokeKind, StrokePoint, Twin,
};

#[test]
fn a_batch_has_the_bits_of_one_twin_streaming() {
    for quality in [Quality::Live, Quality::Studio] {
        let spec = spec(quality);
        let stroke = Stroke {
            id: 0,
            kind: StrokeKind::Freeze,
            points: vec![StrokePoint { x: 0.6, y: 5.0, pressure: 1.0 }],
            radius_time: 0.2,
            radius_octaves: 4.0,
            strength: 1.0,
            hardness: 1.0,
        };
        let field = Arc::new(Field::empty(FieldSpec::new(RATE)).with_stroke(&stroke));
        let hops = 2 * 48_000 / spec.h;
        let input = [noise(1, hops * spec.h), noise(2, hops * spec.h - 17)];
        let params = params(&spec, hops, Some((&field, 1.0)), |i| EffectSettings {
            blur_time_ms: if i % 300 < 150 { 30.0 } else { 0.0 },
            shift_hz: 50.0,
            // A hold that begins in the first half and lasts into the second.
            freeze: (hops / 3..hops * 3 / 4).contains(&i),
            ..Default::default()
        });
        let mut padded = input[1].clone();
        padded.resize(hops * spec.h, 0.0);
        let mut twin = Twin::new(spec, RATE, 2, 0);
        drop(twin.set_field(0, Arc::clone(&field)));
        let mut streamed = [vec![0.0; hops * spec.h], vec![0.0; hops * spec.h]];
        let [left, right] = &mut streamed;
        for n in 0..hops {
            let at = n * spec.h..(n + 1) * spec.h;
            twin.push(n as u64, &[&input[0][at.clone()], &padded[at.clone()]], &params[n]);
            twin.process_hop(n as u64, &mut [&mut left[at.clone()], &mut right[at]])
                .expect("pushed");
        }
        for threads in [1, 2, 5] {
            let batch = Batch {
                spec,
                sample_rate: RATE,
                input: &[&input[0], &input[1]],
                params: &params,
                fields: [Some(Arc::clone(&field)), None],
            };
            let out = batch.render(threads);
            assert!(out[0] == streamed[0] && out[1] == streamed[1], "{threads} threads");
        }
    }
}
