//! How good a model is on dev, and what that is worth.

use epee_exit::{ExitMetrics, Problem, Trace, TraceParts, per_exit};
use epee_model::{Engine, Model};
use epee_nn::Precision;

use crate::{EpochReport, Examples, ExitWeights, Observer, Select, TrainOptions};

/// Each exit on the examples; none where the observer stops it between two batches.
pub(crate) fn evaluate(
    model: &Model<f32>,
    dev: &Examples,
    observer: &mut dyn Observer,
) -> Result<Option<Vec<ExitMetrics>>, Problem> {
    let Some(recording) = Engine::new(model, Precision::F32).record_while(&dev.sequences, |_| !observer.stop()) else {
        return Ok(None);
    };
    let parts = TraceParts {
        exits: model.depth(),
        classes: model.classes(),
        logits: recording.logits,
        labels: dev.labels.iter().map(|&label| label as i64).collect(),
        ids: dev.ids.clone(),
        ..TraceParts::default()
    };
    Ok(Some(per_exit(&Trace::new(parts)?)))
}

/// What models of a run are compared by. Exits count as in Eq. 4 whatever they are trained with, so that recipes can be compared too.
pub(crate) fn score(exits: &[ExitMetrics], options: &TrainOptions) -> f64 {
    let values = exits.iter().map(|exit| exit.get(options.metric));
    match options.select {
        Select::BestExit => values.fold(f64::NEG_INFINITY, f64::max),
        Select::WeightedMean => {
            values.zip(ExitWeights::Depth.of(exits.len())).map(|(value, weight)| value * weight).sum()
        }
    }
}

/// The model card's table.
pub(crate) fn results(report: &EpochReport) -> String {
    let mut text = format!("On the dev split, after epoch {}:\n\n", report.epoch);
    text.push_str("| exit | accuracy | macro-F1 | mean entropy |\n|---|---|---|---|\n");
    for exit in &report.dev {
        text.push_str(&format!(
            "| {} | {:.3} | {:.3} | {:.3} |\n",
            exit.exit, exit.accuracy, exit.macro_f1, exit.entropy
        ));
    }
    text
}
