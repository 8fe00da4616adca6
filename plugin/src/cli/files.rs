//! Sound files: whatever symphonia reads.

use std::fs::File;
use std::path::Path;

use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use super::CliError;

/// A sound in memory, one vector a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound {
    pub sample_rate: f32,
    pub channels: Vec<Vec<f32>>,
}

impl Sound {
    pub fn samples(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }
}

/// Reads a file to its end. What is not a number in a file of floats is silence, as it is for a host.
pub fn read(path: &Path) -> Result<Sound, CliError> {
    let fail = |what: String| CliError::new(format!("{}: {what}", path.display()));
    let file = File::open(path).map_err(|e| fail(e.to_string()))?;
    let stream = MediaSourceStream::new(Box::new(file), Default::default());
    let mut hint = Hint::new();
    if let Some(ending) = path.extension().and_then(|e| e.to_str()) {
        hint.with_extension(ending);
    }
    let not_sound = |e: Error| fail(format!("not a sound file that Scumble can read ({e})"));
    let mut format = symphonia::default::get_probe()
        .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
        .map_err(not_sound)?;
    let track =
        format.default_track(TrackType::Audio).ok_or_else(|| fail("has no audio track".into()))?;
    let (track_id, said_its_length) = (track.id, track.num_frames.is_some());
    let params = track.codec_params.as_ref().and_then(|p| p.audio());
    let params = params.ok_or_else(|| fail("has no audio codec".into()))?;
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(params, &AudioDecoderOptions::default())
        .map_err(not_sound)?;
    let mut sound = Sound { sample_rate: 0.0, channels: Vec::new() };
    let mut planes: Vec<Vec<f32>> = Vec::new();
    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            Err(Error::IoError(e)) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                if said_its_length {
                    return Err(fail("ends in the middle of its sound".into()));
                }
                // Written into a pipe, which could not say how long it would be: it ends here.
                break;
            }
            Err(e) => return Err(not_sound(e)),
        };
        if packet.track_id != track_id {
            continue;
        }
        let decoded = decoder.decode(&packet).map_err(not_sound)?;
        let rate = decoded.spec().rate() as f32;
        decoded.copy_to_vecs_planar(&mut planes);
        if sound.channels.is_empty() {
            sound.sample_rate = rate;
            sound.channels = vec![Vec::new(); planes.len()];
        }
        if planes.len() != sound.channels.len() || rate != sound.sample_rate {
            return Err(fail("changes its channels or its rate in the middle".into()));
        }
        for (channel, plane) in sound.channels.iter_mut().zip(&planes) {
            channel.extend(plane.iter().map(|&x| if x.is_finite() { x } else { 0.0 }));
        }
    }
    if sound.samples() == 0 {
        return Err(fail("holds no sound".into()));
    }
    Ok(sound)
}
