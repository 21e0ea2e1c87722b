//! Figure 3: budgeted mode, one exit for every sample.

use epee_exit::ExitMetrics;

use crate::axis::Axis;
use crate::figure::{Figure, Swatch, Table};
use crate::sketch::{PANEL, Sketch};
use crate::style::Look;
use crate::text::decimal;

const ACCURACY: Look = Look { hue: 0, dash: 0 };
const MACRO_F1: Look = Look { hue: 2, dash: 1 };
const ENTROPY: Look = Look { hue: 1, dash: 0 };

/// The scores and the entropy of each exit.
pub(super) fn exits(rows: &[ExitMetrics]) -> Figure {
    let (mut panels, mut legend) = (Vec::new(), Vec::new());
    let mut curve = |sketch: &mut Sketch<'_>, name: &str, look: Look, get: fn(&ExitMetrics) -> f64| {
        let points = || rows.iter().map(|row| (row.exit as f64, get(row))).filter(|(_, value)| value.is_finite());
        sketch.line(look.line(), points());
        for (exit, value) in points() {
            sketch.mark(look, true, (exit, value), 3.8);
            sketch.hit((exit, value), format!("exit {exit}\n{name} {value:.4}"));
        }
        legend.push((Swatch::Curve(look), name.to_owned()));
    };
    let scores = || rows.iter().flat_map(|row| [row.accuracy, row.macro_f1]).filter(|value| value.is_finite());
    if scores().next().is_some() {
        let y = Axis::around("accuracy, macro-F1", scores());
        let mut sketch = Sketch::new("quality", PANEL, Axis::exits(rows.len()), y, 12.0);
        curve(&mut sketch, "accuracy", ACCURACY, |row| row.accuracy);
        curve(&mut sketch, "macro-F1", MACRO_F1, |row| row.macro_f1);
        panels.push(sketch.done());
    }
    let y = Axis::around("mean normalised entropy", rows.iter().map(|row| row.entropy).chain([0.0]));
    let mut sketch = Sketch::new("uncertainty", PANEL, Axis::exits(rows.len()), y, 12.0);
    curve(&mut sketch, "mean entropy", ENTROPY, |row| row.entropy);
    panels.push(sketch.done());
    let table = rows.iter().map(|row| {
        vec![row.exit.to_string(), decimal(row.accuracy, 4), decimal(row.macro_f1, 4), decimal(row.entropy, 4)]
    });
    Figure {
        slug: "fig3-exits".to_owned(),
        title: "Each exit alone (budgeted mode)".to_owned(),
        caption: "One exit answers every sample. Entropy is normalised: 0 is certain, 1 means all classes are equally \
                  likely."
            .to_owned(),
        panels,
        columns: 2,
        tables: vec![Table::new(&["exit", "accuracy", "macro-F1", "mean entropy"], table)],
        legend,
    }
}
