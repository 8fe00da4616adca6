//! Every WGSL variant is valid, and its shared structs agree with Rust's, without any GPU (DESIGN 5).
#![cfg(feature = "wgpu")]

use std::mem::{offset_of, size_of};

use naga::valid::{Capabilities, ValidationFlags, Validator};
use scumble_dsp::FrameParams;
use scumble_gpu::backend::layout::{CLASSES, Header, Job};
use scumble_gpu::backend::wgpu::analysis::kernels::AnalysisModule;
use scumble_gpu::backend::wgpu::shaders::{Module, WARP_KERNELS};
use scumble_gpu::compute::edit;
use scumble_gpu::compute::steps::{BandWords, Kernel, NONE, Step};

macro_rules! offsets {
    ($ty:ty: $($field:ident),* $(,)?) => {
        vec![$((stringify!($field).to_owned(), offset_of!($ty, $field))),*]
    };
}

fn parse(module: Module) -> naga::Module {
    naga::front::wgsl::parse_str(&module.source())
        .unwrap_or_else(|error| panic!("{module:?}: {}", error.emit_to_string(&module.source())))
}

#[test]
fn every_kernel_of_every_size_is_valid_and_has_its_entry_points() {
    for name in Module::all() {
        let module = parse(name);
        let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
        validator.validate(&module).unwrap_or_else(|error| panic!("{name:?}: {error:?}"));
        let mut found: Vec<_> = module.entry_points.iter().map(|e| e.name.as_str()).collect();
        let mut wanted = name.entry_points().to_vec();
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{name:?}");
        for entry in &module.entry_points {
            let invocations: u32 = entry.workgroup_size.iter().product();
            assert!(invocations <= 512, "{name:?} {} has {invocations} invocations", entry.name);
        }
    }
}

#[test]
fn the_kernels_of_the_analysis_are_valid_and_their_structs_those_of_rust() {
    let mut names = Vec::new();
    for name in AnalysisModule::ALL {
        let source = name.source();
        let module = naga::front::wgsl::parse_str(&source)
            .unwrap_or_else(|error| panic!("{name:?}: {}", error.emit_to_string(&source)));
        let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
        validator.validate(&module).unwrap_or_else(|error| panic!("{name:?}: {error:?}"));
        for entry in &module.entry_points {
            assert_eq!(entry.workgroup_size, [64, 1, 1], "{}", entry.name);
            names.push((name, entry.name.clone()));
        }
        let rust = offsets!(Step: first, end, n, rows, span, radix, source, target_at, turns,
            turn_step, sign, start, hop, samples, turned, window, bands, whole, place, stride,
            keep, count, flags, gain, top_db, row_items, per_row, per_span, unit);
        assert_eq!(layout_of(&module, "Step"), (rust, size_of::<Step>()));
        let rust = offsets!(BandWords: bin, at, len, fold_at, frames, row);
        assert_eq!(layout_of(&module, "Band"), (rust, size_of::<BandWords>()));
        assert_eq!(constant(&module, "NONE"), naga::Literal::U32(NONE));
    }
    let mut wanted: Vec<_> = Kernel::ALL
        .into_iter()
        .map(|kernel| (AnalysisModule::of(kernel), kernel.name().to_owned()))
        .collect();
    wanted.sort_by(|a, b| a.1.cmp(&b.1));
    names.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(names, wanted);
}

/// Offsets of the members of a WGSL struct, and its span.
fn layout_of(module: &naga::Module, name: &str) -> (Vec<(String, usize)>, usize) {
    let (_, ty) = module
        .types
        .iter()
        .find(|(_, ty)| ty.name.as_deref() == Some(name))
        .unwrap_or_else(|| panic!("{name} is not in the WGSL"));
    let naga::TypeInner::Struct { members, span } = &ty.inner else {
        panic!("{name} is not a struct")
    };
    let members =
        members.iter().map(|m| (m.name.clone().unwrap_or_default(), m.offset as usize)).collect();
    (members, *span as usize)
}

#[test]
fn job_and_header_lie_in_memory_as_the_shaders_read_them() {
    let module = parse(Module::Stream);
    let rust = offsets!(Job: hop, history, history_len, history_at, spectra, spectra_len,
        spectra_at, frames, frames_len, frames_at, scratch, params, field, output, n, m, analysis,
        synthesis, places, held, stride, strides_per_second, bins_per_rate, flags);
    assert_eq!(layout_of(&module, "Job"), (rust, size_of::<Job>()));
    let rust = offsets!(Header: first, jobs, pad_0, pad_1, pad_2);
    assert_eq!(layout_of(&module, "Header"), (rust, size_of::<Header>()));
    assert_eq!(CLASSES, 8, "the length of `first` in shared.wgsl");
    let module = parse(Module::Effect);
    let rust = offsets!(FrameParams: frame_lo, frame_hi, flags, field_lanes, blur_time, mod_smooth,
        mod_low, blur_freq, diffuse, noise_cell, noise_fraction, seed, shift, stretch, pivot,
        warp_mix, warp_phase, warp_phase_per_band, bin_phase, low_cut, high_cut_inverse, freeze,
        freeze_paint, freeze_slot, freeze_frame, freeze_age, paint, field_slot, column,
        column_fraction, column_ticks, ticks_per_column);
    assert_eq!(layout_of(&module, "FrameParams"), (rust, size_of::<FrameParams>()));
}

/// Value of a WGSL constant.
fn constant(module: &naga::Module, name: &str) -> naga::Literal {
    let (_, constant) = module
        .constants
        .iter()
        .find(|(_, c)| c.name.as_deref() == Some(name))
        .unwrap_or_else(|| panic!("{name} is not in the WGSL"));
    match module.global_expressions[constant.init] {
        naga::Expression::Literal(literal) => literal,
        ref other => panic!("{name} is {other:?}"),
    }
}

#[test]
fn constants_of_the_shaders_are_those_of_the_twin() {
    use scumble_dsp::effect::{TIME_LANES, phasor, warp};
    use scumble_dsp::{Lane, flag};
    let effect = parse(Module::Time);
    let word = |name: &str| match constant(&effect, name) {
        naga::Literal::U32(value) => value,
        other => panic!("{name} is {other:?}"),
    };
    let flags =
        [flag::TIME, flag::FREEZE, flag::BLUR_FREQ, flag::DIFFUSE, flag::WARP, flag::FILTER];
    let names = ["TIME", "FREEZE", "BLUR_FREQ", "DIFFUSE", "WARP", "FILTER"];
    for (name, flag) in names.into_iter().zip(flags) {
        assert_eq!(word(name), flag, "{name}");
    }
    let lanes = [
        ("GAIN", Lane::Gain),
        ("BLUR_TIME_LANE", Lane::BlurTime),
        ("BLUR_FREQ_LANE", Lane::BlurFreq),
        ("WARP_FREQ_LANE", Lane::WarpFreq),
        ("WARP_TIME_LANE", Lane::WarpTime),
        ("MOD_LOW_LANE", Lane::ModLow),
        ("MOD_HIGH_LANE", Lane::ModHigh),
        ("FREEZE_LANE", Lane::Freeze),
    ];
    for (name, lane) in lanes {
        assert_eq!(word(name), lane as u32, "{name}");
    }
    assert_eq!(word("TIME_LANES"), TIME_LANES);
    assert_eq!(word("TAPS") as usize, scumble_dsp::TAPS);
    assert_eq!(constant(&effect, "LATE"), naga::Literal::F32(scumble_dsp::effect::time::LATE));
    assert_eq!(constant(&effect, "FLOOR"), naga::Literal::F32(phasor::FLOOR));
    let parse_edit = |module: AnalysisModule| {
        naga::front::wgsl::parse_str(&module.source()).expect("validated elsewhere")
    };
    let module = parse_edit(AnalysisModule::Edit);
    assert_eq!(constant(&module, "FLOOR"), naga::Literal::F32(phasor::FLOOR));
    assert_eq!(constant(&module, "SILENCE"), naga::Literal::F32(phasor::SILENCE));
    let reach = scumble_dsp::effect::time::GAUSSIAN_REACH;
    assert_eq!(constant(&module, "GAUSSIAN_REACH"), naga::Literal::F32(reach));
    assert_eq!(constant(&module, "RUN"), naga::Literal::U32(edit::RUN as u32));
    assert_eq!(constant(&module, "HIGH_PASS"), naga::Literal::U32(edit::HIGH_PASS));
    assert_eq!(constant(&module, "DELAY"), naga::Literal::U32(edit::DELAY));
    let module = parse_edit(AnalysisModule::EditWarp);
    assert_eq!(constant(&module, "KERNEL"), naga::Literal::I32(warp::KERNEL as i32));
    assert_eq!(constant(&module, "FIRST_TAP"), naga::Literal::I32(warp::FIRST_TAP));
    assert_eq!(constant(&module, "FRACTIONS"), naga::Literal::F32(warp::FRACTIONS as f32));
    assert_eq!(constant(&module, "CHOICE"), naga::Literal::F32(warp::CHOICE));
    let module = parse(Module::Warp);
    assert_eq!(constant(&module, "KERNEL"), naga::Literal::I32(warp::KERNEL as i32));
    assert_eq!(constant(&module, "FIRST_TAP"), naga::Literal::I32(warp::FIRST_TAP));
    assert_eq!(constant(&module, "FRACTIONS"), naga::Literal::F32(warp::FRACTIONS as f32));
    assert_eq!(constant(&module, "WARP_KERNELS"), naga::Literal::U32(WARP_KERNELS as u32));
}
