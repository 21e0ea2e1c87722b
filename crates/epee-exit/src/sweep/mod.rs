//! Every setting of a grid at once.
//!
//! Settings that differ in their threshold alone are a family. In a family a sample's exit only moves earlier as the
//! threshold grows more aggressive, in at most M steps. So a whole column of thresholds is one pass over the samples that notes where
//! each step happens, and one over the thresholds that adds the notes up. Counts are integers: the result is exactly that of
//! [`replay`](crate::replay()), setting by setting.

mod column;
mod grid;
mod list;

pub use grid::{Grid, check_runs, runnable};
pub use list::{ListError, Patiences, Thresholds};

use serde::Serialize;
use serde::ser::SerializeStruct;

use crate::confidence::{argmax, temper};
use crate::metrics::{Counts, Metric};
use crate::policy::{Policy, PolicyError, Rule, Threshold};
use crate::signals::{Stop, TraceOutputs, by_family};
use crate::trace::Trace;
pub(crate) use column::Scorer;

/// One setting with its scores and its saving.
///
/// As JSON: `policy` (its name), `setting` (its text), `threshold` (a list if it differs by exit) and `patience` (`null` for
/// never),
/// `exit` (for a fixed exit), `accuracy`, `macro_f1`, `micro_f1`, `saving`, `ratio`, and `seconds` if times were measured.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepRow {
    /// The setting.
    pub policy: Policy,
    /// The share answered correctly, among labelled samples.
    pub accuracy: f64,
    /// See [`Counts::macro_f1`](crate::Counts::macro_f1).
    pub macro_f1: f64,
    /// See [`Counts::micro_f1`](crate::Counts::micro_f1).
    pub micro_f1: f64,
    /// The share of layers not computed, Eq. 5.
    pub saving: f64,
    /// All layers over computed layers.
    pub ratio: f64,
    /// The mean time of a sample by the layers' measured times, if the trace has them.
    pub seconds: Option<f64>,
}

impl SweepRow {
    /// The value of one metric.
    pub fn get(&self, metric: Metric) -> f64 {
        metric.pick(self.accuracy, self.macro_f1, self.micro_f1)
    }
}

impl Serialize for SweepRow {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_struct("SweepRow", 11)?;
        row.serialize_field("policy", self.policy.name())?;
        row.serialize_field("setting", &self.policy.to_string())?;
        row.serialize_field("threshold", &self.policy.threshold())?;
        row.serialize_field("patience", &self.policy.rule.patience())?;
        if let Rule::Fixed(fixed) = &self.policy.rule {
            row.serialize_field("exit", &fixed.exit)?;
        }
        row.serialize_field("accuracy", &self.accuracy)?;
        row.serialize_field("macro_f1", &self.macro_f1)?;
        row.serialize_field("micro_f1", &self.micro_f1)?;
        row.serialize_field("saving", &self.saving)?;
        row.serialize_field("ratio", &self.ratio)?;
        if let Some(seconds) = self.seconds {
            row.serialize_field("seconds", &seconds)?;
        }
        row.end()
    }
}

/// How logits are tempered and answers scored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scoring {
    /// The classes micro-F1 is taken over; all of them if this is empty.
    pub micro_classes: Vec<usize>,
    /// A temperature for each exit, applied before every policy; none if this is empty.
    pub temperatures: Vec<f64>,
}

impl Scoring {
    /// A metric of counted answers.
    pub fn value(&self, metric: Metric, counts: &Counts) -> f64 {
        match metric {
            Metric::Accuracy => counts.accuracy(),
            Metric::MacroF1 => counts.macro_f1(),
            Metric::MicroF1 if self.micro_classes.is_empty() => counts.micro_f1(),
            Metric::MicroF1 => counts.micro_f1_over(&self.micro_classes),
        }
    }
}

/// Scores every setting of the grid, in the order of [`Grid::policies`], on all cores.
///
/// # Errors
/// A setting that does not fit the trace, see [`Policy::check`].
///
/// ```
/// # use epee_exit::{Grid, Trace, sweep};
/// let trace = Trace::from_logits(3, 2, vec![0.0, 1.0, 0.0, 2.0, 0.0, 9.0], vec![1])?;
/// let rows = sweep(&trace, &Grid::standard(3, 2))?;
/// assert_eq!(rows.len(), 21 * 4);
/// assert_eq!(rows[0].policy.to_string(), "epee(threshold=0, patience=1)");
/// assert!((rows[0].saving - 2.0 / 3.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sweep(trace: &Trace, grid: &Grid) -> Result<Vec<SweepRow>, PolicyError> {
    sweep_with(trace, grid, &Scoring::default())
}

/// [`sweep`] with temperatures, and with micro-F1 over some classes.
///
/// # Errors
/// As [`sweep`].
pub fn sweep_with(trace: &Trace, grid: &Grid, scoring: &Scoring) -> Result<Vec<SweepRow>, PolicyError> {
    score(trace, &grid.policies(), scoring)
}

/// Full depth on a trace, scored as a sweep scores it.
pub fn full_depth(trace: &Trace, scoring: &Scoring) -> SweepRow {
    let temperature = scoring.temperatures.last().copied().unwrap_or(1.0);
    let mut tempered = Vec::with_capacity(trace.classes());
    let last = |sample| {
        temper(trace.row(sample, trace.exits()), temperature, &mut tempered);
        (trace.exits(), argmax(&tempered) as u32)
    };
    Scorer::new(trace, &scoring.micro_classes).one(Policy::full(), (0..trace.samples()).map(last))
}

/// Scores any settings, in order, on all cores.
///
/// # Errors
/// As [`sweep`].
pub fn score(trace: &Trace, policies: &[Policy], scoring: &Scoring) -> Result<Vec<SweepRow>, PolicyError> {
    let outputs = TraceOutputs::new(trace, &scoring.temperatures)?;
    let scorer = Scorer::new(trace, &scoring.micro_classes);
    by_family(&outputs, policies, |family, members, signals, thresholds| {
        let stops = |sample: usize, stops: &mut Vec<Stop>| signals.stops(sample, thresholds, stops);
        let rows = scorer.column(signals, thresholds.len(), stops, |_| family.clone());
        let row = |&at: &usize| {
            let policy = policies[at].clone();
            if let Threshold::PerExit(_) = policy.threshold {
                let thresholds = policy.threshold.resolve(trace.exits());
                let exits = (0..trace.samples()).map(|sample| (sample, signals.exit(sample, &thresholds)));
                return scorer.one(policy, exits.map(|(sample, exit)| (exit, signals.answer(sample, exit))));
            }
            SweepRow { policy, ..rows[signals.row(thresholds, policies[at].threshold.scalar())].clone() }
        };
        members.iter().map(row).collect()
    })
}
