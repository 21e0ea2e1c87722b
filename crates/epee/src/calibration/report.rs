//! The report of a calibration, and the outcome on another trace.

use epee_exit::{
    Abstention, Certificate, Certification, Choice, Difference, ExitQuality, MeasuredRisk, Policy, SweepRow,
};

use crate::Warning;

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
    /// A rule that abstains from most answers.
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
    /// What became of each risk.
    pub risks: Vec<(String, MeasuredRisk)>,
}
