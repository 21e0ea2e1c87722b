//! One patience, all thresholds.

use rayon::prelude::*;

use super::steps::Steps;
use crate::metrics::Counts;

/// The scores of one setting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) accuracy: f64,
    pub(super) macro_f1: f64,
    pub(super) micro_f1: f64,
    /// How many layers all samples took together.
    pub(super) layers: u64,
}

/// Changes of the counts, threshold by threshold: the sum of the first j + 1 is the state at index j.
/// Index 0 is the threshold that is never passed, index j + 1 the j-th threshold.
#[derive(Clone)]
struct Changes {
    /// `[T + 1, 2 K]`: for each class, how often it is predicted, and correctly so.
    counts: Vec<i64>,
    /// `[T + 1]`.
    layers: Vec<i64>,
    classes: usize,
}

impl Changes {
    fn none(steps: &Steps<'_>) -> Self {
        let rows = steps.thresholds + 1;
        Changes { counts: vec![0; rows * 2 * steps.classes], layers: vec![0; rows], classes: steps.classes }
    }

    /// A labelled sample is now (`by` 1) or no longer (`by` -1) answered with this prediction.
    fn answer(&mut self, at: usize, prediction: u32, label: i64, by: i64) {
        let at = at * 2 * self.classes + 2 * prediction as usize;
        self.counts[at] += by;
        self.counts[at + 1] += by * i64::from(i64::from(prediction) == label);
    }

    fn add(mut self, other: Changes) -> Self {
        for (sum, value) in self.counts.iter_mut().zip(other.counts) {
            *sum += value;
        }
        for (sum, value) in self.layers.iter_mut().zip(other.layers) {
            *sum += value;
        }
        self
    }

    /// One sample: it leaves at `exit` where no threshold lets it out before.
    fn sample(&mut self, steps: &Steps<'_>, sample: usize, exit: usize) {
        let label = steps.labels[sample];
        let predictions = steps.predictions_of(sample);
        let mut exit = exit as u32;
        self.layers[0] += i64::from(exit);
        if label >= 0 {
            self.answer(0, predictions[exit as usize - 1], label, 1);
        }
        for step in steps.steps_of(sample).iter().rev() {
            if step.exit >= exit {
                continue;
            }
            let at = step.from as usize + 1;
            self.layers[at] += i64::from(step.exit) - i64::from(exit);
            let (old, new) = (predictions[exit as usize - 1], predictions[step.exit as usize - 1]);
            if old != new && label >= 0 {
                self.answer(at, old, label, -1);
                self.answer(at, new, label, 1);
            }
            exit = step.exit;
        }
    }

    /// The scores at each index.
    fn cells(&self, actual: &[u64], micro: &[usize]) -> Vec<Cell> {
        let mut counts =
            Counts { correct: vec![0; self.classes], predicted: vec![0; self.classes], actual: actual.to_vec() };
        let mut layers = 0u64;
        let rows = self.layers.iter().zip(self.counts.chunks_exact(2 * self.classes));
        rows.map(|(&change, changes)| {
            layers = layers.wrapping_add_signed(change);
            for (k, pair) in changes.chunks_exact(2).enumerate() {
                counts.predicted[k] = counts.predicted[k].wrapping_add_signed(pair[0]);
                counts.correct[k] = counts.correct[k].wrapping_add_signed(pair[1]);
            }
            score(&counts, layers, micro)
        })
        .collect()
    }
}

fn score(counts: &Counts, layers: u64, micro: &[usize]) -> Cell {
    Cell {
        accuracy: counts.accuracy(),
        macro_f1: counts.macro_f1(),
        micro_f1: if micro.is_empty() { counts.micro_f1() } else { counts.micro_f1_over(micro) },
        layers,
    }
}

/// The first exit at which `patience` exits in a row agree (Eq. 2), or the last.
fn patience_exit(predictions: &[u32], patience: usize) -> usize {
    let mut run = 0;
    for (m, prediction) in predictions.iter().enumerate() {
        let agrees = m > 0 && *prediction == predictions[m - 1];
        run = if agrees { run + 1 } else { 1 };
        if run >= patience {
            return m + 1;
        }
    }
    predictions.len()
}

/// The scores of one patience (`usize::MAX` for never): without a threshold, then with each.
pub(super) fn column(steps: &Steps<'_>, patience: usize, micro: &[usize]) -> Vec<Cell> {
    let changes = (0..steps.labels.len())
        .into_par_iter()
        .with_min_len(1 << 14)
        .fold(
            || Changes::none(steps),
            |mut changes, sample| {
                let exit = patience_exit(steps.predictions_of(sample), patience);
                changes.sample(steps, sample, exit);
                changes
            },
        )
        .reduce_with(Changes::add);
    let changes = changes.unwrap_or_else(|| Changes::none(steps));
    changes.cells(&actual(steps), micro)
}

/// The scores of one exit for every sample.
pub(super) fn fixed(steps: &Steps<'_>, exit: usize, micro: &[usize]) -> Cell {
    let samples = 0..steps.labels.len();
    let predictions: Vec<u32> = samples.map(|sample| steps.predictions_of(sample)[exit - 1]).collect();
    let counts = Counts::of(steps.labels, &predictions, steps.classes);
    score(&counts, (predictions.len() * exit) as u64, micro)
}

fn actual(steps: &Steps<'_>) -> Vec<u64> {
    let mut actual = vec![0; steps.classes];
    for label in steps.labels {
        if let Ok(label) = usize::try_from(*label) {
            actual[label] += 1;
        }
    }
    actual
}
