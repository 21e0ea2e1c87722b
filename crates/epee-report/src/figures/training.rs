//! A grid of training runs: the score by learning rate, a line per batch size.

use crate::axis::Axis;
use crate::data::{TrainingGrid, TrainingRun};
use crate::figure::{Figure, Swatch, Table};
use crate::sketch::{PANEL, Sketch};
use crate::style::{Look, looks};
use crate::text::decimal;

/// The score of each finished run by its learning rate. A line joins the means of the runs of one batch size.
/// `None` if no run has a score.
pub fn training_figure(grid: &TrainingGrid) -> Option<Figure> {
    let runs: Vec<(&TrainingRun, f64)> =
        grid.runs.iter().filter_map(|run| Some((run, run.score.filter(|score| score.is_finite())?))).collect();
    let rates = distinct(runs.iter().map(|(run, _)| run.learning_rate));
    let sizes = distinct(runs.iter().map(|(run, _)| run.batch as f64));
    let (low, high) = (rates.first()?, rates.last()?);
    let space = 0.08 * (high / low).log10().max(1.0);
    let tick = |rate: &f64| {
        let text = runs.iter().find(|(run, _)| run.learning_rate == *rate).map_or("", |(run, _)| &run.rate);
        (rate.log10(), text.to_owned())
    };
    let range = low.log10() - space..=high.log10() + space;
    let x = Axis { label: "learning rate", range, ticks: rates.iter().map(tick).collect() };
    let y = Axis::around(&grid.score, runs.iter().map(|(_, score)| *score));
    let mut sketch = Sketch::new("", PANEL, x, y, 12.0);
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
        sketch.line(look.line(), rates.iter().filter_map(mean));
        for (run, score) in of_size() {
            let at = (run.learning_rate.log10(), *score);
            let (learned, remark) =
                if run.majority { ("no", "\nevery exit predicts the majority class") } else { ("yes", "") };
            sketch.mark(*look, !run.majority, at, 4.2);
            sketch.hit(at, format!("{name}, learning rate {}\n{} {score:.4}{remark}", run.rate, grid.score));
            rows.push(vec![size.to_string(), run.rate.clone(), decimal(*score, 4), learned.to_owned()]);
        }
    }
    let mut legend: Vec<(Swatch, String)> = looks.iter().map(|look| Swatch::Curve(*look)).zip(names).collect();
    if runs.iter().any(|(run, _)| run.majority) {
        legend.push((Swatch::Mark(Look { hue: 7, dash: 0 }, false), "hollow: only the majority class".to_owned()));
    }
    Some(Figure {
        slug: "training-grid".to_owned(),
        title: format!("Score by learning rate and {}", grid.batches),
        caption:
            "Each mark is a run at its best epoch on dev; lines join the means. A hollow mark is a run in which every \
                  exit predicts the majority class: it learned nothing."
                .to_owned(),
        panels: vec![sketch.done()],
        columns: 1,
        tables: vec![Table::new(&[&grid.batches, "learning rate", "score", "learned"], rows)],
        legend,
    })
}

/// The positive values in ascending order, each once.
fn distinct(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.filter(|value| *value > 0.0).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}
