//! The request of a calibration: goal, settings to try, metric.

use epee_exit::{CertificateRequest, Goal, Grid, Metric, Scoring};

/// What a setting must achieve.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CalibrationGoal {
    /// The best setting for a goal on this trace, without a promise for other data.
    Best(Goal),
    /// A setting whose risks are bounded with confidence on other data drawn alike.
    Certified(CertificateRequest),
    /// The model keeps its policy; for an abstention rule alone.
    Keep,
}

/// What is asked of a calibration.
#[derive(Clone, Debug)]
pub struct CalibrationRequest {
    /// What a setting must achieve.
    pub goal: CalibrationGoal,
    /// The settings to try; every setting of EPEE if `None`.
    pub grid: Option<Grid>,
    /// The metric that decides.
    pub metric: Metric,
    /// How micro-F1 is taken.
    pub scoring: Scoring,
    /// Fit a temperature for each exit on this trace.
    pub fit_temperatures: bool,
    /// Let the threshold differ by exit if that serves the goal better on this trace.
    pub per_exit: bool,
    /// Find a confidence below which the model abstains.
    pub abstain: Option<AbstentionRequest>,
}

/// An abstention rule to find: at most a share of the given answers is wrong.
#[derive(Clone, Copy, Debug)]
pub struct AbstentionRequest {
    /// The tolerated share of wrong answers among those given, in (0, 1).
    pub risk: f64,
    /// δ: the promise fails with at most this probability.
    pub delta: f64,
    /// Seed of the split into halves.
    pub seed: u64,
}

impl CalibrationRequest {
    /// Every setting of EPEE for a goal, by macro-F1.
    pub fn new(goal: CalibrationGoal) -> CalibrationRequest {
        CalibrationRequest {
            goal,
            grid: None,
            metric: Metric::MacroF1,
            scoring: Scoring::default(),
            fit_temperatures: false,
            per_exit: false,
            abstain: None,
        }
    }
}
