//! Plotters' backend: SVG with classes instead of colours, to a tenth of a pixel.
//!
//! Plotters lays out scales, ticks and labels; it draws here. Its own SVG backend writes colours into
//! every element and knows whole pixels only: one picture could not serve a light page, a dark one and
//! a file.

use std::convert::Infallible;
use std::fmt::Write;

use plotters::style::RGBAColor;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontTransform,
};

use crate::text::escape;

/// Plotters counts whole units: this many to a pixel.
pub(crate) const UNITS: f64 = 10.0;

/// What plotters draws with: a class each, smuggled through as a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Text.
    Text,
    /// Axes and ticks.
    Axis,
    /// Lines of the grid.
    Grid,
}

impl Ink {
    /// The colour that stands for it.
    pub(crate) fn colour(self) -> RGBAColor {
        RGBAColor(self as u8, 0, 0, 1.0)
    }

    fn class(colour: BackendColor) -> &'static str {
        match colour.rgb.0 {
            1 => "ax",
            2 => "gr",
            _ => "t mu",
        }
    }
}

/// SVG elements, one below the other.
pub(crate) struct Canvas<'a> {
    out: &'a mut String,
    size: (u32, u32),
}

impl<'a> Canvas<'a> {
    /// A canvas of so many pixels that writes to `out`.
    pub(crate) fn new(out: &'a mut String, width: f64, height: f64) -> Self {
        Canvas { out, size: ((width * UNITS) as u32, (height * UNITS) as u32) }
    }
}

type Done = Result<(), DrawingErrorKind<Infallible>>;

fn px(units: i32) -> f64 {
    f64::from(units) / UNITS
}

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Done {
        Ok(())
    }

    fn present(&mut self) -> Done {
        Ok(())
    }

    fn draw_pixel(&mut self, _: BackendCoord, _: BackendColor) -> Done {
        Ok(()) // Axes have none.
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Done {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Done {
        let _ = write!(self.out, "<path class=\"{}\" d=\"", Ink::class(style.color()));
        for (i, (x, y)) in path.into_iter().enumerate() {
            let _ = write!(self.out, "{}{} {}", if i == 0 { 'M' } else { 'L' }, px(x), px(y));
        }
        self.out.push_str("\"/>");
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Done {
        let anchor = match style.anchor().h_pos {
            HPos::Left => "start",
            HPos::Center => "middle",
            HPos::Right => "end",
        };
        let shift = match style.anchor().v_pos {
            VPos::Top => 0.76,
            VPos::Center => 0.36,
            VPos::Bottom => -0.24,
        };
        let (x, y, size) = (px(x), px(y), style.size() / UNITS);
        let angle = match style.transform() {
            FontTransform::None => 0,
            FontTransform::Rotate90 => 90,
            FontTransform::Rotate180 => 180,
            FontTransform::Rotate270 => 270,
        };
        let turn = if angle == 0 { String::new() } else { format!(" transform=\"rotate({angle} {x} {y})\"") };
        let _ = write!(
            self.out,
            "<text class=\"{}\" x=\"{x}\" y=\"{y}\" dy=\"{:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\"{turn}>{}</text>",
            Ink::class(style.color()),
            shift * size,
            escape(text),
        );
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok(((width(text) * style.size()) as u32, style.size() as u32))
    }
}

/// How wide a text is about, in its font size: sans-serif fonts differ by a tenth.
pub(crate) fn width(text: &str) -> f64 {
    let one = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '|' | '!' | '\'' => 0.27,
        't' | 'f' | 'r' | ' ' | '(' | ')' | '-' | '/' | '·' => 0.36,
        'm' | 'w' | 'M' | 'W' | '%' => 0.86,
        'A'..='Z' | '=' | '<' | '>' | '≤' | '≥' => 0.66,
        _ => 0.56,
    };
    text.chars().map(one).sum()
}
