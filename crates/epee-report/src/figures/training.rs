//! A grid of training runs: the score by learning rate, a line per size of the batches.

use super::head;
use crate::data::{TrainingGrid, TrainingRun};
use crate::error::ReportError;
use crate::figure::{Figure, Swatch, Table};
use crate::sketch::{Axis, PANEL, Sketch};
use crate::style::{Look, looks};
use crate::text::decimal;

/// The score of each finished run by its learning rate; a line goes through the means of runs that have both batch size and
/// learning rate in common. `None` where no run has a score.
///
/// # Errors
/// A figure that cannot be drawn.
pub fn training(grid: &TrainingGrid) -> Result<Option<Figure>, ReportError> {
    let slug = "training-grid";
    let runs: Vec<(&TrainingRun, f64)> =
        grid.runs.iter().filter_map(|run| Some((run, run.score.filter(|score| score.is_finite())?))).collect();
    let rates = distinct(runs.iter().map(|(run, _)| run.learning_rate));
    let sizes = distinct(runs.iter().map(|(run, _)| run.batch as f64));
    let (Some(low), Some(high)) = (rates.first(), rates.last()) else { return Ok(None) };
    let space = 0.08 * (high / low).log10().max(1.0);
    let x = Axis { label: "learning rate", range: low.log10() - space..high.log10() + space, ticks: 0, decimals: 0 };
    let y = Axis::around(&grid.score, runs.iter().map(|(_, score)| *score));
    let mut sketch = Sketch::new(slug, "", PANEL, x, y, 0.0)?;
    let [_, _, _, bottom] = sketch.area();
    for rate in &rates {
        let (x, _) = sketch.at(rate.log10(), 0.0);
        let text = runs.iter().find(|(run, _)| run.learning_rate == *rate).map_or("", |(run, _)| &run.rate);
        sketch.write(x, bottom + 15.0, text, "middle", "t mu", 11.5);
    }
    let names: Vec<String> = sizes.iter().map(|size| format!("{} {size}", grid.batches)).collect();
    let looks = looks(names.iter().map(String::as_str));
    let mut rows = Vec::new();
    for ((size, name), look) in sizes.iter().zip(&names).zip(&looks) {
        let of_size = || runs.iter().filter(|(run, _)| run.batch as f64 == *size);
        let mean = |rate: &f64| {
            let scores: Vec<f64> =
                of_size().filter(|(run, _)| run.learning_rate == *rate).map(|(_, score)| *score).collect();
            (!scores.is_empty()).then(|| (rate.log10(), scores.iter().sum::<f64>() / scores.len() as f64))
        };
        sketch.line(&look.line(), rates.iter().filter_map(mean));
        for (run, score) in of_size() {
            let at = (run.learning_rate.log10(), *score);
            let learned = if run.majority { "\nevery exit answers the majority class" } else { "" };
            sketch.mark(*look, !run.majority, at, 4.2);
            sketch.hit(at, &format!("{name}, learning rate {}\n{} {score:.4}{learned}", run.rate, grid.score));
            let learned = if run.majority { "no" } else { "yes" };
            rows.push(vec![size.to_string(), run.rate.clone(), decimal(*score, 4), learned.to_owned()]);
        }
    }
    let mut legend: Vec<(Swatch, String)> = looks.iter().map(|look| Swatch::Curve(*look)).zip(names).collect();
    if runs.iter().any(|(run, _)| run.majority) {
        legend.push((Swatch::Mark(Look { hue: 7, dash: 0 }, false), "hollow: only the majority class".to_owned()));
    }
    Ok(Some(Figure {
        slug: slug.to_owned(),
        title: format!("Score by learning rate and {}", grid.batches),
        caption: "Each mark is a run at its best epoch on dev; lines go through the means. A hollow mark is a run whose every exit \
                  answers the majority class: it has learned nothing."
            .to_owned(),
        panels: vec![sketch.done()],
        columns: 1,
        tables: vec![Table {
            title: String::new(),
            head: head(&[&grid.batches, "learning rate", "score", "learned"]),
            rows,
        }],
        legend,
    }))
}

/// Values once each, ascending.
fn distinct(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.filter(|value| *value > 0.0).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}
