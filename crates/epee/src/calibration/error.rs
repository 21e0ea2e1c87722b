//! A calibration that cannot be made.

use std::path::PathBuf;

use epee_exit::{CertifyError, ChooseError, Policy, QualityError, ReplayError};

/// A calibration that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum CalibrateError {
    /// A trace of a model with other exits or classes.
    #[error(
        "expected a trace of the model's {} exits and {} classes, got one of {} exits and {} classes",
        expected.0, expected.1, got.0, got.1
    )]
    Shape { expected: (usize, usize), got: (usize, usize) },
    /// A trace of another model.
    #[error(
        "expected a trace of this model (digest {}), got one of another (digest {})",
        epee_files::short(expected),
        epee_files::short(got)
    )]
    OtherModel { expected: String, got: String },
    /// A trace with other class names.
    #[error("expected the model's classes ({}), got {}", expected.join(", "), got.join(", "))]
    Labels { expected: Vec<String>, got: Vec<String> },
    /// A trace at a precision that does not exist.
    #[error("precision: {0}")]
    Precision(String),
    /// A trace to report on that lacks the scores of the trace that chooses.
    #[error("expected learned exit scores, as the trace that chooses has, got none")]
    NoScores,
    /// No setting reaches the goal; the model keeps its policy.
    #[error("no setting of the grid reaches the goal ({goal}){nearest}; the model keeps its policy, {policy}")]
    GoalNotMet { goal: String, nearest: String, policy: Policy },
    /// A trace that nobody vouches for cannot certify.
    #[error(
        "a certificate is about one model, and nothing shows that this one recorded the trace{}",
        if *outdated { ": it is of epee 0.1, whose digests left files and fields out" } else { "" }
    )]
    UnknownModel { outdated: bool },
    /// A trace that does not say at which precision and in which numeric class it was recorded cannot certify.
    #[error(
        "a certificate is about one precision, and the trace does not say at which it was recorded, or in which numeric class"
    )]
    UnknownPrecision,
    /// Too little evidence: the model now answers at full depth.
    #[error(
        "{source}\nThe model now answers at full depth, without a certificate; what it did before is in {}.",
        kept.display()
    )]
    NotCertified {
        kept: PathBuf,
        #[source]
        source: CertifyError,
    },
    /// A certificate or an abstention rule that cannot be tested.
    #[error(transparent)]
    Certify(#[from] CertifyError),
    /// A setting that cannot be chosen.
    #[error(transparent)]
    Choose(#[from] ChooseError),
    /// Temperatures that cannot be fitted.
    #[error(transparent)]
    Quality(#[from] QualityError),
    /// A policy that cannot run on the trace.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}
