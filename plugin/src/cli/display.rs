//! Whether a window can be opened at all.
//!
//! nice-plug's standalone that cannot open its window logs a line and then waits for ever. So this
//! is asked first, before the audio device is opened.

use super::CliError;

/// Says what to do when no X11 display answers. Other systems always have one.
pub fn check() -> Result<(), CliError> {
    #[cfg(target_os = "linux")]
    if let Err(error) = x11rb::connect(None) {
        let display = match std::env::var("DISPLAY") {
            Ok(name) => format!("the display {name:?} (from DISPLAY) does not answer: {error}"),
            Err(_) => "there is no display: DISPLAY is not set".to_owned(),
        };
        return Err(CliError::new(format!(
            "{display}. The window needs X11 or XWayland; without a screen, `xvfb-run scumble` \
             opens it all the same, and `scumble render` needs none."
        )));
    }
    Ok(())
}
