//! The scores of one family of settings, for all its thresholds at once.

use crate::metrics::Counts;
use crate::signals::{Signals, Stop};
use crate::trace::Trace;

/// The scores of one setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(super) accuracy: f64,
    pub(super) macro_f1: f64,
    pub(super) micro_f1: f64,
    /// Layers computed for all samples together.
    pub(super) layers: u64,
    /// Their measured time in nanoseconds; 0 if layers were not timed.
    pub(super) nanoseconds: u64,
}

/// Labels and costs that answers are scored by.
pub(crate) struct Scorer<'a> {
    labels: &'a [i64],
    classes: usize,
    micro: &'a [usize],
    /// `[M + 1]`: nanoseconds up to each exit, 0 for none; zeros if they were not measured.
    nanoseconds: Vec<i64>,
}

impl<'a> Scorer<'a> {
    pub(crate) fn new(trace: &'a Trace, micro: &'a [usize]) -> Self {
        let mut nanoseconds = vec![0; trace.exits() + 1];
        for (exit, seconds) in trace.provenance().layer_seconds.iter().enumerate() {
            nanoseconds[exit + 1] = nanoseconds[exit] + (seconds * 1e9) as i64;
        }
        Scorer { labels: trace.labels(), classes: trace.classes(), micro, nanoseconds }
    }

    /// The scores of one answer and exit for each sample.
    pub(super) fn one(&self, answers: impl Iterator<Item = (usize, u32)>) -> Cell {
        let (mut layers, mut nanoseconds, mut predictions) = (0, 0, Vec::with_capacity(self.labels.len()));
        for (exit, answer) in answers {
            layers += exit as u64;
            nanoseconds += self.nanoseconds[exit] as u64;
            predictions.push(answer);
        }
        self.score(&Counts::of(self.labels, &predictions, self.classes), layers, nanoseconds)
    }

    fn score(&self, counts: &Counts, layers: u64, nanoseconds: u64) -> Cell {
        Cell {
            accuracy: counts.accuracy(),
            macro_f1: counts.macro_f1(),
            micro_f1: if self.micro.is_empty() { counts.micro_f1() } else { counts.micro_f1_over(self.micro) },
            layers,
            nanoseconds,
        }
    }

    /// The scores without a threshold, then with each of a list; `stops` lists where a sample leaves.
    pub(crate) fn column(
        &self,
        signals: &Signals,
        thresholds: usize,
        stops: impl Fn(usize, &mut Vec<Stop>) + Sync,
    ) -> Vec<Cell> {
        let changes = signals.fold(
            stops,
            || Changes::none(thresholds, self.classes),
            |changes, sample, stops| changes.sample(self.labels[sample], stops, &self.nanoseconds),
            Changes::add,
        );
        let mut counts = Counts {
            correct: vec![0; self.classes],
            predicted: vec![0; self.classes],
            actual: Counts::of(
                self.labels,
                &self.labels.iter().map(|&l| l.max(0) as u32).collect::<Vec<_>>(),
                self.classes,
            )
            .actual,
        };
        let (mut layers, mut nanoseconds) = (0u64, 0u64);
        let rows = changes.costs.iter().zip(changes.counts.chunks_exact(2 * self.classes));
        rows.map(|(&[more_layers, more_time], changes)| {
            layers = layers.wrapping_add_signed(more_layers);
            nanoseconds = nanoseconds.wrapping_add_signed(more_time);
            for (k, pair) in changes.chunks_exact(2).enumerate() {
                counts.predicted[k] = counts.predicted[k].wrapping_add_signed(pair[0]);
                counts.correct[k] = counts.correct[k].wrapping_add_signed(pair[1]);
            }
            self.score(&counts, layers, nanoseconds)
        })
        .collect()
    }
}

/// Changes of the counts, threshold by threshold: the sum of the first j + 1 is the state at index j.
/// Index 0 is the threshold that is never passed, index j + 1 the j-th threshold.
#[derive(Clone)]
struct Changes {
    /// `[T + 1, 2 K]`: for each class, how often it is predicted, and correctly so.
    counts: Vec<i64>,
    /// `[T + 1]`: layers, and nanoseconds.
    costs: Vec<[i64; 2]>,
    classes: usize,
}

impl Changes {
    fn none(thresholds: usize, classes: usize) -> Self {
        let rows = thresholds + 1;
        Changes { counts: vec![0; rows * 2 * classes], costs: vec![[0; 2]; rows], classes }
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
        for (sum, value) in self.costs.iter_mut().zip(other.costs) {
            sum[0] += value[0];
            sum[1] += value[1];
        }
        self
    }

    /// Adds one sample, with where it leaves.
    fn sample(&mut self, label: i64, stops: &[Stop], nanoseconds: &[i64]) {
        let mut before: Option<Stop> = None;
        for &stop in stops {
            let at = stop.from as usize;
            let exit = before.map_or(0, |before| before.exit);
            self.costs[at][0] += i64::from(stop.exit) - i64::from(exit);
            self.costs[at][1] += nanoseconds[stop.exit as usize] - nanoseconds[exit as usize];
            if label >= 0 && before.is_none_or(|before| before.answer != stop.answer) {
                if let Some(before) = before {
                    self.answer(at, before.answer, label, -1);
                }
                self.answer(at, stop.answer, label, 1);
            }
            before = Some(stop);
        }
    }
}
