//! One family of settings, all its thresholds.

use crate::metrics::Counts;
use crate::stream::{Stop, Stream};

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
    fn none(thresholds: usize, classes: usize) -> Self {
        let rows = thresholds + 1;
        Changes { counts: vec![0; rows * 2 * classes], layers: vec![0; rows], classes }
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

    /// One sample, and where it leaves.
    fn sample(&mut self, label: i64, stops: &[Stop]) {
        let mut before: Option<Stop> = None;
        for &stop in stops {
            let at = stop.from as usize;
            self.layers[at] += i64::from(stop.exit) - before.map_or(0, |before| i64::from(before.exit));
            if label >= 0 && before.is_none_or(|before| before.answer != stop.answer) {
                if let Some(before) = before {
                    self.answer(at, before.answer, label, -1);
                }
                self.answer(at, stop.answer, label, 1);
            }
            before = Some(stop);
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

pub(super) fn score(counts: &Counts, layers: u64, micro: &[usize]) -> Cell {
    Cell {
        accuracy: counts.accuracy(),
        macro_f1: counts.macro_f1(),
        micro_f1: if micro.is_empty() { counts.micro_f1() } else { counts.micro_f1_over(micro) },
        layers,
    }
}

/// The scores without a threshold, then with each of a list from cautious to bold.
pub(super) fn column(stream: &Stream, thresholds: &[f64], labels: &[i64], classes: usize, micro: &[usize]) -> Vec<Cell> {
    let changes = stream.fold(
        thresholds,
        || Changes::none(thresholds.len(), classes),
        |changes, sample, stops| changes.sample(labels[sample], stops),
        Changes::add,
    );
    changes.cells(&actual(labels, classes), micro)
}

/// The scores with a threshold for each exit.
pub(super) fn per_exit(stream: &Stream, thresholds: &[f64], labels: &[i64], classes: usize, micro: &[usize]) -> Cell {
    let exits: Vec<usize> = (0..labels.len()).map(|sample| stream.exit(sample, thresholds)).collect();
    let answers: Vec<u32> = exits.iter().enumerate().map(|(sample, &exit)| stream.answer(sample, exit)).collect();
    let layers = exits.iter().map(|&exit| exit as u64).sum();
    score(&Counts::of(labels, &answers, classes), layers, micro)
}

fn actual(labels: &[i64], classes: usize) -> Vec<u64> {
    let mut actual = vec![0; classes];
    for label in labels {
        if let Ok(label) = usize::try_from(*label) {
            actual[label] += 1;
        }
    }
    actual
}
