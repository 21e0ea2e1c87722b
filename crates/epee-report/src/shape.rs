//! Shapes in pixels: figures are lists of them, written as SVG here and drawn as PNG in `png`.

use std::fmt::{self, Write};

use crate::text::escape;

/// A shape and its looks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shape {
    pub(crate) outline: Outline,
    /// The classes that say how it looks, see `style`.
    pub(crate) class: String,
    /// A colour of its own, as `#rrggbb`.
    pub(crate) fill: Option<String>,
    /// The text shown to a reader who points at it.
    pub(crate) tip: Option<String>,
}

/// The outline of a shape.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outline {
    /// A line through points.
    Path { points: Vec<(f64, f64)>, closed: bool },
    /// A rectangle by its top left corner.
    Rect { x: f64, y: f64, width: f64, height: f64 },
    /// A circle by its centre.
    Circle { x: f64, y: f64, r: f64 },
    /// A line of text.
    Text(Text),
}

/// A line of text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    /// The anchor's place, on the baseline.
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) anchor: Anchor,
    /// The font size in pixels.
    pub(crate) size: f64,
    /// True if it runs upwards.
    pub(crate) upwards: bool,
    pub(crate) text: String,
}

/// The part of a text that is at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Shape {
    /// A shape with the looks of its classes.
    pub(crate) fn new(class: impl Into<String>, outline: Outline) -> Shape {
        Shape { outline, class: class.into(), fill: None, tip: None }
    }

    /// A line through points.
    pub(crate) fn line(class: impl Into<String>, points: Vec<(f64, f64)>) -> Shape {
        Shape::new(class, Outline::Path { points, closed: false })
    }

    /// A rectangle by its top left corner.
    pub(crate) fn rect(class: &str, x: f64, y: f64, width: f64, height: f64) -> Shape {
        Shape::new(class, Outline::Rect { x, y, width, height })
    }

    /// A circle by its centre.
    pub(crate) fn circle(class: impl Into<String>, x: f64, y: f64, r: f64) -> Shape {
        Shape::new(class, Outline::Circle { x, y, r })
    }

    /// A line of text from left to right.
    pub(crate) fn text(class: &str, x: f64, y: f64, anchor: Anchor, size: f64, text: impl Into<String>) -> Shape {
        Shape::new(class, Outline::Text(Text { x, y, anchor, size, upwards: false, text: text.into() }))
    }

    /// The same shape elsewhere.
    pub(crate) fn moved(&self, dx: f64, dy: f64) -> Shape {
        let mut shape = self.clone();
        match &mut shape.outline {
            Outline::Path { points, .. } => {
                for (x, y) in points {
                    (*x, *y) = (*x + dx, *y + dy);
                }
            }
            Outline::Rect { x, y, .. } | Outline::Circle { x, y, .. } | Outline::Text(Text { x, y, .. }) => {
                (*x, *y) = (*x + dx, *y + dy);
            }
        }
        shape
    }
}

/// Pixels, to a tenth.
struct Px(f64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The sum has no negative zero.
        (((10.0 * self.0).round() + 0.0) / 10.0).fmt(f)
    }
}

/// Shapes as SVG elements.
pub(crate) fn svg<'a>(shapes: impl IntoIterator<Item = &'a Shape>) -> String {
    let mut out = String::new();
    for shape in shapes {
        // Writing to a string does not fail.
        let _ = element(&mut out, shape);
    }
    out
}

fn element(out: &mut String, shape: &Shape) -> fmt::Result {
    let name = match shape.outline {
        Outline::Path { .. } => "path",
        Outline::Rect { .. } => "rect",
        Outline::Circle { .. } => "circle",
        Outline::Text { .. } => "text",
    };
    write!(out, "<{name} class=\"{}\"", shape.class)?;
    match &shape.outline {
        Outline::Path { points, closed } => {
            out.push_str(" d=\"");
            for (i, &(x, y)) in points.iter().enumerate() {
                write!(out, "{}{} {}", if i == 0 { 'M' } else { 'L' }, Px(x), Px(y))?;
            }
            out.push_str(if *closed { "Z\"" } else { "\"" });
        }
        &Outline::Rect { x, y, width, height } => {
            write!(out, " x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", Px(x), Px(y), Px(width), Px(height))?;
        }
        &Outline::Circle { x, y, r } => write!(out, " cx=\"{}\" cy=\"{}\" r=\"{}\"", Px(x), Px(y), Px(r))?,
        Outline::Text(text) => {
            let (x, y) = (Px(text.x), Px(text.y));
            write!(out, " x=\"{x}\" y=\"{y}\" font-size=\"{}\"", Px(text.size))?;
            match text.anchor {
                Anchor::Start => {}
                Anchor::Middle => out.push_str(" text-anchor=\"middle\""),
                Anchor::End => out.push_str(" text-anchor=\"end\""),
            }
            if text.upwards {
                write!(out, " transform=\"rotate(-90 {x} {y})\"")?;
            }
        }
    }
    if let Some(fill) = &shape.fill {
        write!(out, " fill=\"{fill}\"")?;
    }
    match (&shape.outline, &shape.tip) {
        (Outline::Text(text), _) => write!(out, ">{}</text>", escape(&text.text)),
        (_, Some(tip)) => write!(out, "><title>{}</title></{name}>", escape(tip)),
        (_, None) => write!(out, "/>"),
    }
}
