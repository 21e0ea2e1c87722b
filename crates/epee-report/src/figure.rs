//! A figure: panels, a legend, the values behind them; as a file it is one SVG or PNG.

use std::fmt::Write;

use crate::canvas::width;
use crate::error::ReportError;
use crate::png;
use crate::sketch::star;
use crate::style::{Colours, Look, figure_css};
use crate::text::escape;

/// One plot of a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// What it shows.
    pub title: String,
    /// Its width in pixels.
    pub width: f64,
    /// Its height in pixels.
    pub height: f64,
    /// The SVG elements in it, already escaped.
    pub(crate) body: String,
}

/// The values behind a figure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// What they are; empty where the figure has one table only.
    pub title: String,
    /// The columns.
    pub head: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

/// How a legend shows what it names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Swatch {
    /// A curve: line and mark.
    Curve(Look),
    /// A mark alone, filled or hollow.
    Mark(Look, bool),
    /// Full depth: dashes and a star.
    Full,
    /// A line of a class.
    Line(&'static str),
    /// A box between two lines: dark on light.
    Frame,
    /// The ring around a chosen setting.
    Ring,
    /// An area of a class.
    Area(&'static str),
}

/// A figure of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What its files are called after the trace's name, such as `fig1-saving`.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// What to see in it.
    pub caption: String,
    /// Its plots.
    pub panels: Vec<Panel>,
    /// How many plots stand side by side, where there is room.
    pub columns: usize,
    /// The values behind it.
    pub tables: Vec<Table>,
    pub(crate) legend: Vec<(Swatch, String)>,
}

/// Space around the panels of a file, and the height of its lines of text.
const MARGIN: f64 = 14.0;
const LINE: f64 = 22.0;
const SWATCH: f64 = 34.0;

impl Swatch {
    /// The swatch, 34 × 14 pixels, its top left corner at a point.
    pub(crate) fn svg(&self, x: f64, y: f64) -> String {
        let line = |class: &str| format!("<path class=\"{class}\" d=\"M{x:.1} {m:.1}h{SWATCH}\"/>", m = y + 7.0);
        let mark = |look: Look, filled| {
            format!("<path class=\"{}\" d=\"{}\"/>", look.mark(filled), look.path(x + SWATCH / 2.0, y + 7.0, 4.0))
        };
        match self {
            Swatch::Curve(look) => line(&look.line()) + &mark(*look, true),
            Swatch::Mark(look, filled) => mark(*look, *filled),
            Swatch::Full => line("full") + &format!("<path class=\"star\" d=\"{}\"/>", star(x + SWATCH / 2.0, y + 7.0)),
            Swatch::Line(class) => line(class),
            Swatch::Frame => ["halo", "edge"]
                .map(|class| {
                    format!(
                        "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"24\" height=\"10\"/>",
                        x + 5.0,
                        y + 2.0
                    )
                })
                .concat(),
            Swatch::Ring => {
                format!("<circle class=\"ring\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"6\"/>", x + SWATCH / 2.0, y + 7.0)
            }
            Swatch::Area(class) => {
                format!("<rect class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{SWATCH}\" height=\"12\"/>", y + 1.0)
            }
        }
    }
}

impl Figure {
    /// The figure as one SVG file, in light colours; `of` names the trace in its title.
    pub fn svg(&self, of: &str) -> String {
        let columns = self.columns.min(self.panels.len()).max(1);
        let row_width =
            |row: &[Panel]| row.iter().map(|panel| panel.width).sum::<f64>() + MARGIN * (row.len() as f64 - 1.0);
        let title = format!("{}: {}", of, self.title);
        let inner = self.panels.chunks(columns).map(row_width).fold(width(&title) * 16.0, f64::max);
        let mut body = format!(
            "<text class=\"t\" x=\"{MARGIN}\" y=\"{:.1}\" font-size=\"16\">{}</text>",
            MARGIN + 14.0,
            escape(&title)
        );
        let (mut x, mut y) = (MARGIN, MARGIN + LINE + 2.0);
        for (swatch, text) in &self.legend {
            let needs = SWATCH + 6.0 + width(text) * 12.5 + 18.0;
            if x > MARGIN && x + needs > MARGIN + inner {
                (x, y) = (MARGIN, y + LINE);
            }
            body += &swatch.svg(x, y);
            let (at, base) = (x + SWATCH + 6.0, y + 11.5);
            let _ = write!(
                body,
                "<text class=\"t\" x=\"{at:.1}\" y=\"{base:.1}\" font-size=\"12.5\">{}</text>",
                escape(text)
            );
            x += needs;
        }
        y += if self.legend.is_empty() { 0.0 } else { LINE + 4.0 };
        for row in self.panels.chunks(columns) {
            let mut x = MARGIN;
            for panel in row {
                let _ = write!(body, "<g transform=\"translate({x:.1} {y:.1})\">{}</g>", panel.body);
                x += panel.width + MARGIN;
            }
            y += row.iter().map(|panel| panel.height).fold(0.0, f64::max) + MARGIN;
        }
        let (w, h) = ((inner + 2.0 * MARGIN).ceil(), y.ceil());
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\">\
             <style>{}</style><rect width=\"{w}\" height=\"{h}\" fill=\"#FFFFFF\"/>{body}</svg>\n",
            figure_css(Colours::Light)
        )
    }

    /// The same as a PNG, two dots to a pixel.
    ///
    /// # Errors
    /// A picture that cannot be made, such as one too large.
    pub fn png(&self, of: &str) -> Result<Vec<u8>, ReportError> {
        png::render(&self.svg(of), 2.0).map_err(|problem| ReportError::Png { figure: self.slug.clone(), problem })
    }
}
