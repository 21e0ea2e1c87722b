//! Figure 4: every combination of threshold and patience, as heat maps.

use std::fmt::Write;

use crate::axis::{Axis, span, ticks};
use crate::data::{Grid, GridRow};
use crate::figure::{Figure, Panel, Swatch, Table};
use crate::shape::{Anchor, Shape};
use crate::sketch::{Size, Sketch};
use crate::text::{decimal, width};

const HEAT: Size = Size { width: 460.0, height: 400.0, text: 12.5 };
/// Room for the colour scale.
const SCALE: f64 = 66.0;
/// The font size of labels.
const LABEL: f64 = HEAT.text - 1.5;

/// The metric and the saving by threshold and patience.
pub(super) fn grid(grid: &Grid) -> Figure {
    let (mut panels, mut tables) = (Vec::new(), Vec::new());
    let labelled = grid.rows.iter().any(|row| row.values.iter().any(|value| value.is_finite()));
    let metric: (&str, fn(&GridRow) -> &[f64]) = (&grid.metric, |row| &row.values);
    let saving: (&str, fn(&GridRow) -> &[f64]) = ("saving", |row| &row.savings);
    for (name, get) in [metric, saving].into_iter().skip(usize::from(!labelled)) {
        panels.push(heat(grid, name, get));
        let head = std::iter::once("τ \\ P_t".to_owned()).chain(grid.patiences.iter().cloned()).collect();
        let rows = grid.rows.iter().map(|row| {
            std::iter::once(row.threshold.clone()).chain(get(row).iter().map(|&value| decimal(value, 4))).collect()
        });
        tables.push(Table { title: name.to_owned(), head, rows: rows.collect() });
    }
    Figure {
        slug: "fig4-grid".to_owned(),
        title: "Threshold by patience".to_owned(),
        caption:
            "Every EPEE setting τ × P_t; lighter is higher. The frames mark the parent policies: patience alone at \
                  the bottom (τ = 0), entropy alone on the right (P_t = never)."
                .to_owned(),
        panels,
        columns: 2,
        tables,
        legend: vec![(Swatch::Frame, "entropy alone (right), patience alone (bottom)".to_owned())],
    }
}

fn heat(grid: &Grid, name: &str, get: fn(&GridRow) -> &[f64]) -> Panel {
    let (columns, rows) = (grid.patiences.len() as f64, grid.rows.len() as f64);
    let x = Axis { label: "patience P_t (exits that agree)", range: 0.0..=columns, ticks: Vec::new() };
    let y = Axis { label: "entropy threshold τ (normalised)", range: 0.0..=rows, ticks: Vec::new() };
    let mut sketch = Sketch::new(name, HEAT, x, y, SCALE);
    let (low, high) = span(grid.rows.iter().flat_map(get).copied()).unwrap_or((0.0, 1.0));
    for (r, row) in grid.rows.iter().enumerate() {
        for (c, &value) in get(row).iter().enumerate() {
            let mut tip = format!("τ = {}, P_t = {}", row.threshold, grid.patiences[c]);
            if let Some(value) = row.values.get(c) {
                let _ = write!(tip, "\n{} {}", grid.metric, decimal(*value, 4));
            }
            let _ = write!(tip, "\nsaving {}", decimal(row.savings[c], 4));
            let (x, y) = (c as f64, r as f64);
            let cell = sketch.rect("cell", (x, y), (x + 1.0, y + 1.0));
            cell.fill = Some(viridis((value - low) / (high - low)));
            cell.tip = Some(tip);
        }
    }
    labels(&mut sketch, grid);
    // A dark line on a white one: it shows on light cells and on dark ones.
    for class in ["halo", "edge"] {
        if let Some(c) = grid.patiences.iter().position(|patience| patience == "never") {
            sketch.rect(class, (c as f64, 0.0), (c as f64 + 1.0, rows));
        }
        if grid.rows.first().is_some_and(|row| row.threshold == "0") {
            sketch.rect(class, (0.0, 0.0), (columns, 1.0));
        }
    }
    scale(&mut sketch, low, high);
    sketch.done()
}

/// The names of rows and columns, as many as there is room for.
fn labels(sketch: &mut Sketch<'_>, grid: &Grid) {
    let Sketch { left, top, right, bottom, .. } = *sketch;
    let columns = grid.patiences.len();
    let cell = (right - left) / columns.max(1) as f64;
    let widest =
        grid.patiences.iter().filter(|text| *text != "never").map(|text| width(text)).fold(0.0, f64::max) * LABEL;
    let step = ((widest + 5.0) / cell).ceil().max(1.0) as usize;
    let never = width("never") * LABEL / 2.0;
    for (c, text) in grid.patiences.iter().enumerate() {
        let (x, _) = sketch.at(c as f64 + 0.5, 0.0);
        let close = grid.patiences.last().is_some_and(|last| last == "never")
            && c + 1 < columns
            && x + widest / 2.0 + 4.0 > right - cell / 2.0 - never;
        if (c % step == 0 && !close) || text == "never" {
            sketch.text("t mu", x, bottom + LABEL + 5.0, Anchor::Middle, LABEL, text);
        }
    }
    let line = (bottom - top) / grid.rows.len().max(1) as f64;
    let step = ((LABEL + 2.0) / line).ceil().max(1.0) as usize;
    for (r, row) in grid.rows.iter().enumerate().step_by(step) {
        let (_, y) = sketch.at(0.0, r as f64 + 0.5);
        sketch.text("t mu", left - 6.0, y + LABEL * 0.36, Anchor::End, LABEL, &row.threshold);
    }
}

/// The colour scale on the right.
fn scale(sketch: &mut Sketch<'_>, low: f64, high: f64) {
    let Sketch { top, right, bottom, .. } = *sketch;
    let (x, steps) = (right + 14.0, 40);
    let height = (bottom - top) / f64::from(steps);
    for i in 0..steps {
        let mut step = Shape::rect("step", x, bottom - f64::from(i + 1) * height, 10.0, height + 0.4);
        step.fill = Some(viridis((f64::from(i) + 0.5) / f64::from(steps)));
        sketch.push(step);
    }
    for (value, text) in ticks(low, high, 7) {
        let y = bottom - (value - low) / (high - low) * (bottom - top);
        sketch.push(Shape::line("ax", vec![(x + 10.0, y), (x + 13.0, y)]));
        sketch.text("t mu", x + 16.0, y + 0.36 * LABEL, Anchor::Start, LABEL, text);
    }
}

/// Eleven colours of the map viridis, evenly spaced.
const VIRIDIS: [u32; 11] =
    [0x440154, 0x482475, 0x414487, 0x355f8d, 0x2a788e, 0x21918c, 0x22a884, 0x44bf70, 0x7ad151, 0xbddf26, 0xfde725];

/// The colour of a part from 0 to 1, linear between the colours of the map; grey for NaN.
fn viridis(part: f64) -> String {
    if part.is_nan() {
        return "#808080".to_owned();
    }
    let place = part.clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f64;
    let at = (place as usize).min(VIRIDIS.len() - 2);
    let (a, b) = (VIRIDIS[at].to_be_bytes(), VIRIDIS[at + 1].to_be_bytes());
    let mix = |i: usize| (f64::from(a[i]) + (place - at as f64) * (f64::from(b[i]) - f64::from(a[i]))).round() as u8;
    format!("#{:02x}{:02x}{:02x}", mix(1), mix(2), mix(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colour_map_passes_through_its_colours() {
        assert_eq!(
            [0.0, 0.5, 1.0, 2.0, f64::NAN].map(viridis),
            ["#440154", "#21918c", "#fde725", "#fde725", "#808080"]
        );
        assert_eq!(viridis(0.05), "#461365");
    }
}
