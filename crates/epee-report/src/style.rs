//! Colours, marks and dashes of figures: CSS variables on the page, plain light colours in files.
//!
//! The hues are Okabe and Ito's, darker or lighter to suit the background. Curves differ in marks and
//! dashes too, never in colour alone.

use std::fmt::Write;

use crate::shape::{Outline, Shape};

/// Name, light and dark value of each colour; the first [`HUES`] are those of curves.
const PALETTE: [(&str, &str, &str); 15] = [
    ("c0", "#0072B2", "#5AB1EA"),
    ("c1", "#D55E00", "#F58B46"),
    ("c2", "#008A64", "#35CC9E"),
    ("c3", "#A8437F", "#E398C2"),
    ("c4", "#3A93C6", "#A3D8F7"),
    ("c5", "#B57A00", "#F0B83A"),
    ("c6", "#7A6C00", "#EDE25A"),
    ("c7", "#5B5F66", "#B9BEC6"),
    ("paper", "#FFFFFF", "#1B1D21"),
    ("ink", "#1F2328", "#E7E9EC"),
    ("muted", "#59616B", "#A2AAB4"),
    ("axis", "#8A929C", "#7C848E"),
    ("grid", "#E6E8EB", "#2D3137"),
    ("band", "#D5EDE4", "#1D3A31"),
    ("bar", "#0072B2", "#5AB1EA"),
];

const HUES: usize = 8;

const DASHES: [&[f32]; 4] = [&[], &[7.0, 4.0], &[2.0, 3.0], &[9.0, 3.0, 2.0, 3.0]];

/// How the shapes of a class look. Colours are names of the palette, `#rrggbb`, or `none`; an empty one is not set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Style {
    pub(crate) fill: &'static str,
    pub(crate) stroke: &'static str,
    /// The width of the stroke, in pixels.
    pub(crate) width: f32,
    /// Lengths of the stroke's dashes and gaps.
    pub(crate) dash: &'static [f32],
    /// How opaque the fill is.
    pub(crate) opacity: f32,
}

impl Style {
    const UNSET: Style = Style { fill: "", stroke: "", width: 1.0, dash: &[], opacity: 1.0 };

    const fn fill(fill: &'static str) -> Style {
        Style { fill, ..Style::UNSET }
    }

    const fn stroke(stroke: &'static str, width: f32) -> Style {
        Style { fill: "none", stroke, width, ..Style::UNSET }
    }
}

/// The style of every class. A later rule overrides an earlier one, as in CSS.
fn rules() -> Vec<(String, Style)> {
    let fixed = [
        ("t", Style::fill("ink")),
        ("mu", Style::fill("muted")),
        ("ax", Style::stroke("axis", 1.0)),
        ("gr", Style::stroke("grid", 1.0)),
        ("ln", Style::stroke("", 2.0)),
        ("full", Style { dash: &[4.0, 3.0], ..Style::stroke("ink", 1.2) }),
        ("star", Style::fill("ink")),
        ("halo", Style::stroke("#FFFFFF", 3.6)),
        ("edge", Style::stroke("#101214", 1.5)),
        ("band", Style::fill("band")),
        ("bar", Style::fill("bar")),
        ("pale", Style { opacity: 0.35, ..Style::fill("axis") }),
        // Shapes that can be pointed at are there, but not to be seen.
        ("h", Style { opacity: 0.0, ..Style::fill("paper") }),
        ("ring", Style::stroke("ink", 1.6)),
    ];
    let mut rules: Vec<(String, Style)> = fixed.map(|(class, style)| (class.to_owned(), style)).into();
    for (i, &(colour, ..)) in PALETTE[..HUES].iter().enumerate() {
        rules.push((format!("l{i}"), Style { stroke: colour, ..Style::UNSET }));
        rules.push((format!("f{i}"), Style { fill: colour, ..Style::stroke("paper", 0.6) }));
        rules.push((format!("o{i}"), Style { fill: "paper", ..Style::stroke(colour, 1.6) }));
    }
    rules.extend(DASHES.iter().enumerate().skip(1).map(|(i, dash)| (format!("d{i}"), Style { dash, ..Style::UNSET })));
    rules
}

/// The style of a shape of some classes, in light colours.
pub(crate) fn style(classes: &str) -> Style {
    static RULES: std::sync::LazyLock<Vec<(String, Style)>> = std::sync::LazyLock::new(rules);
    let mut all = Style::UNSET;
    for (_, rule) in RULES.iter().filter(|(class, _)| classes.split(' ').any(|one| one == class)) {
        let set = |own: &mut &'static str, colour: &'static str| {
            if !colour.is_empty() {
                *own = light(colour);
            }
        };
        set(&mut all.fill, rule.fill);
        set(&mut all.stroke, rule.stroke);
        all.width = if rule.width == 1.0 { all.width } else { rule.width };
        all.dash = if rule.dash.is_empty() { all.dash } else { rule.dash };
        all.opacity = all.opacity.min(rule.opacity);
    }
    all
}

/// A colour of the palette on light paper; others as they are.
fn light(colour: &'static str) -> &'static str {
    PALETTE.iter().find(|known| known.0 == colour).map_or(colour, |known| known.1)
}

/// Where a stylesheet's colours come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colours {
    /// The page's variables, which follow the reader's choice of light or dark.
    Variables,
    /// Light, for files.
    Light,
}

/// The CSS rules for the classes in figures.
pub(crate) fn figure_css(colours: Colours) -> String {
    let value = |colour: &'static str| match colours {
        Colours::Variables if PALETTE.iter().any(|known| known.0 == colour) => format!("var(--{colour})"),
        _ => light(colour).to_owned(),
    };
    let family = match colours {
        Colours::Variables => "var(--sans)",
        Colours::Light => "Ubuntu,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif",
    };
    let mut css = format!(".t{{font-family:{family}}}.ln{{stroke-linejoin:round}}");
    for (class, Style { fill, stroke, width, dash, opacity }) in rules() {
        let _ = write!(css, ".{class}{{");
        for (property, colour) in [("fill", fill), ("stroke", stroke)] {
            if !colour.is_empty() {
                let _ = write!(css, "{property}:{};", value(colour));
            }
        }
        if width != 1.0 {
            let _ = write!(css, "stroke-width:{width};");
        }
        if !dash.is_empty() {
            let _ = write!(css, "stroke-dasharray:{};", dash.iter().map(f32::to_string).collect::<Vec<_>>().join(" "));
        }
        if opacity != 1.0 {
            let _ = write!(css, "fill-opacity:{opacity};");
        }
        css.push('}');
    }
    css
}

/// The page's variables, for light or for dark.
pub(crate) fn variables(dark: bool) -> String {
    PALETTE.iter().map(|(name, light, night)| format!("--{name}:{};", if dark { night } else { light })).collect()
}

/// How a curve looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// The number of its colour and its mark.
    pub(crate) hue: usize,
    /// The number of its dashes.
    pub(crate) dash: usize,
}

/// The looks of curves, by name: the paper's policies look the same everywhere, the others follow in order.
pub(crate) fn looks<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Look> {
    // Each hue returns with its next dashes; the first four hues start after those that the paper's policies have.
    let mut others = (0..DASHES.len())
        .flat_map(|round| {
            let hues = [(4, 0), (5, 1), (6, 2), (7, 3), (0, 1), (1, 2), (2, 1), (3, 3)];
            hues.map(|(hue, dash)| Look { hue, dash: (dash + round) % DASHES.len() })
        })
        .cycle();
    let mut look = |name: &str| match ["entropy", "patience", "epee", "fixed"].iter().position(|known| name == *known) {
        Some(hue) => Look { hue, dash: [0, 1, 0, 2][hue] },
        None => others.next().unwrap_or(Look { hue: 7, dash: 3 }),
    };
    names.map(&mut look).collect()
}

impl Look {
    /// The classes of its line.
    pub(crate) fn line(self) -> String {
        format!("ln l{} d{}", self.hue, self.dash)
    }

    /// Its mark around a point, filled or hollow.
    pub(crate) fn mark(self, filled: bool, x: f64, y: f64, r: f64) -> Shape {
        let corners: &[(f64, f64)] = match self.hue {
            0 => &[],
            1 => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            2 => &[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)],
            3 => &[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)],
            4 => &[(0.0, 1.2), (1.1, -0.8), (-1.1, -0.8)],
            5 => &[
                (-0.4, -1.1),
                (0.4, -1.1),
                (0.4, -0.4),
                (1.1, -0.4),
                (1.1, 0.4),
                (0.4, 0.4),
                (0.4, 1.1),
                (-0.4, 1.1),
                (-0.4, 0.4),
                (-1.1, 0.4),
                (-1.1, -0.4),
                (-0.4, -0.4),
            ],
            6 => &[(0.0, -1.2), (1.14, -0.37), (0.7, 0.97), (-0.7, 0.97), (-1.14, -0.37)],
            _ => &[(-1.2, 0.0), (0.8, -1.1), (0.8, 1.1)],
        };
        let class = format!("{}{}", if filled { 'f' } else { 'o' }, self.hue);
        if corners.is_empty() {
            return Shape::circle(class, x, y, r);
        }
        let points = corners.iter().map(|(dx, dy)| (x + r * dx, y + r * dy)).collect();
        Shape::new(class, Outline::Path { points, closed: true })
    }
}

/// Full depth's mark: a star of five points.
pub(crate) fn star(x: f64, y: f64) -> Shape {
    let corner = |i: i32| {
        let (r, angle) = (if i % 2 == 0 { 6.0 } else { 2.6 }, f64::from(i) * std::f64::consts::PI / 5.0);
        (x + r * angle.sin(), y - r * angle.cos())
    };
    Shape::new("star", Outline::Path { points: (0..10).map(corner).collect(), closed: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_of_many_policies_look_alike() {
        let names: Vec<String> = (0..20).map(|i| format!("policy {i}")).collect();
        let all = ["entropy", "patience", "epee", "fixed"].into_iter().chain(names.iter().map(String::as_str));
        let looks = looks(all);
        for (i, a) in looks.iter().enumerate() {
            assert!(looks[i + 1..].iter().all(|b| a != b), "{i}: {a:?}");
        }
        assert_eq!(looks[2], Look { hue: 2, dash: 0 });
    }

    #[test]
    fn a_curve_has_the_stroke_of_its_hue_and_the_width_of_a_line() {
        let curve = style(&Look { hue: 1, dash: 1 }.line());
        assert_eq!((curve.stroke, curve.fill, curve.width, curve.dash), ("#D55E00", "none", 2.0, DASHES[1]));
        assert!(figure_css(Colours::Light).contains(".l1{stroke:#D55E00;}"));
        assert!(figure_css(Colours::Variables).contains(".l1{stroke:var(--c1);}"));
    }
}
