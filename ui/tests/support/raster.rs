//! Draws egui's meshes into pixels: textured triangles, blended as egui's own shaders do, with
//! coverage taken at pixel centres. Slow, simple, deterministic.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use egui::epaint::{ClippedPrimitive, Primitive, Vertex};
use egui::{Color32, TextureFilter, TextureId, TexturesDelta};
use egui_kittest::TestRenderer;

#[derive(Default)]
struct Texture {
    size: [usize; 2],
    pixels: Vec<Color32>,
    linear: bool,
}

impl Texture {
    fn write(&mut self, pos: Option<[usize; 2]>, image: &egui::ColorImage) {
        let Some([x, y]) = pos else {
            self.size = image.size;
            self.pixels.clone_from(&image.pixels);
            return;
        };
        for row in 0..image.size[1] {
            let from = row * image.size[0];
            let to = (y + row) * self.size[0] + x;
            self.pixels[to..to + image.size[0]]
                .copy_from_slice(&image.pixels[from..from + image.size[0]]);
        }
    }
}

/// Textures as egui sent them; clones share them.
#[derive(Default, Clone)]
pub struct Textures(Rc<RefCell<HashMap<TextureId, Texture>>>);

impl TestRenderer for Textures {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        self.apply(std::mem::take(delta));
    }
}

impl Textures {
    pub fn apply(&self, mut delta: TexturesDelta) {
        let mut all = self.0.borrow_mut();
        for (id, changes) in std::mem::take(&mut delta.set) {
            for change in changes {
                let egui::ImageData::Color(image) = &change.image;
                let texture = all.entry(id).or_default();
                texture.linear = change.options.magnification == TextureFilter::Linear;
                texture.write(change.pos, image);
            }
        }
        for id in std::mem::take(&mut delta.free) {
            all.remove(&id);
        }
    }

    pub fn draw(
        &self,
        primitives: &[ClippedPrimitive],
        size: [usize; 2],
        pixels_per_point: f32,
    ) -> Vec<Color32> {
        let all = self.0.borrow();
        let mut pixels = vec![Color32::BLACK; size[0] * size[1]];
        for ClippedPrimitive { clip_rect, primitive } in primitives {
            let Primitive::Mesh(mesh) = primitive else { continue };
            let Some(texture) = all.get(&mesh.texture_id) else { continue };
            let clip = *clip_rect * pixels_per_point;
            let limit = |v: f32, end: usize| v.round().clamp(0.0, end as f32) as usize;
            let clip = [
                limit(clip.min.x, size[0]),
                limit(clip.min.y, size[1]),
                limit(clip.max.x, size[0]),
                limit(clip.max.y, size[1]),
            ];
            for corner in mesh.indices.chunks_exact(3) {
                let v = [0, 1, 2].map(|i| mesh.vertices[corner[i] as usize]);
                triangle(&mut pixels, size[0], clip, v, pixels_per_point, texture);
            }
        }
        pixels
    }
}

fn triangle(
    pixels: &mut [Color32],
    width: usize,
    clip: [usize; 4],
    v: [Vertex; 3],
    scale: f32,
    texture: &Texture,
) {
    let p = v.map(|v| v.pos.to_vec2() * scale);
    let area = (p[1].x - p[0].x) * (p[2].y - p[0].y) - (p[2].x - p[0].x) * (p[1].y - p[0].y);
    if area == 0.0 {
        return;
    }
    let low = p[0].min(p[1]).min(p[2]);
    let high = p[0].max(p[1]).max(p[2]);
    let x0 = (low.x.floor().max(0.0) as usize).max(clip[0]);
    let x1 = (high.x.ceil().max(0.0) as usize).min(clip[2]);
    let y0 = (low.y.floor().max(0.0) as usize).max(clip[1]);
    let y1 = (high.y.ceil().max(0.0) as usize).min(clip[3]);
    // On a shared edge exactly one of the two triangles owns the pixel.
    let owns = |a: egui::Vec2, b: egui::Vec2| {
        let d = (b - a) * area.signum();
        d.y < 0.0 || (d.y == 0.0 && d.x > 0.0)
    };
    let edges = [(1, 2), (2, 0), (0, 1)];
    let own = edges.map(|(a, b)| owns(p[a], p[b]));
    for y in y0..y1 {
        for x in x0..x1 {
            let at = egui::vec2(x as f32 + 0.5, y as f32 + 0.5);
            let mut w = [0.0f32; 3];
            let mut inside = true;
            for (i, (a, b)) in edges.into_iter().enumerate() {
                let cross =
                    (p[b].x - p[a].x) * (at.y - p[a].y) - (p[b].y - p[a].y) * (at.x - p[a].x);
                w[i] = cross / area;
                inside &= w[i] > 0.0 || (w[i] == 0.0 && own[i]);
            }
            if !inside {
                continue;
            }
            let sum =
                |f: &dyn Fn(&Vertex) -> f32| w[0] * f(&v[0]) + w[1] * f(&v[1]) + w[2] * f(&v[2]);
            let uv = [sum(&|v| v.uv.x), sum(&|v| v.uv.y)];
            let texel = sample(texture, uv);
            let colour = [0, 1, 2, 3].map(|c| sum(&|v| v.color[c] as f32) / 255.0 * texel[c]);
            let to = &mut pixels[y * width + x];
            let rest = 1.0 - colour[3] / 255.0;
            let mix =
                |c: usize, under: u8| (colour[c] + under as f32 * rest).round().min(255.0) as u8;
            *to = Color32::from_rgb(mix(0, to.r()), mix(1, to.g()), mix(2, to.b()));
        }
    }
}

fn sample(texture: &Texture, uv: [f32; 2]) -> [f32; 4] {
    let [w, h] = texture.size;
    let at = |x: f32, y: f32| {
        let x = (x.max(0.0) as usize).min(w - 1);
        let y = (y.max(0.0) as usize).min(h - 1);
        texture.pixels[y * w + x].to_array().map(f32::from)
    };
    let (x, y) = (uv[0] * w as f32, uv[1] * h as f32);
    if !texture.linear {
        return at(x, y);
    }
    let (x, y) = (x - 0.5, y - 0.5);
    let (fx, fy) = (x - x.floor(), y - y.floor());
    let (x, y) = (x.floor(), y.floor());
    let (a, b, c, d) = (at(x, y), at(x + 1.0, y), at(x, y + 1.0), at(x + 1.0, y + 1.0));
    std::array::from_fn(|i| {
        (a[i] * (1.0 - fx) + b[i] * fx) * (1.0 - fy) + (c[i] * (1.0 - fx) + d[i] * fx) * fy
    })
}
