//! What a person in front of the screen does: a window to put an editor in, a look at its pixels,
//! a click on its close button.

use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    AtomEnum, BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ClientMessageEvent, ConnectionExt,
    CreateWindowAux, EventMask, ImageFormat, KEY_PRESS_EVENT, KEY_RELEASE_EVENT,
    MOTION_NOTIFY_EVENT, MapState, Window, WindowClass,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// A connection to an X server.
pub struct Screen {
    connection: RustConnection,
    root: Window,
}

/// Pixels as they stand on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    /// Row by row, 0xRRGGBB.
    pub pixels: Vec<u32>,
}

impl Picture {
    /// Number of different colours.
    pub fn colours(&self) -> usize {
        let mut seen = self.pixels.clone();
        seen.sort_unstable();
        seen.dedup();
        seen.len()
    }

    /// Share of the pixels that do not have the most frequent colour: 0 is a blank picture.
    pub fn drawn(&self) -> f64 {
        let mut sorted = self.pixels.clone();
        sorted.sort_unstable();
        let commonest = sorted.chunk_by(|a, b| a == b).map(<[u32]>::len).max().unwrap_or(0);
        1.0 - commonest as f64 / self.pixels.len().max(1) as f64
    }
}

type Answer<T> = Result<T, Box<dyn std::error::Error>>;

impl Screen {
    /// Connects to a display such as `:99`; none given, to the one of the environment.
    pub fn connect(display: Option<&str>) -> Answer<Self> {
        let (connection, number) = x11rb::connect(display)?;
        let root = connection.setup().roots[number].root;
        Ok(Self { connection, root })
    }

    /// A mapped window to embed an editor in.
    pub fn open_window(&self, width: u16, height: u16) -> Answer<Window> {
        let id = self.connection.generate_id()?;
        let class = WindowClass::INPUT_OUTPUT;
        let aux = CreateWindowAux::new().background_pixel(0);
        let c = &self.connection;
        c.create_window(0, id, self.root, 0, 0, width, height, 0, class, 0, &aux)?.check()?;
        c.map_window(id)?.check()?;
        c.sync()?;
        Ok(id)
    }

    pub fn close_window(&self, window: Window) -> Answer<()> {
        self.connection.destroy_window(window)?.check()?;
        Ok(())
    }

    /// The title of a window.
    pub fn title(&self, window: Window) -> Answer<String> {
        let text = |property: u32, kind: u32| -> Answer<String> {
            let c = &self.connection;
            let reply = c.get_property(false, window, property, kind, 0, 1024)?.reply()?;
            Ok(String::from_utf8_lossy(&reply.value).into_owned())
        };
        let modern = text(self.atom("_NET_WM_NAME")?, self.atom("UTF8_STRING")?)?;
        if modern.is_empty() {
            text(AtomEnum::WM_NAME.into(), AtomEnum::ANY.into())
        } else {
            Ok(modern)
        }
    }

    fn atom(&self, name: &str) -> Answer<u32> {
        Ok(self.connection.intern_atom(false, name.as_bytes())?.reply()?.atom)
    }

    /// The visible top-level windows.
    pub fn windows(&self) -> Answer<Vec<Window>> {
        let tree = self.connection.query_tree(self.root)?.reply()?;
        let visible = |&window: &Window| {
            let attributes = self.connection.get_window_attributes(window).ok();
            attributes
                .and_then(|a| a.reply().ok())
                .is_some_and(|a| a.map_state == MapState::VIEWABLE)
        };
        Ok(tree.children.into_iter().filter(visible).collect())
    }

    /// Waits for a top-level window to show.
    pub fn wait_for_window(&self, limit: Duration) -> Option<Window> {
        wait_for(limit, || self.windows().ok()?.first().copied())
    }

    /// What a window and the windows inside it show.
    pub fn picture(&self, window: Window) -> Answer<Picture> {
        let c = &self.connection;
        let geometry = c.get_geometry(window)?.reply()?;
        let (width, height) = (geometry.width, geometry.height);
        let image =
            c.get_image(ImageFormat::Z_PIXMAP, window, 0, 0, width, height, u32::MAX)?.reply()?;
        // 24 and 32 bits deep images have four bytes a pixel, blue first.
        let pixels =
            image.data.chunks_exact(4).map(|p| u32::from_le_bytes([p[0], p[1], p[2], 0])).collect();
        Ok(Picture { width: width.into(), height: height.into(), pixels })
    }

    /// Waits until a window shows more than one colour on this share of its pixels.
    pub fn wait_until_drawn(&self, window: Window, share: f64, limit: Duration) -> Option<Picture> {
        wait_for(limit, || self.picture(window).ok().filter(|p| p.drawn() >= share))
    }

    /// The click on the close button, as a window manager passes it on.
    pub fn ask_to_close(&self, window: Window) -> Answer<()> {
        let data = [self.atom("WM_DELETE_WINDOW")?, x11rb::CURRENT_TIME, 0, 0, 0];
        let event = ClientMessageEvent::new(32, window, self.atom("WM_PROTOCOLS")?, data);
        self.connection.send_event(false, window, EventMask::NO_EVENT, event)?.check()?;
        self.connection.sync()?;
        Ok(())
    }
}

/// What a hand at mouse and keyboard does; the places are the screen's.
impl Screen {
    pub fn point(&self, x: i16, y: i16) -> Answer<()> {
        self.fake(MOTION_NOTIFY_EVENT, 0, x, y)
    }

    /// Presses or lets go a button of the mouse.
    pub fn button(&self, button: u8, down: bool) -> Answer<()> {
        self.fake(if down { BUTTON_PRESS_EVENT } else { BUTTON_RELEASE_EVENT }, button, 0, 0)
    }

    /// Presses or lets go a key, by its code.
    pub fn key(&self, code: u8, down: bool) -> Answer<()> {
        self.fake(if down { KEY_PRESS_EVENT } else { KEY_RELEASE_EVENT }, code, 0, 0)
    }

    fn fake(&self, kind: u8, detail: u8, x: i16, y: i16) -> Answer<()> {
        let c = &self.connection;
        c.xtest_fake_input(kind, detail, x11rb::CURRENT_TIME, self.root, x, y, 0)?.check()?;
        c.sync()?;
        Ok(())
    }
}

/// Asks again and again, until there is an answer or the time is up.
pub fn wait_for<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_picture_is_told_from_a_drawn_one() {
        let mut picture = Picture { width: 4, height: 4, pixels: vec![0x20_20_20; 16] };
        assert_eq!((picture.drawn(), picture.colours()), (0.0, 1));
        picture.pixels[..4].fill(0xFF_00_00);
        assert_eq!((picture.drawn(), picture.colours()), (0.25, 2));
    }
}
