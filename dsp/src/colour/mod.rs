//! Magnitude to colour, by table: perceptually even, readable in grey and by the colour-blind.

pub mod png;
mod tables;

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColourMap {
    #[default]
    Viridis,
    Magma,
    /// Looks much the same to those who do not see red or green.
    Cividis,
}

impl ColourMap {
    pub const ALL: [Self; 3] = [Self::Viridis, Self::Magma, Self::Cividis];

    pub fn name(self) -> &'static str {
        match self {
            Self::Viridis => "Viridis",
            Self::Magma => "Magma",
            Self::Cividis => "Cividis",
        }
    }

    /// `0xRRGGBB` for each level, dark to bright.
    pub fn table(self) -> &'static [u32; 256] {
        match self {
            Self::Viridis => &tables::VIRIDIS,
            Self::Magma => &tables::MAGMA,
            Self::Cividis => &tables::CIVIDIS,
        }
    }

    pub fn rgb(self, level: u8) -> [u8; 3] {
        let [_, r, g, b] = self.table()[usize::from(level)].to_be_bytes();
        [r, g, b]
    }

    /// Colours a texture of [`crate::texture`]: red, the magnitude, chooses; opaque.
    pub fn apply(self, texture: &[u8], out: &mut [u8]) {
        let table = self.table();
        for (pixel, out) in texture.chunks_exact(4).zip(out.chunks_exact_mut(4)) {
            let [_, r, g, b] = table[usize::from(pixel[0])].to_be_bytes();
            out.copy_from_slice(&[r, g, b, 255]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CIE lightness of an sRGB colour.
    fn lightness([r, g, b]: [u8; 3]) -> f64 {
        let linear = |v: u8| {
            let v = f64::from(v) / 255.0;
            if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        let y = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
        if y > 0.008_856 { 116.0 * y.cbrt() - 16.0 } else { 903.3 * y }
    }

    // P5
    #[test]
    fn every_map_grows_lighter_step_by_step() {
        for map in ColourMap::ALL {
            let levels: Vec<f64> = (0..=255).map(|i| lightness(map.rgb(i))).collect();
            assert!(levels.windows(2).all(|w| w[1] > w[0] - 0.35), "{}", map.name());
            // Evenly: no sixteenth of the scale is worth more than twice its share.
            let share = (levels[255] - levels[0]) / 16.0;
            for part in levels.chunks_exact(16) {
                let step = part[15] - part[0];
                assert!(step < 2.0 * share && step > 0.3 * share, "{}: {step}", map.name());
            }
        }
    }

    #[test]
    fn viridis_has_its_well_known_ends() {
        assert_eq!(ColourMap::Viridis.rgb(0), [68, 1, 84]);
        assert_eq!(ColourMap::Viridis.rgb(255), [253, 231, 37]);
        assert_eq!(ColourMap::Viridis.rgb(128), [33, 145, 140]);
    }
}
