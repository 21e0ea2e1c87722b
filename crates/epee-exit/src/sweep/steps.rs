//! What a sweep needs to know of a trace, computed once: the prediction of every exit, and where the
//! threshold moves a sample's exit.

use rayon::prelude::*;

use crate::confidence::{argmax, ln_classes, read};
use crate::trace::Trace;

/// One step: from this threshold on, this exit (or an earlier one) answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Index of the first threshold that the entropy is below.
    pub(super) from: u32,
    /// The exit, from 1.
    pub(super) exit: u32,
}

/// The predictions and steps of all samples.
pub(super) struct Steps<'a> {
    pub(super) labels: &'a [i64],
    pub(super) exits: usize,
    pub(super) classes: usize,
    /// How many thresholds there are.
    pub(super) thresholds: usize,
    /// `[N, M]`.
    predictions: Vec<u32>,
    /// `[N, M]`, of which each sample uses the first `lengths[sample]`, by ascending exit and so by
    /// strictly descending threshold.
    steps: Vec<Step>,
    lengths: Vec<u32>,
}

impl<'a> Steps<'a> {
    /// Predictions and steps for ascending thresholds.
    pub(super) fn new(trace: &'a Trace, thresholds: &[f64]) -> Self {
        let (exits, classes) = (trace.exits(), trace.classes());
        let mut predictions = vec![0; trace.samples() * exits];
        let mut steps = vec![Step { from: 0, exit: 0 }; trace.samples() * exits];
        let mut lengths = vec![0; trace.samples()];
        let ln_classes = ln_classes(classes);
        let per_sample = (
            trace.logits().par_chunks_exact(exits * classes),
            predictions.par_chunks_exact_mut(exits),
            steps.par_chunks_exact_mut(exits),
            &mut lengths,
        );
        per_sample.into_par_iter().with_min_len(512).for_each(|(logits, predictions, steps, length)| {
            let mut earlier = thresholds.len();
            for (m, row) in logits.chunks_exact(classes).enumerate() {
                let (label, entropy) = read(row, ln_classes);
                predictions[m] = label as u32;
                // Only thresholds that no earlier exit has passed at.
                let from = thresholds[..earlier].partition_point(|&t| t <= entropy);
                if from < earlier {
                    earlier = from;
                    steps[*length as usize] = Step { from: from as u32, exit: m as u32 + 1 };
                    *length += 1;
                }
            }
        });
        let (labels, thresholds) = (trace.labels(), thresholds.len());
        Steps { labels, exits, classes, thresholds, predictions, steps, lengths }
    }

    /// Predictions alone, where no threshold is asked for.
    pub(super) fn predictions(trace: &'a Trace) -> Self {
        let rows = trace.logits().par_chunks_exact(trace.classes()).with_min_len(4096);
        Steps {
            labels: trace.labels(),
            exits: trace.exits(),
            classes: trace.classes(),
            thresholds: 0,
            predictions: rows.map(|row| argmax(row) as u32).collect(),
            steps: Vec::new(),
            lengths: Vec::new(),
        }
    }

    /// What each exit predicts, `[M]`.
    pub(super) fn predictions_of(&self, sample: usize) -> &[u32] {
        &self.predictions[sample * self.exits..][..self.exits]
    }

    /// The steps of a sample, by ascending exit.
    pub(super) fn steps_of(&self, sample: usize) -> &[Step] {
        match self.lengths.get(sample) {
            Some(&length) => &self.steps[sample * self.exits..][..length as usize],
            None => &[],
        }
    }
}
