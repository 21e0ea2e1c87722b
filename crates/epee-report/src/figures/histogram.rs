//! The exits at which samples leave under the chosen setting.

use crate::axis::Axis;
use crate::data::ExitBin;
use crate::figure::{Figure, Table};
use crate::sketch::{PANEL, Sketch};
use crate::text::{count, maybe, percent};

/// The share of samples that leaves at each exit.
pub(super) fn histogram(bins: &[ExitBin], setting: &str) -> Figure {
    let all = bins.iter().map(|bin| bin.samples).sum::<u64>().max(1) as f64;
    let share = |bin: &ExitBin| bin.samples as f64 / all;
    let top = (bins.iter().map(share).fold(0.0, f64::max) * 1.08).max(0.05);
    let y = Axis::new("share of samples", 0.0, top, 6);
    let mut sketch = Sketch::new("", PANEL, Axis::exits(bins.len()), y, 12.0);
    let mut rows = Vec::new();
    for bin in bins {
        let exit = bin.exit as f64;
        let mut tip = format!("exit {}\n{} samples, {}", bin.exit, count(bin.samples), percent(share(bin), 1));
        if let Some(accuracy) = bin.accuracy {
            tip += &format!("\n{} of them correct", percent(accuracy, 1));
        }
        sketch.rect("bar", (exit - 0.38, 0.0), (exit + 0.38, share(bin)));
        // The whole column can be pointed at, however low its bar.
        sketch.rect("h", (exit - 0.5, 0.0), (exit + 0.5, top)).tip = Some(tip);
        rows.push(vec![
            bin.exit.to_string(),
            count(bin.samples),
            percent(share(bin), 1),
            maybe(bin.accuracy, 4),
            maybe(bin.tokens, 1),
        ]);
    }
    Figure {
        slug: "exit-histogram".to_owned(),
        title: "Where samples leave".to_owned(),
        caption: format!("Under {setting}, the setting of the headline."),
        panels: vec![sketch.done()],
        columns: 1,
        tables: vec![Table::new(&["exit", "samples", "share", "accuracy", "mean tokens"], rows)],
        legend: Vec::new(),
    }
}
