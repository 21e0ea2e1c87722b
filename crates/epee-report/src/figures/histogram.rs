//! Where samples leave under the chosen setting.

use super::head;
use crate::data::ExitBin;
use crate::error::ReportError;
use crate::figure::{Figure, Table};
use crate::sketch::{Axis, PANEL, Sketch};
use crate::text::{count, maybe, percent};

/// The share of samples that leaves at each exit.
pub(super) fn histogram(bins: &[ExitBin], setting: &str) -> Result<Figure, ReportError> {
    let slug = "exit-histogram";
    let all = bins.iter().map(|bin| bin.samples).sum::<u64>().max(1) as f64;
    let share = |bin: &ExitBin| bin.samples as f64 / all;
    let most = bins.iter().map(share).fold(0.0, f64::max);
    let decimals = if most < 0.25 { 2 } else { 1 };
    let y = Axis { range: 0.0..(most * 1.08).max(0.05), decimals, ..Axis::share("share of samples") };
    let mut sketch = Sketch::new(slug, "", PANEL, Axis::exits(bins.len()), y, 0.0)?;
    let mut rows = Vec::new();
    for bin in bins {
        let exit = bin.exit as f64;
        let mut tip = format!("exit {}\n{} samples, {}", bin.exit, count(bin.samples), percent(share(bin), 1));
        if let Some(accuracy) = bin.accuracy {
            tip += &format!("\n{} of them right", percent(accuracy, 1));
        }
        sketch.rect("bar", (exit - 0.38, 0.0), (exit + 0.38, share(bin)), "", None);
        // All of the column can be pointed at, however low its bar.
        sketch.rect("h", (exit - 0.5, 0.0), (exit + 0.5, most * 1.08), "", Some(&tip));
        rows.push(vec![
            bin.exit.to_string(),
            count(bin.samples),
            percent(share(bin), 1),
            maybe(bin.accuracy, 4),
            maybe(bin.tokens, 1),
        ]);
    }
    Ok(Figure {
        slug: slug.to_owned(),
        title: "Where samples leave".to_owned(),
        caption: format!("Under {setting}, the setting of the headline."),
        panels: vec![sketch.done()],
        columns: 1,
        tables: vec![Table {
            title: String::new(),
            head: head(&["exit", "samples", "share", "accuracy", "mean tokens"]),
            rows,
        }],
        legend: Vec::new(),
    })
}
