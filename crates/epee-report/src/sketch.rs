//! A panel being drawn: axes, and on them lines, marks and places that can be pointed at.

use crate::axis::Axis;
use crate::data::Point;
use crate::figure::Panel;
use crate::shape::{Anchor, Outline, Shape};
use crate::style::{Look, star};
use crate::text::width;

/// The size of a panel and of its text, in pixels.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) text: f64,
}

/// The size of most panels.
pub(crate) const PANEL: Size = Size { width: 460.0, height: 320.0, text: 12.5 };

/// The length of a tick mark.
const TICK: f64 = 4.0;

/// A panel with its axes, to be drawn on.
pub(crate) struct Sketch<'a> {
    size: Size,
    title: &'a str,
    shapes: Vec<Shape>,
    /// The places that can be pointed at, above everything else.
    hits: Vec<Shape>,
    x: Axis<'a>,
    y: Axis<'a>,
    /// The plot area in pixels.
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
}

impl<'a> Sketch<'a> {
    /// Draws title and axes. The plot area ends `margin` pixels before the right edge.
    pub(crate) fn new(title: &'a str, size: Size, x: Axis<'a>, y: Axis<'a>, margin: f64) -> Self {
        let Size { width: full_width, height, text } = size;
        // Without ticks there is room for labels that the caller writes.
        let widest = y.ticks.iter().map(|(_, text)| width(text)).fold(width("0.00"), f64::max);
        let mut sketch = Sketch {
            size,
            title,
            shapes: Vec::new(),
            hits: Vec::new(),
            left: 2.0 * TICK + (widest + 0.6) * (text - 1.0) + text,
            top: if title.is_empty() { 10.0 } else { text + 12.0 },
            right: full_width - margin,
            bottom: height - 2.0 * text - 18.0,
            x,
            y,
        };
        sketch.axes();
        if !title.is_empty() {
            sketch.text("t", sketch.left, text + 4.0, Anchor::Start, text + 0.5, title);
        }
        sketch
    }

    fn axes(&mut self) {
        let Sketch { left, top, right, bottom, .. } = *self;
        let (text, small) = (self.size.text, self.size.text - 1.0);
        let (x_ticks, y_ticks) = (self.x.ticks.clone(), self.y.ticks.clone());
        let mut lines = Vec::new();
        for (value, label) in x_ticks {
            let (x, _) = self.at(value, 0.0);
            self.shapes.push(Shape::line("gr", vec![(x, bottom), (x, top)]));
            lines.push(vec![(x, bottom), (x, bottom + TICK)]);
            self.text("t mu", x, bottom + TICK + 1.2 * small, Anchor::Middle, small, label);
        }
        for (value, label) in y_ticks {
            let (_, y) = self.at(0.0, value);
            self.shapes.push(Shape::line("gr", vec![(left, y), (right, y)]));
            lines.push(vec![(left - TICK, y), (left, y)]);
            self.text("t mu", left - TICK - 4.0, y + 0.36 * small, Anchor::End, small, label);
        }
        lines.push(vec![(left, top), (left, bottom), (right, bottom)]);
        self.shapes.extend(lines.into_iter().map(|line| Shape::line("ax", line)));
        let (x_label, y_label) = (self.x.label, self.y.label);
        self.text("t mu", (left + right) / 2.0, self.size.height - 7.0, Anchor::Middle, text, x_label);
        let mut shape = Shape::text("t mu", text, (top + bottom) / 2.0, Anchor::Middle, text, y_label);
        if let Outline::Text(label) = &mut shape.outline {
            label.upwards = true;
        }
        self.shapes.push(shape);
    }

    /// The place of a value, in pixels.
    pub(crate) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let Sketch { left, top, right, bottom, .. } = *self;
        (left + self.x.part(x) * (right - left), bottom - self.y.part(y) * (bottom - top))
    }

    /// Adds a shape whose place is in pixels.
    pub(crate) fn push(&mut self, shape: Shape) {
        self.shapes.push(shape);
    }

    /// Text at a pixel.
    pub(crate) fn text(&mut self, class: &str, x: f64, y: f64, anchor: Anchor, size: f64, text: impl Into<String>) {
        self.push(Shape::text(class, x, y, anchor, size, text));
    }

    /// A line through values.
    pub(crate) fn line(&mut self, class: impl Into<String>, points: impl Iterator<Item = (f64, f64)>) {
        let points: Vec<_> =
            points.filter(|(x, y)| x.is_finite() && y.is_finite()).map(|(x, y)| self.at(x, y)).collect();
        if !points.is_empty() {
            self.push(Shape::line(class, points));
        }
    }

    /// A level across the whole panel.
    pub(crate) fn level(&mut self, value: f64) {
        let ends = [*self.x.range.start(), *self.x.range.end()];
        self.line("full", ends.into_iter().map(|x| (x, value)));
    }

    /// A rectangle between two corners.
    pub(crate) fn rect(&mut self, class: &str, a: (f64, f64), b: (f64, f64)) -> &mut Shape {
        let ((x0, y0), (x1, y1)) = (self.at(a.0, a.1), self.at(b.0, b.1));
        self.shapes.push(Shape::rect(class, x0.min(x1), y0.min(y1), (x1 - x0).abs(), (y1 - y0).abs()));
        let last = self.shapes.len() - 1;
        &mut self.shapes[last]
    }

    /// A curve's mark of radius `r` pixels.
    pub(crate) fn mark(&mut self, look: Look, filled: bool, at: (f64, f64), r: f64) {
        let (x, y) = self.at(at.0, at.1);
        self.push(look.mark(filled, x, y, r));
    }

    /// A place that can be pointed at.
    pub(crate) fn hit(&mut self, at: (f64, f64), tip: String) {
        let (x, y) = self.at(at.0, at.1);
        if x.is_finite() && y.is_finite() {
            self.hits.push(Shape { tip: Some(tip), ..Shape::circle("h", x, y, 6.0) });
        }
    }

    /// A whole curve: its line, some marks, and a tip for every point.
    pub(crate) fn curve(&mut self, name: &str, metric: &str, look: Look, points: &[Point]) {
        self.line(look.line(), points.iter().map(Point::at));
        let step = points.len().div_ceil(24).max(1);
        for (i, point) in points.iter().enumerate() {
            if i % step == 0 || i + 1 == points.len() {
                self.mark(look, true, point.at(), 3.4);
            }
            self.hit(point.at(), point.tip(name, metric));
        }
    }

    /// Full depth: a dashed line across, and a star where nothing is saved.
    pub(crate) fn full_depth(&mut self, metric: &str, value: Option<f64>) {
        let Some(value) = value.filter(|value| value.is_finite()) else { return };
        self.level(value);
        let (x, y) = self.at(0.0, value);
        self.push(star(x, y));
        self.hit((0.0, value), format!("full depth\nsaving 0.0000 · {metric} {value:.4}"));
    }

    /// The finished panel.
    pub(crate) fn done(mut self) -> Panel {
        self.shapes.append(&mut self.hits);
        let Size { width, height, .. } = self.size;
        Panel { title: self.title.to_owned(), width, height, shapes: self.shapes }
    }
}
