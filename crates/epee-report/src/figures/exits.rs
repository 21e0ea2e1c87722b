//! Figure 3: budgeted mode, one exit for every sample.

use super::head;
use crate::data::ExitRow;
use crate::error::ReportError;
use crate::figure::{Figure, Swatch, Table};
use crate::sketch::{Axis, PANEL, Sketch};
use crate::style::Look;
use crate::text::{decimal, maybe};

const ACCURACY: Look = Look { hue: 0, dash: 0 };
const MACRO_F1: Look = Look { hue: 2, dash: 1 };
const ENTROPY: Look = Look { hue: 1, dash: 0 };

/// What each exit is worth and how certain it is.
pub(super) fn exits(rows: &[ExitRow]) -> Result<Figure, ReportError> {
    let slug = "fig3-exits";
    let count = rows.len();
    let mut panels = Vec::new();
    let mut legend = Vec::new();
    let scores = [("accuracy", ACCURACY, accuracy as fn(&ExitRow) -> Option<f64>), ("macro-F1", MACRO_F1, macro_f1)];
    let values = || rows.iter().flat_map(|row| [row.accuracy, row.macro_f1]).flatten();
    if values().next().is_some() {
        let y = Axis::around("accuracy, macro-F1", values());
        let mut sketch = Sketch::new(slug, "what an exit is worth", PANEL, Axis::exits(count), y, 0.0)?;
        for (name, look, get) in scores {
            line(&mut sketch, name, look, rows, get);
            legend.push((Swatch::Curve(look), name.to_owned()));
        }
        panels.push(sketch.done());
    }
    let y = Axis::around("mean normalised entropy", rows.iter().map(|row| row.entropy).chain([0.0]));
    let mut sketch = Sketch::new(slug, "how uncertain it is", PANEL, Axis::exits(count), y, 0.0)?;
    line(&mut sketch, "mean entropy", ENTROPY, rows, |row| Some(row.entropy));
    legend.push((Swatch::Curve(ENTROPY), "mean entropy".to_owned()));
    panels.push(sketch.done());
    let table = rows
        .iter()
        .map(|row| vec![row.exit.to_string(), maybe(row.accuracy, 4), maybe(row.macro_f1, 4), decimal(row.entropy, 4)]);
    Ok(Figure {
        slug: slug.to_owned(),
        title: "Each exit alone (budgeted)".to_owned(),
        caption: "One exit answers every sample. Entropy is normalised: 0 is certain, 1 is every class alike."
            .to_owned(),
        panels,
        columns: 2,
        tables: vec![Table {
            title: String::new(),
            head: head(&["exit", "accuracy", "macro-F1", "mean entropy"]),
            rows: table.collect(),
        }],
        legend,
    })
}

fn accuracy(row: &ExitRow) -> Option<f64> {
    row.accuracy
}

fn macro_f1(row: &ExitRow) -> Option<f64> {
    row.macro_f1
}

fn line(sketch: &mut Sketch, name: &str, look: Look, rows: &[ExitRow], get: fn(&ExitRow) -> Option<f64>) {
    let points = || rows.iter().filter_map(|row| Some((row.exit as f64, get(row)?)));
    sketch.line(&look.line(), points());
    for (exit, value) in points() {
        sketch.mark(look, true, (exit, value), 3.8);
        sketch.hit((exit, value), &format!("exit {exit}\n{name} {value:.4}"));
    }
}
