//! The request of a calibration (goal, settings to try, metric) and its report.

use epee_exit::{
    Abstention, AbstentionRequest, Certificate, CertificateRequest, Certification, Choice, Difference, ExitQuality,
    Goal, Grid, MeasuredRisk, Metric, Policy, Scoring, SweepRow,
};

use crate::Warning;
use crate::certificates::SigningKey;

/// The goal of a calibration.
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

/// A calibration to run.
#[derive(Clone, Debug)]
pub struct CalibrationRequest {
    /// The goal.
    pub goal: CalibrationGoal,
    /// The settings to try; every setting of EPEE if `None`.
    pub grid: Option<Grid>,
    /// The metric that decides.
    pub metric: Metric,
    /// The classes of micro-F1, and temperatures.
    pub scoring: Scoring,
    /// Fit a temperature for each exit on this trace.
    pub fit_temperatures: bool,
    /// Let the threshold differ by exit if that serves the goal better on this trace.
    pub per_exit: bool,
    /// Find a confidence below which the model abstains.
    pub abstain: Option<AbstentionRequest>,
    /// Sign the promises with this key.
    pub sign: Option<SigningKey>,
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
            sign: None,
        }
    }
}

/// The result of a calibration, written into `exits.json` already.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CalibrationReport {
    /// The policy that the model answers by now.
    pub policy: Policy,
    /// The policy before.
    pub policy_before: Policy,
    /// The chosen setting, for [`CalibrationGoal::Best`].
    pub choice: Option<Choice>,
    /// The best single threshold, if thresholds were refined by exit.
    pub one_threshold: Option<Choice>,
    /// The certification and its certificate, for [`CalibrationGoal::Certified`].
    pub certified: Option<(Certification, Certificate)>,
    /// The abstention rule, if one was asked for.
    pub abstention: Option<Abstention>,
    /// The fitted temperatures; empty if none were fitted.
    pub temperatures: Vec<f64>,
    /// Calibration quality of each exit before and after its temperature; `None` if none were fitted.
    pub quality: Option<[Vec<ExitQuality>; 2]>,
    /// Caveats of the promises, and a rule that abstains from most answers.
    pub warnings: Vec<Warning>,
}

/// A model's policy on another trace.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The policy's scores, then full depth's.
    pub rows: Vec<SweepRow>,
    /// The policy minus full depth, sample by sample.
    pub difference: Difference,
    /// Each risk, measured.
    pub risks: Vec<(String, MeasuredRisk)>,
}
