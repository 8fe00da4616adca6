//! Colours, sizes and type of the window, in one place. Nothing else in this crate names a colour.
//!
//! Editor thread only. [`install`] runs once per opening, because each opening has a new context.

use std::sync::Arc;

use egui::{
    Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Stroke, TextStyle, Vec2,
};

pub const BACKGROUND: Color32 = Color32::from_rgb(0x10, 0x13, 0x17);
pub const PANEL: Color32 = Color32::from_rgb(0x16, 0x1A, 0x20);
pub const RAISED: Color32 = Color32::from_rgb(0x1B, 0x20, 0x27);
pub const HOVER: Color32 = Color32::from_rgb(0x22, 0x28, 0x31);
pub const LINE: Color32 = Color32::from_rgb(0x26, 0x2D, 0x36);
pub const TEXT: Color32 = Color32::from_rgb(0xD9, 0xDF, 0xE6);
pub const DIM: Color32 = Color32::from_rgb(0x8A, 0x95, 0xA3);
pub const FAINT: Color32 = Color32::from_rgb(0x56, 0x61, 0x70);
pub const ACCENT: Color32 = Color32::from_rgb(0xF2, 0xA6, 0x5A);
pub const OVER: Color32 = Color32::from_rgb(0xFF, 0x5D, 0x5D);
pub const HEALTHY: Color32 = Color32::from_rgb(0x6F, 0xCF, 0x97);
pub const WINDOW_PART: Color32 = Color32::from_rgb(0x8F, 0xB4, 0xDC);
pub const WINDOW_BAR: Color32 = Color32::from_rgb(0x5B, 0x84, 0xB1);
pub const WELL: Color32 = Color32::from_rgb(0x0B, 0x0E, 0x12);

pub const BLUR: Color32 = Color32::from_rgb(0x63, 0xC7, 0xFF);
pub const WARP: Color32 = Color32::from_rgb(0xFF, 0x7A, 0xD9);
pub const LOW_PASS: Color32 = Color32::from_rgb(0xFF, 0xB8, 0x6B);
pub const HIGH_PASS: Color32 = Color32::from_rgb(0x9D, 0xFF, 0x8A);
pub const GAIN: Color32 = Color32::from_rgb(0xFF, 0xFF, 0xFF);
pub const ERASE: Color32 = Color32::from_rgb(0xFF, 0x6B, 0x6B);

/// The five sizes of the window's type, in points.
pub const SIZE_SMALL: f32 = 11.0;
pub const SIZE_BODY: f32 = 12.0;
pub const SIZE_BAR: f32 = 13.0;
pub const SIZE_TITLE: f32 = 15.0;
pub const SIZE_HUGE: f32 = 30.0;

pub const RADIUS: CornerRadius = CornerRadius::same(5);
pub const RADIUS_SMALL: CornerRadius = CornerRadius::same(3);

const SANS_STRONG: &str = "sans-strong";

/// A sans face for words.
pub fn sans(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// The same face, heavier, for titles and group names.
pub fn strong(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(SANS_STRONG.into()))
}

/// A monospaced face with tabular figures for numbers, so that they stand still.
pub fn mono(size: f32) -> FontId {
    FontId::new(size, FontFamily::Monospace)
}

pub fn line() -> Stroke {
    Stroke::new(1.0, LINE)
}

/// `colour` at `alpha` (0..1), for tints over the sound.
pub fn tint(colour: Color32, alpha: f32) -> Color32 {
    Color32::from_rgba_unmultiplied(
        colour.r(),
        colour.g(),
        colour.b(),
        (alpha.clamp(0.0, 1.0) * 255.0).round() as u8,
    )
}

fn fonts() -> FontDefinitions {
    // egui's own faces stay behind ours for what a preset's name may hold and our subsets do not.
    let mut fonts = FontDefinitions::default();
    let ours: [(&str, &[u8]); 3] = [
        ("inter", include_bytes!("../assets/Inter-Regular.otf")),
        ("inter-semibold", include_bytes!("../assets/Inter-SemiBold.otf")),
        ("jetbrains-mono", include_bytes!("../assets/JetBrainsMono-Regular.ttf")),
    ];
    for (name, bytes) in ours {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let with = |first: &str| {
        let mut list = vec![first.to_owned()];
        list.extend(fallback.iter().cloned());
        list
    };
    fonts.families.insert(FontFamily::Proportional, with("inter"));
    fonts.families.insert(FontFamily::Name(SANS_STRONG.into()), with("inter-semibold"));
    let mut mono = with("jetbrains-mono");
    mono.insert(1, "inter".to_owned());
    fonts.families.insert(FontFamily::Monospace, mono);
    fonts
}

/// Gives a fresh context our type and colours. Call before the first pass.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    ctx.set_theme(egui::Theme::Dark);
    // The settings know the scales that the document allows; Ctrl and + would leave them.
    ctx.options_mut(|options| options.zoom_with_keyboard = false);
    ctx.all_styles_mut(|style| {
        style.text_styles = [
            (TextStyle::Small, sans(SIZE_SMALL)),
            (TextStyle::Body, sans(SIZE_BODY)),
            (TextStyle::Button, sans(SIZE_BODY)),
            (TextStyle::Heading, strong(SIZE_TITLE)),
            (TextStyle::Monospace, mono(SIZE_BODY)),
        ]
        .into();
        // Nothing jumps and nothing fades in late: the window is an instrument.
        style.animation_time = 0.06;
        style.interaction.tooltip_delay = 0.35;
        style.interaction.selectable_labels = false;
        style.spacing.item_spacing = Vec2::new(6.0, 4.0);
        style.spacing.button_padding = Vec2::new(8.0, 4.0);
        style.spacing.tooltip_width = 280.0;

        let v = &mut style.visuals;
        v.override_text_color = Some(TEXT);
        v.panel_fill = BACKGROUND;
        v.window_fill = PANEL;
        v.window_stroke = line();
        v.extreme_bg_color = WELL;
        v.faint_bg_color = RAISED;
        v.window_corner_radius = RADIUS;
        v.menu_corner_radius = RADIUS;
        v.popup_shadow.color = Color32::from_black_alpha(120);
        v.selection.bg_fill = tint(ACCENT, 0.28);
        v.selection.stroke = Stroke::new(1.0, ACCENT);
        v.hyperlink_color = ACCENT;
        v.warn_fg_color = ACCENT;
        v.error_fg_color = OVER;
        for (w, fill, edge) in [
            (&mut v.widgets.noninteractive, PANEL, LINE),
            (&mut v.widgets.inactive, RAISED, LINE),
            (&mut v.widgets.hovered, HOVER, FAINT),
            (&mut v.widgets.active, HOVER, ACCENT),
            (&mut v.widgets.open, HOVER, FAINT),
        ] {
            w.bg_fill = fill;
            w.weak_bg_fill = fill;
            w.bg_stroke = Stroke::new(1.0, edge);
            w.fg_stroke = Stroke::new(1.0, TEXT);
            w.corner_radius = RADIUS;
            w.expansion = 0.0;
        }
    });
}
