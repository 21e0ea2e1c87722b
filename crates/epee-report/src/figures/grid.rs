//! Figure 4: every combination of threshold and patience, as heat maps.

use std::fmt::Write;

use plotters::style::colors::colormaps::{ColorMap, ViridisRGB};

use crate::canvas::width;
use crate::data::{Grid, GridRow};
use crate::error::ReportError;
use crate::figure::{Figure, Panel, Swatch, Table};
use crate::sketch::{Axis, Size, Sketch, decimals, span};
use crate::text::decimal;

const HEAT: Size = Size { width: 460.0, height: 400.0, text: 12.5 };
/// Room for the scale of colours.
const SCALE: f64 = 66.0;

/// The metric and the saving by threshold and patience.
pub(super) fn grid(grid: &Grid) -> Result<Figure, ReportError> {
    let mut panels = Vec::new();
    let mut tables = Vec::new();
    let labelled = grid.rows.iter().any(|row| row.values.iter().any(|value| value.is_finite()));
    let metric: (&str, fn(&GridRow) -> &[f64]) = (&grid.metric, |row| &row.values);
    let saving: (&str, fn(&GridRow) -> &[f64]) = ("saving", |row| &row.savings);
    for (name, get) in [metric, saving].into_iter().skip(usize::from(!labelled)) {
        panels.push(heat(grid, name, get)?);
        tables.push(table(grid, name, get));
    }
    Ok(Figure {
        slug: "fig4-grid".to_owned(),
        title: "Threshold by patience".to_owned(),
        caption:
            "Every EPEE setting τ × P_t; lighter is more. The framed edges are the parent policies: at the bottom \
                  τ = 0, patience alone; on the right P_t = never, entropy alone."
                .to_owned(),
        panels,
        columns: 2,
        tables,
        legend: vec![(Swatch::Frame, "entropy alone (right), patience alone (bottom)".to_owned())],
    })
}

fn heat(grid: &Grid, name: &str, get: fn(&GridRow) -> &[f64]) -> Result<Panel, ReportError> {
    let (columns, rows) = (grid.patiences.len() as f64, grid.rows.len() as f64);
    let bare = |label, end| Axis { label, range: 0.0..end, ticks: 0, decimals: 1 };
    let x = bare("patience P_t (exits that agree)", columns);
    let y = bare("entropy threshold τ (normalised)", rows);
    let mut sketch = Sketch::new("fig4-grid", name, HEAT, x, y, SCALE)?;
    let values = || grid.rows.iter().flat_map(get).copied().filter(|value| value.is_finite());
    let (low, high) = span(values()).unwrap_or((0.0, 1.0));
    let part = |value: f64| (value - low) / (high - low);
    for (r, row) in grid.rows.iter().enumerate() {
        for (c, &value) in get(row).iter().enumerate() {
            let more = format!(" fill=\"{}\"", colour(part(value)));
            let mut tip = format!("τ = {}, P_t = {}", row.threshold, grid.patiences[c]);
            if let Some(value) = row.values.get(c) {
                let _ = write!(tip, "\n{} {}", grid.metric, decimal(*value, 4));
            }
            let _ = write!(tip, "\nsaving {}", decimal(row.savings[c], 4));
            let (x, y) = (c as f64, r as f64);
            sketch.rect("cell", (x, y), (x + 1.0, y + 1.0), &more, Some(&tip));
        }
    }
    labels(&mut sketch, grid);
    if let Some(c) = grid.patiences.iter().position(|patience| patience == "never") {
        frame(&mut sketch, (c as f64, 0.0), (c as f64 + 1.0, rows));
    }
    if grid.rows.first().is_some_and(|row| row.threshold == "0") {
        frame(&mut sketch, (0.0, 0.0), (columns, 1.0));
    }
    scale(&mut sketch, low, high);
    Ok(sketch.done())
}

/// A frame that shows on light cells and on dark ones.
fn frame(sketch: &mut Sketch, a: (f64, f64), b: (f64, f64)) {
    sketch.rect("halo", a, b, "", None);
    sketch.rect("edge", a, b, "", None);
}

/// The names of rows and columns, as many as there is room for.
fn labels(sketch: &mut Sketch, grid: &Grid) {
    let size = HEAT.text - 1.5;
    let [left, top, right, bottom] = sketch.area();
    let columns = grid.patiences.len();
    let cell = (right - left) / columns.max(1) as f64;
    let widest =
        grid.patiences.iter().filter(|text| *text != "never").map(|text| width(text)).fold(0.0, f64::max) * size;
    let step = ((widest + 5.0) / cell).ceil().max(1.0) as usize;
    let never = width("never") * size / 2.0;
    for (c, text) in grid.patiences.iter().enumerate() {
        let (x, _) = sketch.at(c as f64 + 0.5, 0.0);
        let close = grid.patiences.last().is_some_and(|last| last == "never")
            && c + 1 < columns
            && x + widest / 2.0 + 4.0 > right - cell / 2.0 - never;
        if (c % step == 0 && !close) || text == "never" {
            sketch.write(x, bottom + size + 5.0, text, "middle", "t mu", size);
        }
    }
    let line = (bottom - top) / grid.rows.len().max(1) as f64;
    let step = ((size + 2.0) / line).ceil().max(1.0) as usize;
    for (r, row) in grid.rows.iter().enumerate().step_by(step) {
        let (_, y) = sketch.at(0.0, r as f64 + 0.5);
        sketch.write(left - 6.0, y + size * 0.36, &row.threshold, "end", "t mu", size);
    }
}

/// The scale of colours on the right.
fn scale(sketch: &mut Sketch, low: f64, high: f64) {
    let [_, top, right, bottom] = sketch.area();
    let (x, steps) = (right + 14.0, 40);
    let height = (bottom - top) / f64::from(steps);
    let mut svg = String::new();
    for i in 0..steps {
        let y = bottom - f64::from(i + 1) * height;
        let fill = colour((f64::from(i) + 0.5) / f64::from(steps));
        let _ = write!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"10\" height=\"{:.1}\" fill=\"{fill}\"/>",
            height + 0.4
        );
    }
    sketch.raw(&svg);
    for i in 0..=4 {
        let part = f64::from(i) / 4.0;
        let y = bottom - part * (bottom - top);
        let text = format!("{:.*}", decimals(&(low..high)).max(2), low + part * (high - low));
        sketch.write(x + 14.0, y + 4.0, &text, "start", "t mu", HEAT.text - 1.5);
    }
}

fn colour(part: f64) -> String {
    if !part.is_finite() {
        return "#808080".to_owned();
    }
    let colour = ViridisRGB.get_color(part.clamp(0.0, 1.0) as f32);
    format!("#{:02x}{:02x}{:02x}", colour.0, colour.1, colour.2)
}

fn table(grid: &Grid, name: &str, get: fn(&GridRow) -> &[f64]) -> Table {
    let head = std::iter::once("τ \\ P_t".to_owned()).chain(grid.patiences.iter().cloned()).collect();
    let rows = grid.rows.iter().map(|row| {
        std::iter::once(row.threshold.clone()).chain(get(row).iter().map(|&value| decimal(value, 4))).collect()
    });
    Table { title: name.to_owned(), head, rows: rows.collect() }
}
