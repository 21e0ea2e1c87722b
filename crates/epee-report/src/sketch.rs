//! A panel being drawn: axes by plotters, and on them lines, marks and what a reader can point at.

use std::fmt::Write;
use std::ops::Range;

use plotters::prelude::{ChartBuilder, IntoDrawingArea, IntoTextStyle};
use plotters::style::TextStyle;

use crate::canvas::{Canvas, Ink, UNITS, width};
use crate::data::Point;
use crate::error::ReportError;
use crate::figure::Panel;
use crate::style::Look;
use crate::text::escape;

/// One axis.
pub(crate) struct Axis<'a> {
    /// What it shows, with its unit.
    pub(crate) label: &'a str,
    /// From where to where.
    pub(crate) range: Range<f64>,
    /// Roughly how many ticks; none where the caller writes them.
    pub(crate) ticks: usize,
    /// How many decimals a tick has.
    pub(crate) decimals: usize,
}

impl<'a> Axis<'a> {
    /// A share, from 0 to 1.
    pub(crate) fn share(label: &'a str) -> Self {
        Axis { label, range: 0.0..1.0, ticks: 6, decimals: 1 }
    }

    /// Exits 1 to M.
    pub(crate) fn exits(exits: usize) -> Self {
        Axis { label: "exit", range: 0.5..exits as f64 + 0.5, ticks: (exits + 1).min(14), decimals: 0 }
    }

    /// A range that shows all values, with some space around them, within 0 to 1.
    pub(crate) fn around(label: &'a str, values: impl Iterator<Item = f64>) -> Self {
        let Some((low, high)) = span(values) else { return Axis::share(label) };
        let space = 0.06 * (high - low);
        // Only what has values below 0, a gap that is mended, has an axis below 0.
        let floor = if low < 0.0 { f64::NEG_INFINITY } else { 0.0 };
        let range = (low - space).max(floor)..(high + space).min(1.0);
        let decimals = decimals(&range);
        Axis { label, range, ticks: 6, decimals }
    }
}

/// The least that an axis or a scale of colours shows: differences of a few samples stay small.
const LEAST_SPAN: f64 = 0.05;

/// From the least value to the greatest, and not too close to each other; `None` where there is none.
pub(crate) fn span(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let more = ((LEAST_SPAN - (high - low)) / 2.0).max(0.0);
    // What does not fit below 0 or above 1 goes to the other side.
    let floor = low.min(0.0);
    let (down, up) = ((low - more - floor).min(0.0), (high + more - 1.0).max(0.0));
    (low <= high).then(|| ((low - more).max(floor) - up, (high + more).min(1.0) - down))
}

/// How many decimals tell a handful of ticks apart.
pub(crate) fn decimals(range: &Range<f64>) -> usize {
    match range.end - range.start {
        width if width < 0.08 => 3,
        width if width < 0.5 => 2,
        _ => 1,
    }
}

/// Size and text size of a panel, in pixels.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) text: f64,
}

/// What most panels are.
pub(crate) const PANEL: Size = Size { width: 460.0, height: 320.0, text: 12.5 };

/// A panel with its axes, to be drawn on.
pub(crate) struct Sketch {
    size: Size,
    title: String,
    body: String,
    hits: String,
    /// The plot area: left, top, right, bottom.
    area: [f64; 4],
    x: Range<f64>,
    y: Range<f64>,
}

impl Sketch {
    /// Draws title and axes. `figure` is named where that fails; `right` is kept free beside the plot area.
    pub(crate) fn new(
        figure: &str,
        title: &str,
        size: Size,
        x: Axis<'_>,
        y: Axis<'_>,
        right: f64,
    ) -> Result<Self, ReportError> {
        let mut body = String::new();
        let area = axes(&mut body, size, &x, &y, right, !title.is_empty())
            .map_err(|problem| ReportError::Draw { figure: figure.to_owned(), problem })?;
        let mut sketch =
            Sketch { size, title: title.to_owned(), body, hits: String::new(), area, x: x.range, y: y.range };
        if !title.is_empty() {
            let at = sketch.area[0];
            sketch.write(at, size.text + 4.0, title, "start", "t", size.text + 0.5);
        }
        Ok(sketch)
    }

    /// Where a value is, in pixels.
    pub(crate) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let [left, top, right, bottom] = self.area;
        let part = |value: f64, range: &Range<f64>| (value - range.start) / (range.end - range.start);
        (left + part(x, &self.x) * (right - left), bottom - part(y, &self.y) * (bottom - top))
    }

    /// The plot area in pixels: left, top, right, bottom.
    pub(crate) fn area(&self) -> [f64; 4] {
        self.area
    }

    /// Text at a pixel.
    pub(crate) fn write(&mut self, x: f64, y: f64, text: &str, anchor: &str, class: &str, size: f64) {
        let text = escape(text);
        let _ = write!(
            self.body,
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\">{text}</text>"
        );
    }

    /// A line through values.
    pub(crate) fn line(&mut self, class: &str, points: impl Iterator<Item = (f64, f64)>) {
        let mut path = String::new();
        for (i, (x, y)) in points.filter(|(x, y)| x.is_finite() && y.is_finite()).enumerate() {
            let (x, y) = self.at(x, y);
            let _ = write!(path, "{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' });
        }
        if !path.is_empty() {
            let _ = write!(self.body, "<path class=\"{class}\" d=\"{path}\"/>");
        }
    }

    /// A rectangle between two corners, with more attributes and, where it can be pointed at, what it says.
    pub(crate) fn rect(&mut self, class: &str, a: (f64, f64), b: (f64, f64), more: &str, tip: Option<&str>) {
        let ((x0, y0), (x1, y1)) = (self.at(a.0, a.1), self.at(b.0, b.1));
        let (x, y, w, h) = (x0.min(x1), y0.min(y1), (x1 - x0).abs(), (y1 - y0).abs());
        let _ = write!(
            self.body,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\"{more}"
        );
        match tip {
            Some(tip) => {
                let _ = write!(self.body, "><title>{}</title></rect>", escape(tip));
            }
            None => self.body.push_str("/>"),
        }
    }

    /// A curve's mark.
    pub(crate) fn mark(&mut self, look: Look, filled: bool, at: (f64, f64), r: f64) {
        let (x, y) = self.at(at.0, at.1);
        let _ = write!(self.body, "<path class=\"{}\" d=\"{}\"/>", look.mark(filled), look.path(x, y, r));
    }

    /// Full depth's star.
    pub(crate) fn star(&mut self, at: (f64, f64)) {
        let (x, y) = self.at(at.0, at.1);
        let _ = write!(self.body, "<path class=\"star\" d=\"{}\"/>", star(x, y));
    }

    /// A place that can be pointed at: `round` is its radius in pixels.
    pub(crate) fn hit(&mut self, at: (f64, f64), tip: &str) {
        let (x, y) = self.at(at.0, at.1);
        if x.is_finite() && y.is_finite() {
            let tip = escape(tip);
            let _ = write!(
                self.hits,
                "<circle class=\"h\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6\"><title>{tip}</title></circle>"
            );
        }
    }

    /// A whole curve: line, some marks, and every point to be pointed at.
    pub(crate) fn curve(&mut self, name: &str, metric: &str, look: Look, points: &[Point]) {
        self.line(&look.line(), points.iter().map(|point| (point.saving, point.value)));
        let step = points.len().div_ceil(24).max(1);
        for (i, point) in points.iter().enumerate() {
            if i % step == 0 || i + 1 == points.len() {
                self.mark(look, true, (point.saving, point.value), 3.4);
            }
            self.hit((point.saving, point.value), &tip(name, metric, point));
        }
    }

    /// Full depth: a dashed line across, and its star at no saving.
    pub(crate) fn full(&mut self, metric: &str, value: Option<f64>) {
        let Some(value) = value.filter(|value| value.is_finite()) else { return };
        let (start, end) = (self.x.start, self.x.end);
        self.line("full", [(start, value), (end, value)].into_iter());
        self.star((0.0, value));
        self.hit((0.0, value), &format!("full depth\nsaving 0.000 · {metric} {value:.4}"));
    }

    /// Any SVG above the lines.
    pub(crate) fn raw(&mut self, svg: &str) {
        self.body.push_str(svg);
    }

    /// The finished panel.
    pub(crate) fn done(self) -> Panel {
        let Size { width, height, .. } = self.size;
        Panel { title: self.title, width, height, body: self.body + &self.hits }
    }
}

/// What a point says.
pub(crate) fn tip(name: &str, metric: &str, point: &Point) -> String {
    let Point { saving, value, setting } = point;
    let head = if setting.is_empty() { name } else { setting };
    let whose = if setting.starts_with(name) || setting.is_empty() { String::new() } else { format!(" ({name})") };
    format!("{head}{whose}\nsaving {saving:.4} · {metric} {value:.4}")
}

/// A star of five points, as a path.
pub(crate) fn star(x: f64, y: f64) -> String {
    let mut path = String::new();
    for i in 0..10 {
        let (r, angle) = (if i % 2 == 0 { 6.0 } else { 2.6 }, f64::from(i) * std::f64::consts::PI / 5.0);
        let _ = write!(path, "{}{:.1} {:.1}", if i == 0 { 'M' } else { 'L' }, x + r * angle.sin(), y - r * angle.cos());
    }
    path + "Z"
}

/// Axes, ticks and labels by plotters; returns the plot area in pixels.
fn axes(out: &mut String, size: Size, x: &Axis<'_>, y: &Axis<'_>, right: f64, title: bool) -> Result<[f64; 4], String> {
    let units = |px: f64| (px * UNITS).round() as u32;
    let tick = size.text - 1.0;
    let digits = |axis: &Axis<'_>| width(&format!("{:.*}", axis.decimals, axis.range.end)) * tick;
    let area = Canvas::new(out, size.width, size.height).into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .margin_top(units(if title { size.text + 12.0 } else { 10.0 }))
        .margin_right(units(right.max(12.0)))
        .margin_bottom(units(2.0))
        .margin_left(units(2.0))
        .x_label_area_size(units(2.0 * size.text + 16.0))
        .y_label_area_size(units(digits(y) + size.text + 18.0))
        .build_cartesian_2d(x.range.clone(), y.range.clone())
        .map_err(|error| error.to_string())?;
    let ink = Ink::Text.colour();
    let style = |px: f64| -> TextStyle<'_> { ("sans-serif", px * UNITS, &ink).into_text_style(&area) };
    let (x_text, y_text) = (|v: &f64| format!("{v:.*}", x.decimals), |v: &f64| format!("{v:.*}", y.decimals));
    let mut mesh = chart.configure_mesh();
    mesh.axis_style(Ink::Axis.colour())
        .bold_line_style(Ink::Grid.colour())
        .max_light_lines(0)
        .x_labels(x.ticks)
        .y_labels(y.ticks)
        .x_label_formatter(&x_text)
        .y_label_formatter(&y_text)
        .label_style(style(tick))
        .axis_desc_style(style(size.text))
        .x_desc(x.label)
        .y_desc(y.label)
        .set_all_tick_mark_size(units(4.0));
    if x.ticks == 0 {
        mesh.disable_x_mesh();
    }
    if y.ticks == 0 {
        mesh.disable_y_mesh();
    }
    mesh.draw().map_err(|error| error.to_string())?;
    let px = |(x, y): (i32, i32)| (f64::from(x) / UNITS, f64::from(y) / UNITS);
    let (left, bottom) = px(chart.backend_coord(&(x.range.start, y.range.start)));
    let (right, top) = px(chart.backend_coord(&(x.range.end, y.range.end)));
    area.present().map_err(|error| error.to_string())?;
    Ok([left, top, right, bottom])
}
