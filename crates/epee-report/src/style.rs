//! Colours, marks and dashes, once: for the page as CSS variables, for files as the colours themselves.
//!
//! The hues are Okabe and Ito's, darker or lighter where the background asks for it. A curve is told
//! by its mark and its dashes too, never by colour alone.

use std::fmt::Write;

/// Colours of curves, on light and on dark.
const COLOURS: [(&str, &str); 8] = [
    ("#0072B2", "#5AB1EA"),
    ("#D55E00", "#F58B46"),
    ("#008A64", "#35CC9E"),
    ("#A8437F", "#E398C2"),
    ("#3A93C6", "#A3D8F7"),
    ("#B57A00", "#F0B83A"),
    ("#7A6C00", "#EDE25A"),
    ("#5B5F66", "#B9BEC6"),
];

const DASHES: [&str; 4] = ["", "7 4", "2 3", "9 3 2 3"];

/// Name, on light and on dark, of the colours that are no curve's.
const ROLES: [(&str, &str, &str); 7] = [
    ("paper", "#FFFFFF", "#1B1D21"),
    ("ink", "#1F2328", "#E7E9EC"),
    ("muted", "#59616B", "#A2AAB4"),
    ("axis", "#8A929C", "#7C848E"),
    ("grid", "#E6E8EB", "#2D3137"),
    ("band", "#D5EDE4", "#1D3A31"),
    ("bar", "#0072B2", "#5AB1EA"),
];

/// How a curve looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Which colour and which mark.
    pub(crate) hue: usize,
    /// Which dashes.
    pub(crate) dash: usize,
}

/// The looks of curves, by name: the paper's policies look the same everywhere, the others follow in order.
pub(crate) fn looks<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Look> {
    // Hues in turn, each with its next dashes when its turn comes again; the first four hues begin after those that the
    // paper's policies have.
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

    /// The class of its marks, filled or hollow.
    pub(crate) fn mark(self, filled: bool) -> String {
        format!("{}{}", if filled { 'f' } else { 'o' }, self.hue)
    }

    /// The outline of its mark around a point, as a path.
    pub(crate) fn path(self, x: f64, y: f64, r: f64) -> String {
        let corners = |points: &[(f64, f64)]| {
            let mut path = String::new();
            for (i, (dx, dy)) in points.iter().enumerate() {
                let _ = write!(path, "{}{:.1} {:.1}", if i == 0 { 'M' } else { 'L' }, x + r * dx, y + r * dy);
            }
            path + "Z"
        };
        match self.hue {
            0 => format!("M{:.1} {y:.1}a{r} {r} 0 1 0 {:.1} 0a{r} {r} 0 1 0 {:.1} 0Z", x - r, 2.0 * r, -2.0 * r),
            1 => corners(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
            2 => corners(&[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)]),
            3 => corners(&[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)]),
            4 => corners(&[(0.0, 1.2), (1.1, -0.8), (-1.1, -0.8)]),
            5 => corners(&[
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
            ]),
            6 => corners(&[(0.0, -1.2), (1.14, -0.37), (0.7, 0.97), (-0.7, 0.97), (-1.14, -0.37)]),
            _ => corners(&[(-1.2, 0.0), (0.8, -1.1), (0.8, 1.1)]),
        }
    }
}

/// Where a stylesheet's colours come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colours {
    /// The page's variables, which follow the reader's choice of light or dark.
    Variables,
    /// Light, for files.
    Light,
}

/// The rules for the classes in figures. Simple selectors alone: resvg reads them too.
pub(crate) fn figure_css(colours: Colours) -> String {
    let role = |name: &str| match colours {
        Colours::Variables => format!("var(--{name})"),
        Colours::Light => ROLES.iter().find(|role| role.0 == name).map_or("", |role| role.1).to_owned(),
    };
    let (paper, ink, muted, axis) = (role("paper"), role("ink"), role("muted"), role("axis"));
    let family = match colours {
        Colours::Variables => "var(--sans)",
        Colours::Light => "Ubuntu,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif",
    };
    let mut css = format!(
        ".t{{font-family:{family};fill:{ink}}}.mu{{fill:{muted}}}.ax{{stroke:{axis};fill:none}}\
         .gr{{stroke:{};fill:none}}.ln{{fill:none;stroke-width:2;stroke-linejoin:round}}\
         .full{{stroke:{ink};fill:none;stroke-width:1.2;stroke-dasharray:4 3}}.star{{fill:{ink}}}\
         .edge,.halo{{fill:none;stroke:#101214;stroke-width:1.5}}.halo{{stroke:#FFFFFF;stroke-width:3.6}}.band{{fill:{}}}.bar{{fill:{}}}.pale{{fill:{axis};fill-opacity:.35}}\
         .h{{fill:{paper};fill-opacity:0}}.ring{{fill:none;stroke:{ink};stroke-width:1.6}}",
        role("grid"),
        role("band"),
        role("bar"),
    );
    for (i, (light, _)) in COLOURS.iter().enumerate() {
        let colour = match colours {
            Colours::Variables => format!("var(--c{i})"),
            Colours::Light => (*light).to_owned(),
        };
        let _ = write!(
            css,
            ".l{i}{{stroke:{colour}}}.f{i}{{fill:{colour};stroke:{paper};stroke-width:.6}}\
             .o{i}{{fill:{paper};stroke:{colour};stroke-width:1.6}}"
        );
    }
    for (i, dash) in DASHES.iter().enumerate().skip(1) {
        let _ = write!(css, ".d{i}{{stroke-dasharray:{dash}}}");
    }
    css
}

/// The variables of the page, for light or for dark.
pub(crate) fn variables(dark: bool) -> String {
    let mut css = String::new();
    for (name, light, night) in ROLES {
        let _ = write!(css, "--{name}:{};", if dark { night } else { light });
    }
    for (i, (light, night)) in COLOURS.iter().enumerate() {
        let _ = write!(css, "--c{i}:{};", if dark { night } else { light });
    }
    css
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
}
