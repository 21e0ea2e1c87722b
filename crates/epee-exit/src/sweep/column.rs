//! The scores of one family of settings, for all its thresholds at once.

use super::SweepRow;
use crate::metrics::{Counts, ratio, saving};
use crate::policy::Policy;
use crate::signals::{Signals, Stop};
use crate::trace::Trace;

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

    /// The scores of a setting by one exit and answer for each sample.
    pub(super) fn one(&self, policy: Policy, answers: impl Iterator<Item = (usize, u32)>) -> SweepRow {
        let (mut layers, mut nanoseconds, mut predictions) = (0, 0, Vec::with_capacity(self.labels.len()));
        for (exit, answer) in answers {
            layers += exit as u64;
            nanoseconds += self.nanoseconds[exit] as u64;
            predictions.push(answer);
        }
        self.row(policy, &Counts::of(self.labels, &predictions, self.classes), layers, nanoseconds)
    }

    fn row(&self, policy: Policy, counts: &Counts, layers: u64, nanoseconds: u64) -> SweepRow {
        let (samples, exits) = (self.labels.len(), self.nanoseconds.len() - 1);
        SweepRow {
            policy,
            accuracy: counts.accuracy(),
            macro_f1: counts.macro_f1(),
            micro_f1: if self.micro.is_empty() { counts.micro_f1() } else { counts.micro_f1_over(self.micro) },
            saving: saving(layers, samples, exits),
            ratio: ratio(layers, samples, exits),
            seconds: (nanoseconds > 0).then(|| nanoseconds as f64 / 1e9 / samples as f64),
        }
    }

    /// The scores without a threshold, then with each of a list; `stops` lists where a sample leaves, `setting` is the
    /// setting of a row.
    pub(crate) fn column(
        &self,
        signals: &Signals,
        thresholds: usize,
        stops: impl Fn(usize, &mut Vec<Stop>) + Sync,
        setting: impl Fn(usize) -> Policy,
    ) -> Vec<SweepRow> {
        // A row holds layers, nanoseconds, and for each class how often it is predicted, and correctly so.
        let add = |row: &mut [i64], sample: usize, stop: Stop, by: i64| {
            row[0] += by * i64::from(stop.exit);
            row[1] += by * self.nanoseconds[stop.exit as usize];
            let label = self.labels[sample];
            if label >= 0 {
                let at = 2 + 2 * stop.answer as usize;
                row[at] += by;
                row[at + 1] += by * i64::from(i64::from(stop.answer) == label);
            }
        };
        let width = 2 + 2 * self.classes;
        let rows = signals.sums(thresholds, width, stops, add);
        let truth: Vec<u32> = self.labels.iter().map(|&label| label.max(0) as u32).collect();
        let mut counts = Counts::of(self.labels, &truth, self.classes);
        let row = |(at, row): (usize, &[i64])| {
            for (k, pair) in row[2..].chunks_exact(2).enumerate() {
                (counts.predicted[k], counts.correct[k]) = (pair[0] as u64, pair[1] as u64);
            }
            self.row(setting(at), &counts, row[0] as u64, row[1] as u64)
        };
        rows.chunks_exact(width).enumerate().map(row).collect()
    }
}
