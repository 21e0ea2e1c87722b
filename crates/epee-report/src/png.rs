//! Shapes as PNG, with a font of our own: the same image on every machine.

use epaint_default_fonts::UBUNTU_LIGHT;
use tiny_skia::{Color, FillRule, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, StrokeDash, Transform};
use ttf_parser::{Face, OutlineBuilder};

use crate::shape::{Anchor, Outline, Shape, Text};
use crate::style::{Style, style};

/// Draws shapes on white, `scale` dots to a pixel.
pub(crate) fn render(shapes: &[Shape], width: f64, height: f64, scale: f32) -> Result<Vec<u8>, String> {
    let face = Face::parse(UBUNTU_LIGHT, 0).map_err(|error| error.to_string())?;
    let dots = |pixels: f64| (pixels as f32 * scale) as u32;
    let mut image = Pixmap::new(dots(width), dots(height))
        .ok_or_else(|| format!("no memory for an image of {width} × {height} pixels"))?;
    image.fill(Color::WHITE);
    for shape in shapes {
        // A shape without area, such as an empty bar, has no path.
        let Some(path) = path(&shape.outline, &face) else { continue };
        let Style { fill, stroke, width, dash, opacity } = style(&shape.class);
        let transform = Transform::from_scale(scale, scale);
        if let Some(paint) = paint(shape.fill.as_deref().unwrap_or(fill), opacity) {
            image.fill_path(&path, &paint, FillRule::Winding, transform, None);
        }
        if let Some(paint) = paint(stroke, 1.0) {
            let dash = StrokeDash::new(dash.to_vec(), 0.0);
            let stroke = Stroke { width, line_join: LineJoin::Round, dash, ..Stroke::default() };
            image.stroke_path(&path, &paint, &stroke, transform, None);
        }
    }
    image.encode_png().map_err(|error| error.to_string())
}

/// The paint of a colour such as `#1F2328`; none for any other text.
fn paint(colour: &str, opacity: f32) -> Option<Paint<'static>> {
    let [_, r, g, b] = u32::from_str_radix(colour.strip_prefix('#')?, 16).ok()?.to_be_bytes();
    let mut paint = Paint::default();
    paint.set_color_rgba8(r, g, b, (255.0 * opacity).round() as u8);
    Some(paint)
}

fn path(outline: &Outline, face: &Face<'_>) -> Option<Path> {
    match outline {
        Outline::Path { points, closed } => {
            let mut path = PathBuilder::new();
            for (i, &(x, y)) in points.iter().enumerate() {
                if i == 0 { path.move_to(x as f32, y as f32) } else { path.line_to(x as f32, y as f32) }
            }
            if *closed {
                path.close();
            }
            path.finish()
        }
        &Outline::Rect { x, y, width, height } => {
            Rect::from_xywh(x as f32, y as f32, width as f32, height as f32).map(PathBuilder::from_rect)
        }
        &Outline::Circle { x, y, r } => PathBuilder::from_circle(x as f32, y as f32, r as f32),
        Outline::Text(text) => glyphs(text, face),
    }
}

/// The outlines of a text's glyphs. A character that the font lacks is a box.
fn glyphs(text: &Text, face: &Face<'_>) -> Option<Path> {
    let scale = text.size as f32 / f32::from(face.units_per_em());
    let mut pen = Pen { path: PathBuilder::new(), x: 0.0 };
    for c in text.text.chars() {
        let glyph = face.glyph_index(c).unwrap_or_default();
        face.outline_glyph(glyph, &mut pen);
        pen.x += f32::from(face.glyph_hor_advance(glyph).unwrap_or(0));
    }
    let shift = match text.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => pen.x / 2.0,
        Anchor::End => pen.x,
    };
    let angle = if text.upwards { -90.0 } else { 0.0 };
    // Fonts count upwards, images downwards.
    let transform = Transform::from_translate(text.x as f32, text.y as f32)
        .pre_rotate(angle)
        .pre_scale(scale, -scale)
        .pre_translate(-shift, 0.0);
    pen.path.finish()?.transform(transform)
}

/// Collects glyphs side by side, in the font's units.
struct Pen {
    path: PathBuilder,
    x: f32,
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to(self.x + x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to(self.x + x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.path.quad_to(self.x + x1, y1, self.x + x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.path.cubic_to(self.x + x1, y1, self.x + x2, y2, self.x + x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}
