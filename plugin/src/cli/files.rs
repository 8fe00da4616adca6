//! Sound files: read whatever symphonia reads, write WAV. A file is whole or it is not there.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

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

/// Reads a file to its end.
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
    let track_id = track.id;
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
                return Err(fail("ends in the middle of its sound".into()));
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
            channel.extend_from_slice(plane);
        }
    }
    if sound.samples() == 0 {
        return Err(fail("holds no sound".into()));
    }
    Ok(sound)
}

/// A file that is written beside its place and moved there when it is whole.
pub struct Unfinished {
    beside: PathBuf,
    place: PathBuf,
    done: bool,
}

impl Unfinished {
    /// A WAV file.
    pub fn wav(place: &Path) -> Result<Self, CliError> {
        if !place.extension().is_some_and(|e| e.eq_ignore_ascii_case("wav")) {
            let name = place.display();
            return Err(CliError::new(format!("{name}: Scumble writes WAV; end the name in .wav")));
        }
        Self::new(place)
    }

    /// Finds out whether the place can be written to, before any work is done.
    pub fn new(place: &Path) -> Result<Self, CliError> {
        let mut name = place.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let beside = place.with_file_name(name);
        File::create(&beside).map_err(|e| CliError::new(format!("{}: {e}", place.display())))?;
        Ok(Self { beside, place: place.to_owned(), done: false })
    }

    /// Writes 32 bit floats and puts the file into its place.
    pub fn write(mut self, sound: &Sound) -> Result<(), CliError> {
        let fail = |e: String| CliError::new(format!("{}: {e}", self.place.display()));
        let spec = hound::WavSpec {
            channels: sound.channels.len() as u16,
            sample_rate: sound.sample_rate as u32,
            bits_per_sample: 32,
            sample_format: hound::SampleFormat::Float,
        };
        let mut writer =
            hound::WavWriter::create(&self.beside, spec).map_err(|e| fail(e.to_string()))?;
        for i in 0..sound.samples() {
            for channel in &sound.channels {
                writer.write_sample(channel[i]).map_err(|e| fail(e.to_string()))?;
            }
        }
        writer.finalize().map_err(|e| fail(e.to_string()))?;
        self.finish()
    }

    /// Lets `fill` write and puts the file into its place.
    pub fn fill(
        mut self,
        fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> Result<(), CliError> {
        let write = |path: &Path| {
            let mut file = BufWriter::new(File::create(path)?);
            fill(&mut file)?;
            file.flush()
        };
        write(&self.beside).map_err(|e| CliError::new(format!("{}: {e}", self.place.display())))?;
        self.finish()
    }

    fn finish(&mut self) -> Result<(), CliError> {
        std::fs::rename(&self.beside, &self.place)
            .map_err(|e| CliError::new(format!("{}: {e}", self.place.display())))?;
        self.done = true;
        Ok(())
    }

    /// Where the unfinished part lies, for who has to remove it when the program is interrupted.
    pub fn part(&self) -> &Path {
        &self.beside
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.done {
            let _ = std::fs::remove_file(&self.beside);
        }
    }
}
