//! Evaluation on dev after each epoch, and the score by which epochs are compared.

use std::ops::ControlFlow;

use epee_exit::{ExitMetrics, Trace, TraceParts, TraceProblem, argmax, per_exit};
use epee_model::Engine;

use crate::{EpochReport, Examples, ExitWeights, Observer, Select, TrainOptions};

pub(crate) struct Evaluation {
    pub(crate) exits: Vec<ExitMetrics>,
    /// Number of exits that give the same answer to every sample.
    pub(crate) constant_exits: usize,
}

/// Evaluates every exit; `None` if the observer stops it between two batches.
pub(crate) fn evaluate(
    engine: &Engine,
    dev: &Examples,
    observer: &mut dyn Observer,
) -> Result<Option<Evaluation>, TraceProblem> {
    let unless_stopped = |_| if observer.stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let ControlFlow::Continue(recording) = engine.record_while(&dev.sequences, unless_stopped) else { return Ok(None) };
    let parts = TraceParts {
        exits: engine.depth(),
        classes: engine.classes(),
        logits: recording.logits,
        labels: dev.labels.iter().map(|&label| label as i64).collect(),
        ids: dev.ids.clone(),
        ..TraceParts::default()
    };
    let trace = Trace::new(parts)?;
    let constant_exits = (0..trace.exits()).filter(|&m| is_constant(&trace, m)).count();
    Ok(Some(Evaluation { exits: per_exit(&trace), constant_exits }))
}

/// True if exit m (from 0) gives the same answer to every sample.
fn is_constant(trace: &Trace, m: usize) -> bool {
    let (exits, classes) = (trace.exits(), trace.classes());
    let mut answers = trace.logits().chunks_exact(classes).skip(m).step_by(exits).map(argmax);
    let first = answers.next();
    answers.all(|answer| Some(answer) == first)
}

/// The score of a model. The weights are those of Eq. 4 in every recipe, so that recipes can be compared.
pub(crate) fn score(exits: &[ExitMetrics], options: &TrainOptions) -> f64 {
    let values = exits.iter().map(|exit| exit.get(options.metric));
    match options.select {
        Select::BestExit => values.fold(f64::NEG_INFINITY, f64::max),
        Select::WeightedMean => {
            values.zip(ExitWeights::Depth.of(exits.len())).map(|(value, weight)| value * weight).sum()
        }
    }
}

pub(crate) fn results(report: &EpochReport) -> String {
    let EpochReport { epoch, dev, constant_exits, .. } = report;
    let mut text = format!("On the dev split, after epoch {epoch}:\n\n");
    text.push_str("| exit | accuracy | macro-F1 | mean entropy |\n|---|---|---|---|\n");
    for ExitMetrics { exit, accuracy, macro_f1, entropy, .. } in dev {
        text.push_str(&format!("| {exit} | {accuracy:.3} | {macro_f1:.3} | {entropy:.3} |\n"));
    }
    if *constant_exits > 0 {
        let exits = dev.len();
        text.push_str(&format!("\n{constant_exits} of {exits} exits give one answer to every sample of dev.\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_exit_that_gives_one_answer_is_seen() {
        // Two exits of three samples: the first says 0, 0, 0, the second 1, 1, 0.
        let logits = vec![2.0, 1.0, 0.0, 1.0, 3.0, 1.0, -1.0, 1.0, 0.5, 0.0, 4.0, 2.0];
        let parts = TraceParts { exits: 2, classes: 2, logits, labels: vec![0, 1, 1], ..TraceParts::default() };
        let trace = Trace::new(parts).unwrap();
        assert!(is_constant(&trace, 0) && !is_constant(&trace, 1));
    }
}
