//! A small VST3 host of our own, for what pedalboard cannot do: an editor in an X11 window, opened
//! and closed while parameters change in every block, with the host's run loop and without.
//!
//! Threads: a [`Plugin`] stays on the main thread; its [`Processor`] is the audio thread's end.

mod editor;
mod objects;

pub use editor::{Editor, FrameKind};
pub use objects::{Changes, Handler, MemoryStream};

use std::ffi::c_void;
use std::path::{Path, PathBuf};

use libloading::os::unix::{Library, Symbol};
use vst3::Steinberg::Vst::{
    AudioBusBuffers, AudioBusBuffers__type0, BusDirections_, IAudioProcessor, IAudioProcessorTrait,
    IComponent, IComponentHandler, IComponentTrait, IEditController, IEditControllerTrait,
    IParameterChanges, MediaTypes_, ParamID, ParamValue, ParameterInfo, ProcessData, ProcessModes_,
    ProcessSetup, SpeakerArr, SymbolicSampleSizes_,
};
use vst3::Steinberg::{
    IBStream, IPluginBaseTrait, IPluginFactory, IPluginFactoryTrait, PClassInfo, kResultOk, tresult,
};
use vst3::{ComPtr, ComWrapper, Interface};

/// What went wrong between this host and a plugin.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error("{path} cannot be loaded as a VST3 library: {reason}")]
    Load { path: PathBuf, reason: String },
    #[error("the plugin refused {what} with result {result}")]
    Refused { what: &'static str, result: tresult },
    #[error("the plugin has no {0}")]
    Missing(&'static str),
}

fn ok(what: &'static str, result: tresult) -> Result<(), HostError> {
    if result == kResultOk { Ok(()) } else { Err(HostError::Refused { what, result }) }
}

/// A loaded library and its factory. The library stays mapped until the last instance is gone.
pub struct Module {
    factory: ComPtr<IPluginFactory>,
    // Dropped after the factory, which lives in it.
    library: Library,
}

impl Module {
    /// Loads the library inside a bundle.
    pub fn load(path: &Path) -> Result<Self, HostError> {
        let fail = |reason: String| HostError::Load { path: path.to_owned(), reason };
        // SAFETY: the file is a VST3 library that we built ourselves; its constructors have no
        // precondition, and the two entry points have the types that VST3 gives them.
        unsafe {
            let library = Library::new(path).map_err(|e| fail(e.to_string()))?;
            let entry: Symbol<unsafe extern "C" fn(*mut c_void) -> bool> =
                library.get(b"ModuleEntry\0").map_err(|e| fail(e.to_string()))?;
            if !entry(std::ptr::null_mut()) {
                return Err(fail("ModuleEntry said no".into()));
            }
            let get: Symbol<unsafe extern "system" fn() -> *mut IPluginFactory> =
                library.get(b"GetPluginFactory\0").map_err(|e| fail(e.to_string()))?;
            let factory =
                ComPtr::from_raw(get()).ok_or_else(|| fail("it has no factory".into()))?;
            Ok(Self { factory, library })
        }
    }

    /// Names of the classes in the factory.
    pub fn scan(&self) -> Vec<String> {
        // SAFETY: the factory is alive; a zeroed PClassInfo is valid and written by the call.
        unsafe {
            (0..self.factory.countClasses())
                .filter_map(|index| {
                    let mut info: PClassInfo = std::mem::zeroed();
                    (self.factory.getClassInfo(index, &mut info) == kResultOk).then(|| {
                        let name = info.name.iter().take_while(|&&c| c != 0);
                        String::from_utf8_lossy(&name.map(|&c| c as u8).collect::<Vec<_>>()).into()
                    })
                })
                .collect()
        }
    }

    /// Makes an instance of the first class, with a handler for its requests.
    pub fn create(&self) -> Result<Plugin, HostError> {
        // SAFETY: the factory is alive; on success `object` is an IComponent that we own.
        let component = unsafe {
            let mut info: PClassInfo = std::mem::zeroed();
            ok("its class info", self.factory.getClassInfo(0, &mut info))?;
            let mut object = std::ptr::null_mut();
            let iid = IComponent::IID;
            let created =
                self.factory.createInstance(info.cid.as_ptr(), iid.as_ptr().cast(), &mut object);
            ok("to be created", created)?;
            ComPtr::from_raw(object.cast::<IComponent>()).ok_or(HostError::Missing("component"))?
        };
        let controller: ComPtr<IEditController> =
            component.cast().ok_or(HostError::Missing("controller"))?;
        let audio: ComPtr<IAudioProcessor> =
            component.cast().ok_or(HostError::Missing("audio processor"))?;
        let handler = ComWrapper::new(Handler::default());
        let handler_ptr = handler.to_com_ptr::<IComponentHandler>().expect("it is a handler");
        // SAFETY: all pointers are alive for the calls; the plugin counts its own references.
        unsafe {
            ok("to be initialised", component.initialize(std::ptr::null_mut()))?;
            ok("a handler", controller.setComponentHandler(handler_ptr.as_ptr()))?;
        }
        Ok(Plugin { component, controller, audio, handler })
    }

    /// Ends the module as a host does before it unloads it.
    pub fn close(self) {
        drop(self.factory);
        // SAFETY: all objects of the module are gone.
        unsafe {
            if let Ok(exit) = self.library.get::<unsafe extern "C" fn() -> bool>(b"ModuleExit\0") {
                exit();
            }
        }
    }
}

/// One instance, on the host's main thread.
pub struct Plugin {
    component: ComPtr<IComponent>,
    controller: ComPtr<IEditController>,
    audio: ComPtr<IAudioProcessor>,
    handler: ComWrapper<Handler>,
}

impl Plugin {
    /// What the plugin has asked of the host.
    pub fn handler(&self) -> &Handler {
        &self.handler
    }

    /// Ids and default values of all parameters.
    pub fn params(&self) -> Vec<(ParamID, ParamValue)> {
        // SAFETY: the controller is alive; a zeroed ParameterInfo is valid and written by the call.
        unsafe {
            (0..self.controller.getParameterCount())
                .filter_map(|index| {
                    let mut info: ParameterInfo = std::mem::zeroed();
                    (self.controller.getParameterInfo(index, &mut info) == kResultOk)
                        .then_some((info.id, info.defaultNormalizedValue))
                })
                .collect()
        }
    }

    pub fn value(&self, id: ParamID) -> ParamValue {
        // SAFETY: the controller is alive.
        unsafe { self.controller.getParamNormalized(id) }
    }

    /// Activates in stereo and starts processing.
    pub fn activate(&self, sample_rate: f64, max_block: i32) -> Result<Processor, HostError> {
        let mut setup = ProcessSetup {
            processMode: ProcessModes_::kRealtime as i32,
            symbolicSampleSize: SymbolicSampleSizes_::kSample32 as i32,
            maxSamplesPerBlock: max_block,
            sampleRate: sample_rate,
        };
        let mut stereo = SpeakerArr::kStereo;
        let mut stereo_out = SpeakerArr::kStereo;
        let audio = MediaTypes_::kAudio as i32;
        // SAFETY: both pointers are alive, and the arguments are lent for each call.
        unsafe {
            ok("stereo", self.audio.setBusArrangements(&mut stereo, 1, &mut stereo_out, 1))?;
            ok("the process setup", self.audio.setupProcessing(&mut setup))?;
            for direction in [BusDirections_::kInput, BusDirections_::kOutput] {
                ok("its bus", self.component.activateBus(audio, direction as i32, 0, 1))?;
            }
            ok("to be activated", self.component.setActive(1))?;
            ok("to process", self.audio.setProcessing(1))?;
        }
        Ok(Processor { audio: self.audio.clone() })
    }

    /// Stops processing and deactivates.
    pub fn deactivate(&self, processor: Processor) -> Result<(), HostError> {
        drop(processor);
        // SAFETY: the pointers are alive, and the processor that could run beside us is gone.
        unsafe {
            self.audio.setProcessing(0);
            ok("to be deactivated", self.component.setActive(0))
        }
    }

    /// Reported latency in samples.
    pub fn latency(&self) -> usize {
        // SAFETY: the processor is alive.
        unsafe { self.audio.getLatencySamples() as usize }
    }

    /// The plugin's state as bytes.
    pub fn save(&self) -> Result<Vec<u8>, HostError> {
        let stream = MemoryStream::new(Vec::new());
        let raw = stream.to_com_ptr::<IBStream>().expect("it is a stream");
        // SAFETY: component and stream are alive.
        ok("to save its state", unsafe { self.component.getState(raw.as_ptr()) })?;
        Ok(stream.bytes())
    }

    /// Loads state bytes. An error means that the plugin refused them.
    pub fn load(&self, bytes: &[u8]) -> Result<(), HostError> {
        let stream = MemoryStream::new(bytes.to_vec());
        let raw = stream.to_com_ptr::<IBStream>().expect("it is a stream");
        // SAFETY: component and stream are alive.
        ok("this state", unsafe { self.component.setState(raw.as_ptr()) })
    }

    /// Opens the editor inside this X11 window.
    pub fn open_editor(&self, parent: u32, kind: FrameKind) -> Result<Editor, HostError> {
        Editor::open(&self.controller, parent, kind)
    }

    /// Terminates and releases the instance: the last release is where the race of
    /// `plugin/src/vst3_guard.rs` used to abort the host.
    pub fn destroy(self) -> Result<(), HostError> {
        // SAFETY: the pointers are alive; a null handler takes the old one back.
        unsafe {
            self.controller.setComponentHandler(std::ptr::null_mut());
            ok("to be terminated", self.component.terminate())
        }
    }
}

/// The audio thread's end of an active plugin.
pub struct Processor {
    audio: ComPtr<IAudioProcessor>,
}

// SAFETY: VST3 has `process` called on an audio thread; `Plugin::deactivate` takes the processor
// back before it touches the same object from the main thread.
unsafe impl Send for Processor {}

impl Processor {
    /// One stereo block in place, with these changes of parameters (id, sample, value).
    pub fn process(
        &mut self,
        block: &mut [Vec<f32>; 2],
        changes: &[(ParamID, i32, ParamValue)],
    ) -> Result<(), HostError> {
        let samples = block[0].len() as i32;
        let mut channels = block.each_mut().map(|c| c.as_mut_ptr());
        let bus = || AudioBusBuffers {
            numChannels: 2,
            silenceFlags: 0,
            __field0: AudioBusBuffers__type0 { channelBuffers32: std::ptr::null_mut() },
        };
        let (mut input, mut output) = (bus(), bus());
        input.__field0.channelBuffers32 = channels.as_mut_ptr();
        output.__field0.channelBuffers32 = channels.as_mut_ptr();
        let changes = Changes::new(changes);
        let changes = changes.to_com_ptr::<IParameterChanges>().expect("they are changes");
        let mut data = ProcessData {
            processMode: ProcessModes_::kRealtime as i32,
            symbolicSampleSize: SymbolicSampleSizes_::kSample32 as i32,
            numSamples: samples,
            numInputs: 1,
            numOutputs: 1,
            inputs: &mut input,
            outputs: &mut output,
            inputParameterChanges: changes.as_ptr(),
            outputParameterChanges: std::ptr::null_mut(),
            inputEvents: std::ptr::null_mut(),
            outputEvents: std::ptr::null_mut(),
            processContext: std::ptr::null_mut(),
        };
        // SAFETY: every pointer in `data` outlives the call, and each channel has `samples` samples.
        ok("a block", unsafe { self.audio.process(&mut data) })
    }
}
