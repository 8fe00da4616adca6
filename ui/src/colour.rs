//! The colours of the spectrogram: viridis, fading to darkness at silence.

use egui::Color32;
use scumble_dsp::colour::ColourMap;

/// Levels below this fade to black: silence is black (P5), as viridis itself is not.
const DARK: u8 = 10;

/// The table, level 0 first.
pub fn palette() -> [Color32; 256] {
    std::array::from_fn(|i| {
        let [r, g, b] = ColourMap::Viridis.rgb(i as u8);
        let light = (i as f32 / f32::from(DARK)).min(1.0);
        let fade = |c: u8| (f32::from(c) * light).round() as u8;
        Color32::from_rgb(fade(r), fade(g), fade(b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_black_and_the_rest_is_viridis() {
        // P5
        let table = palette();
        assert_eq!(table[0], Color32::BLACK);
        // The published ends and middle of the map.
        assert_eq!(table[255], Color32::from_rgb(253, 231, 37));
        assert_eq!(table[128], Color32::from_rgb(33, 145, 140));
        let light = |c: Color32| 2 * c.r() as u32 + 5 * c.g() as u32 + c.b() as u32;
        assert!(table.windows(2).all(|w| light(w[0]) <= light(w[1]) + 6));
    }
}
