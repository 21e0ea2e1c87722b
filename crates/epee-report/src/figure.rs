//! A figure: panels, a legend and the values behind them. As a file it is one SVG or PNG.

use crate::error::ReportError;
use crate::png;
use crate::shape::{Anchor, Shape, svg};
use crate::style::{Colours, Look, figure_css, star};
use crate::text::width;

/// One plot of a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Its title; empty if the figure's says it all.
    pub title: String,
    /// Its width in pixels.
    pub width: f64,
    /// Its height in pixels.
    pub height: f64,
    pub(crate) shapes: Vec<Shape>,
}

/// The values behind a figure.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Its title; empty if the figure has one table only.
    pub title: String,
    /// The names of the columns.
    pub head: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Table {
        let head = head.iter().map(|name| (*name).to_owned()).collect();
        Table { title: String::new(), head, rows: rows.into_iter().collect() }
    }
}

/// The symbol beside a text of the legend.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Swatch {
    /// A curve: line and mark.
    Curve(Look),
    /// A mark alone, filled or hollow.
    Mark(Look, bool),
    /// Full depth: dashes and a star.
    FullDepth,
    /// A line of a class.
    Line(&'static str),
    /// A dark frame on a light one.
    Frame,
    /// The ring around a chosen setting.
    Ring,
    /// An area of a class.
    Area(&'static str),
}

impl Swatch {
    /// The swatch, 34 × 14 pixels, with its top left corner at a point.
    pub(crate) fn shapes(&self, x: f64, y: f64) -> Vec<Shape> {
        let (middle, base) = (x + SWATCH / 2.0, y + 7.0);
        let line = |class: &str| Shape::line(class, vec![(x, base), (x + SWATCH, base)]);
        match self {
            Swatch::Curve(look) => vec![line(&look.line()), look.mark(true, middle, base, 4.0)],
            Swatch::Mark(look, filled) => vec![look.mark(*filled, middle, base, 4.0)],
            Swatch::FullDepth => vec![line("full"), star(middle, base)],
            Swatch::Line(class) => vec![line(class)],
            Swatch::Frame => ["halo", "edge"].map(|class| Shape::rect(class, x + 5.0, y + 2.0, 24.0, 10.0)).into(),
            Swatch::Ring => vec![Shape::circle("ring", middle, base, 6.0)],
            Swatch::Area(class) => vec![Shape::rect(class, x, y + 1.0, SWATCH, 12.0)],
        }
    }
}

/// A figure of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The part of its file names after the trace's name, such as `fig1-saving`.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// How to read it.
    pub caption: String,
    /// Its plots.
    pub panels: Vec<Panel>,
    /// How many plots stand side by side if there is room.
    pub columns: usize,
    /// The values behind it.
    pub tables: Vec<Table>,
    pub(crate) legend: Vec<(Swatch, String)>,
}

/// Space around the panels of a file, the height of its lines of text, the width of a swatch.
const MARGIN: f64 = 14.0;
const LINE: f64 = 22.0;
const SWATCH: f64 = 34.0;

impl Figure {
    /// The figure as one SVG file, in light colours; `of` names the trace in its title.
    pub fn svg(&self, of: &str) -> String {
        let (shapes, w, h) = self.layout(of);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\">\
             <style>{}</style><rect width=\"{w}\" height=\"{h}\" fill=\"#FFFFFF\"/>{}</svg>\n",
            figure_css(Colours::Light),
            svg(&shapes)
        )
    }

    /// The same as a PNG, two dots to a pixel.
    ///
    /// # Errors
    /// An image too large for memory.
    pub fn png(&self, of: &str) -> Result<Vec<u8>, ReportError> {
        let (shapes, width, height) = self.layout(of);
        png::render(&shapes, width, height, 2.0)
            .map_err(|problem| ReportError::Png { figure: self.slug.clone(), problem })
    }

    /// Title, legend and panels of a file, with its width and height.
    fn layout(&self, of: &str) -> (Vec<Shape>, f64, f64) {
        let columns = self.columns.min(self.panels.len()).max(1);
        let row_width =
            |row: &[Panel]| row.iter().map(|panel| panel.width).sum::<f64>() + MARGIN * (row.len() as f64 - 1.0);
        let title = format!("{}: {}", of, self.title);
        let inner = self.panels.chunks(columns).map(row_width).fold(width(&title) * 16.0, f64::max);
        let (mut x, mut y) = (MARGIN, MARGIN + LINE + 2.0);
        let mut shapes = vec![Shape::text("t", MARGIN, MARGIN + 14.0, Anchor::Start, 16.0, title)];
        for (swatch, text) in &self.legend {
            let needs = SWATCH + 6.0 + width(text) * 12.5 + 18.0;
            if x > MARGIN && x + needs > MARGIN + inner {
                (x, y) = (MARGIN, y + LINE);
            }
            shapes.extend(swatch.shapes(x, y));
            shapes.push(Shape::text("t", x + SWATCH + 6.0, y + 11.5, Anchor::Start, 12.5, text));
            x += needs;
        }
        y += if self.legend.is_empty() { 0.0 } else { LINE + 4.0 };
        for row in self.panels.chunks(columns) {
            let mut x = MARGIN;
            for panel in row {
                shapes.extend(panel.shapes.iter().map(|shape| shape.moved(x, y)));
                x += panel.width + MARGIN;
            }
            y += row.iter().map(|panel| panel.height).fold(0.0, f64::max) + MARGIN;
        }
        (shapes, (inner + 2.0 * MARGIN).ceil(), y.ceil())
    }
}
