//! Pictures of the editor: drawing, writing, comparing.

use std::path::{Path, PathBuf};

use egui::{Color32, Vec2};
use egui_kittest::Harness;
use scumble_ui::editor::Editor;

use super::host::TestHost;
use super::raster::Textures;

/// The editor and its host, as a test drives them.
pub struct Window {
    pub editor: Editor,
    pub host: TestHost,
}

pub struct Stage {
    pub harness: Harness<'static, Window>,
    textures: Textures,
    scale: f32,
}

pub struct Picture {
    pub size: [usize; 2],
    pub pixels: Vec<Color32>,
}

impl Stage {
    /// An editor of `size` points at `scale` pixels a point.
    pub fn new(host: TestHost, size: [f32; 2], scale: f32) -> Self {
        let textures = Textures::default();
        let mut opened = false;
        let window = Window { editor: Editor::default(), host };
        let harness = Harness::builder()
            .with_size(Vec2::from(size))
            .with_pixels_per_point(scale)
            .with_step_dt(1.0 / 60.0)
            .renderer(textures.clone())
            .with_context_setup(scumble_ui::theme::install)
            .build_ui_state(
                move |ui, window: &mut Window| {
                    if !opened {
                        window.editor.close();
                        opened = true;
                    }
                    window.editor.ui(ui, &mut window.host);
                },
                window,
            );
        Self { harness, textures, scale }
    }

    /// Draws the frame as it stands.
    pub fn picture(&mut self) -> Picture {
        self.harness.step();
        let ctx = &self.harness.ctx;
        let shapes = self.harness.output().shapes.clone();
        let primitives = ctx.tessellate(shapes, self.scale);
        let points = ctx.content_rect().size() * self.scale;
        let size = [points.x.round() as usize, points.y.round() as usize];
        Picture { size, pixels: self.textures.draw(&primitives, size, self.scale) }
    }
}

impl Picture {
    pub fn save(&self, path: &Path) {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        let file = std::fs::File::create(path).expect("the file");
        let mut encoder = png::Encoder::new(
            std::io::BufWriter::new(file),
            self.size[0] as u32,
            self.size[1] as u32,
        );
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Balanced);
        let bytes: Vec<u8> = self.pixels.iter().flat_map(|p| [p.r(), p.g(), p.b()]).collect();
        encoder.write_header().expect("a header").write_image_data(&bytes).expect("pixels");
    }

    pub fn load(path: &Path) -> Option<Self> {
        let file = std::io::BufReader::new(std::fs::File::open(path).ok()?);
        let mut reader = png::Decoder::new(file).read_info().ok()?;
        let mut bytes = vec![0; reader.output_buffer_size()?];
        let info = reader.next_frame(&mut bytes).ok()?;
        let pixels = bytes[..info.buffer_size()]
            .chunks_exact(3)
            .map(|c| Color32::from_rgb(c[0], c[1], c[2]))
            .collect();
        Some(Self { size: [info.width as usize, info.height as usize], pixels })
    }

    /// The share of pixels that differ by more than 16 in any channel.
    pub fn differs(&self, other: &Self) -> f64 {
        if self.size != other.size {
            return 1.0;
        }
        let far = |a: &Color32, b: &Color32| {
            let near = |x: u8, y: u8| x.abs_diff(y) <= 16;
            !(near(a.r(), b.r()) && near(a.g(), b.g()) && near(a.b(), b.b()))
        };
        let count = self.pixels.iter().zip(&other.pixels).filter(|(a, b)| far(a, b)).count();
        count as f64 / self.pixels.len() as f64
    }
}

/// Where the committed pictures are.
pub fn committed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures").join(format!("{name}.png"))
}
