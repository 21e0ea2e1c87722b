//! The Pareto front of settings, and the choice of one by a goal.

use std::cmp::Ordering;

use serde::Serialize;

use crate::metrics::Metric;
use crate::policy::{Policy, PolicyError, Rule, serialize_text};
use crate::sweep::{Grid, Scoring, SweepRow, full_depth, sweep_with};
use crate::trace::Trace;

/// Rounding that a comparison of a metric or a saving with a bound forgives.
const SLACK: f64 = 1e-12;

/// The settings that no other beats in both the metric and the saving, by ascending saving. Of
/// settings equal in both, the one [`choose`] prefers. Rows whose metric is not a number are left out.
pub fn pareto(rows: &[SweepRow], metric: Metric) -> Vec<SweepRow> {
    let mut sorted: Vec<&SweepRow> = rows.iter().filter(|row| !row.get(metric).is_nan()).collect();
    // From the greatest saving down; a row stays if its metric is above all that save more.
    sorted.sort_by(|a, b| {
        let by_metric = || b.get(metric).total_cmp(&a.get(metric));
        b.saving.total_cmp(&a.saving).then_with(by_metric).then_with(|| by_caution(a, b))
    });
    let mut front: Vec<SweepRow> = Vec::new();
    for row in sorted {
        if front.last().is_none_or(|last| row.get(metric) > last.get(metric)) {
            front.push(row.clone());
        }
    }
    front.reverse();
    front
}

/// The goal a setting is chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// At least this share of layers saved; then the best metric.
    Saving(f64),
    /// At most this much of the metric lost against full depth; then the greatest saving.
    MaxLoss(f64),
    /// At most this mean time per sample, in seconds, by the layers' measured times; then the best metric.
    MaxLatency(f64),
    /// This share of layers saved, as nearly as possible (within 0.025 all are alike); then the best metric. For comparing
    /// policies at the same saving.
    Matched(f64),
}

impl Goal {
    /// Values to maximise, most important first.
    pub(crate) fn key(self, saving: f64, score: f64) -> [f64; 3] {
        match self {
            Goal::MaxLoss(_) => [saving, score, 0.0],
            Goal::Saving(_) | Goal::MaxLatency(_) => [score, saving, 0.0],
            Goal::Matched(target) => [-((saving - target).abs() - NEAR).max(0.0), score, saving],
        }
    }
}

/// Savings no further apart than this are alike.
const NEAR: f64 = 0.025;

/// A chosen setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Choice {
    /// The setting; full depth if `met` is false.
    #[serde(serialize_with = "serialize_text")]
    pub policy: Policy,
    /// Its scores on the trace it was chosen on.
    pub row: SweepRow,
    /// Full depth on the same trace.
    pub full: SweepRow,
    /// The goal.
    pub goal: Goal,
    /// The metric that decided.
    pub metric: Metric,
    /// False if no setting that saves anything reaches the goal.
    pub met: bool,
}

/// A choice that cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum ChooseError {
    /// The goal is outside its range.
    #[error("{what}: expected a number from 0 to 1, got {got}")]
    Goal { what: &'static str, got: f64 },
    /// A latency that is not a time.
    #[error("max latency: expected a time above 0, got {got} s")]
    Latency { got: f64 },
    /// The trace does not say how long a layer takes.
    #[error(
        "max latency: the trace has no measured times of layers (`layer_seconds`)\n\
         hint: record the trace on the machine that will answer, with its layers timed"
    )]
    NoTimes,
    /// All labels are of one class.
    #[error(
        "every labelled sample is of one class, so no setting can lose anything\n\
         hint: choose on samples drawn as the model will meet them"
    )]
    OneClass,
    /// No sample of the trace has a label.
    #[error("expected a trace with labels, got one without: {0} cannot be computed")]
    NoLabels(Metric),
    /// A setting of the grid does not fit the trace.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// Chooses among scored settings; `full` is full depth on the same trace.
///
/// [`Goal::MaxLoss`]: the greatest saving among settings whose metric is at least full depth's minus
/// the loss. [`Goal::Saving`]: the best metric among settings that save at least the target.
/// [`Goal::MaxLatency`]: the best metric among settings whose mean time is at most the target. [`Goal::Matched`]: the best
/// metric among settings within 0.025 of the saving, or else the nearest.
/// Equal ones are told apart by the other of the two, then by caution: the lower threshold (never is
/// the lowest), the greater patience (never is the greatest), the later fixed exit, the earlier row.
/// A setting that saves nothing is full depth: if no other qualifies, the choice is full depth and
/// `met` is false.
///
/// # Errors
/// A goal outside its range; a trace without labels, or without times for a goal in seconds.
pub fn choose(rows: &[SweepRow], full: &SweepRow, goal: Goal, metric: Metric) -> Result<Choice, ChooseError> {
    match goal {
        Goal::Saving(got) | Goal::Matched(got) if !(0.0..=1.0).contains(&got) => {
            return Err(ChooseError::Goal { what: "saving", got });
        }
        Goal::MaxLoss(got) if !(0.0..=1.0).contains(&got) => return Err(ChooseError::Goal { what: "max loss", got }),
        Goal::MaxLatency(got) if !(got > 0.0 && got.is_finite()) => return Err(ChooseError::Latency { got }),
        Goal::MaxLatency(_) if full.seconds.is_none() => return Err(ChooseError::NoTimes),
        _ => {}
    }
    if full.get(metric).is_nan() {
        return Err(ChooseError::NoLabels(metric));
    }
    let qualifies = |row: &&SweepRow| {
        let enough = match goal {
            Goal::Saving(target) => row.saving >= target - SLACK,
            Goal::MaxLoss(loss) => row.get(metric) >= full.get(metric) - loss - SLACK,
            Goal::MaxLatency(most) => row.seconds.is_some_and(|seconds| seconds <= most),
            Goal::Matched(_) => true,
        };
        // Of a latency full depth may be enough.
        enough && (row.saving > 0.0 || matches!(goal, Goal::MaxLatency(_)))
    };
    let better = |a: &SweepRow, b: &SweepRow| {
        let key = |row: &SweepRow| goal.key(row.saving, row.get(metric));
        let values = key(a).iter().zip(key(b)).fold(Ordering::Equal, |order, (a, b)| order.then(a.total_cmp(&b)));
        values.then_with(|| by_caution(b, a))
    };
    let mut best: Option<&SweepRow> = None;
    for row in rows.iter().filter(qualifies) {
        if best.is_none_or(|best| better(row, best) == Ordering::Greater) {
            best = Some(row);
        }
    }
    let row = best.unwrap_or(full).clone();
    let met = best.is_some();
    Ok(Choice { policy: row.policy.clone(), row, full: full.clone(), goal, metric, met })
}

/// Sweeps a grid over a trace and chooses: see [`choose`].
///
/// # Errors
/// As [`choose`], labels of one class alone, and settings that do not fit the trace.
pub fn choose_on(
    trace: &Trace,
    grid: &Grid,
    scoring: &Scoring,
    goal: Goal,
    metric: Metric,
) -> Result<Choice, ChooseError> {
    if trace.only_class().is_some() {
        return Err(ChooseError::OneClass);
    }
    let rows = sweep_with(trace, grid, scoring)?;
    choose(&rows, &full_depth(trace, scoring), goal, metric)
}

/// The order of two settings by caution, the more cautious first: the lower threshold, then the greater patience, then the
/// later exit.
fn by_caution(a: &SweepRow, b: &SweepRow) -> Ordering {
    let key = |row: &SweepRow| {
        let rule = &row.policy.rule;
        let aggressiveness = row.policy.threshold.mean().map(|mean| rule.direction().aggressiveness(mean));
        let exit = if let Rule::Fixed(fixed) = rule { fixed.exit } else { usize::MAX };
        (aggressiveness.unwrap_or(f64::NEG_INFINITY), rule.patience().unwrap_or(usize::MAX), exit)
    };
    let (a, b) = (key(a), key(b));
    a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)).then(b.2.cmp(&a.2))
}
