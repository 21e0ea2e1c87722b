//! Every setting of a grid at once.
//!
//! For one patience, a sample's exit only moves earlier as the threshold grows, in at most M steps:
//! one for each exit whose entropy is below all before it. So a whole column of thresholds is one
//! pass over the samples that notes where each step happens, and one over the thresholds that adds
//! the notes up. Counts are integers: the result is exactly that of [`replay`](crate::replay()),
//! setting by setting.

mod column;
mod grid;
mod list;
mod steps;

pub use grid::Grid;
pub use list::{ListError, Patiences, Thresholds};

use rayon::prelude::*;
use serde::Serialize;
use serde::ser::SerializeStruct;

use crate::metrics::{Metric, ratio, saving};
use crate::policy::{Policy, PolicyError};
use crate::trace::Trace;
use column::{Cell, column, fixed};
use steps::Steps;

/// One setting: what it is worth and what it saves.
///
/// As JSON: `policy` (its name), `setting` (its text), `threshold` and `patience` (`null` for never),
/// `exit` (for a fixed exit), `accuracy`, `macro_f1`, `micro_f1`, `saving`, `ratio`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SweepRow {
    /// The setting.
    pub policy: Policy,
    /// The share answered right, among labelled samples.
    pub accuracy: f64,
    /// See [`Counts::macro_f1`](crate::Counts::macro_f1).
    pub macro_f1: f64,
    /// See [`Counts::micro_f1`](crate::Counts::micro_f1).
    pub micro_f1: f64,
    /// The share of layers not computed, Eq. 5.
    pub saving: f64,
    /// All layers over computed layers.
    pub ratio: f64,
}

impl SweepRow {
    /// The value of one metric.
    pub fn get(&self, metric: Metric) -> f64 {
        metric.pick(self.accuracy, self.macro_f1, self.micro_f1)
    }
}

impl Serialize for SweepRow {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (threshold, patience) = self.policy.parts();
        let mut row = serializer.serialize_struct("SweepRow", 10)?;
        row.serialize_field("policy", self.policy.kind().name())?;
        row.serialize_field("setting", &self.policy)?;
        row.serialize_field("threshold", &threshold)?;
        row.serialize_field("patience", &patience)?;
        if let Policy::Fixed { exit } = self.policy {
            row.serialize_field("exit", &exit)?;
        }
        row.serialize_field("accuracy", &self.accuracy)?;
        row.serialize_field("macro_f1", &self.macro_f1)?;
        row.serialize_field("micro_f1", &self.micro_f1)?;
        row.serialize_field("saving", &self.saving)?;
        row.serialize_field("ratio", &self.ratio)?;
        row.end()
    }
}

/// What a sweep scores besides accuracy and macro-F1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scoring {
    /// The classes micro-F1 is taken over; all of them where this is empty.
    pub micro_classes: Vec<usize>,
}

/// Scores every setting of the grid, in the order of [`Grid::policies`], on all cores.
///
/// # Errors
/// A setting that does not fit the trace, see [`Policy::check`].
///
/// ```
/// # use epee_exit::{Grid, Trace, TraceParts, sweep};
/// let logits = vec![0.0, 1.0, 0.0, 2.0, 0.0, 9.0];
/// let parts = TraceParts { exits: 3, classes: 2, logits, labels: vec![1], ..Default::default() };
/// let rows = sweep(&Trace::new(parts)?, &Grid::standard(3))?;
/// assert_eq!(rows.len(), 21 * 4);
/// assert_eq!(rows[0].policy.to_string(), "epee(threshold=0, patience=1)");
/// assert!((rows[0].saving - 2.0 / 3.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sweep(trace: &Trace, grid: &Grid) -> Result<Vec<SweepRow>, PolicyError> {
    sweep_with(trace, grid, &Scoring::default())
}

/// [`sweep`], with a choice of what micro-F1 is taken over.
///
/// # Errors
/// As [`sweep`].
pub fn sweep_with(trace: &Trace, grid: &Grid, scoring: &Scoring) -> Result<Vec<SweepRow>, PolicyError> {
    score(trace, &grid.policies(), scoring)
}

/// Full depth on a trace, scored as a sweep scores it.
pub fn full_depth(trace: &Trace, scoring: &Scoring) -> SweepRow {
    let micro = &scoring.micro_classes;
    let cell = fixed(&Steps::predictions(trace), trace.exits(), micro);
    row(Policy::Full, cell, trace)
}

/// Scores any settings, in order.
fn score(trace: &Trace, policies: &[Policy], scoring: &Scoring) -> Result<Vec<SweepRow>, PolicyError> {
    for policy in policies {
        policy.check(trace.exits(), trace.classes())?;
    }
    let micro = &scoring.micro_classes;
    let parts = || policies.iter().map(|policy| (policy, policy.parts()));
    let dynamic = |policy: &Policy| !matches!(policy, Policy::Full | Policy::Fixed { .. });

    let mut thresholds: Vec<f64> = parts().filter_map(|(_, (threshold, _))| threshold).collect();
    thresholds.sort_unstable_by(f64::total_cmp);
    thresholds.dedup();
    let mut patiences: Vec<usize> = parts()
        .filter(|(policy, _)| dynamic(policy))
        .map(|(_, (_, patience))| patience.unwrap_or(usize::MAX))
        .collect();
    patiences.sort_unstable();
    patiences.dedup();

    let steps = if thresholds.is_empty() { Steps::predictions(trace) } else { Steps::new(trace, &thresholds) };
    let columns: Vec<Vec<Cell>> = patiences.par_iter().map(|&patience| column(&steps, patience, micro)).collect();

    let cell = |policy: &Policy| match *policy {
        Policy::Full => fixed(&steps, trace.exits(), micro),
        Policy::Fixed { exit } => fixed(&steps, exit, micro),
        _ => {
            let (threshold, patience) = policy.parts();
            let patience = patience.unwrap_or(usize::MAX);
            let column = patiences.partition_point(|&p| p < patience);
            let at = threshold.map_or(0, |t| 1 + thresholds.partition_point(|&x| x < t));
            columns[column][at]
        }
    };
    Ok(policies.par_iter().map(|policy| row(*policy, cell(policy), trace)).collect())
}

fn row(policy: Policy, cell: Cell, trace: &Trace) -> SweepRow {
    let (samples, exits) = (trace.samples(), trace.exits());
    SweepRow {
        policy,
        accuracy: cell.accuracy,
        macro_f1: cell.macro_f1,
        micro_f1: cell.micro_f1,
        saving: saving(cell.layers, samples, exits),
        ratio: ratio(cell.layers, samples, exits),
    }
}
