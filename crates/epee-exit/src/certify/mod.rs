//! Certificates: with probability at least 1 − δ over the draw of calibration samples, the risk is at most ε.

mod abstain;
mod attempt;
mod caveat;
mod certificate;
mod evidence;
mod path;
mod procedure;
mod risk;
mod samples;
mod scope;
mod seal;
mod void;

pub use abstain::{Abstention, AbstentionRequest, abstain};
pub use attempt::Attempt;
pub use caveat::Caveat;
pub use certificate::{Certificate, CertifiedRisk};
pub use evidence::{CertifiedSetting, LossCounts};
pub use procedure::{CertificateRequest, Certification, PathPoint, PathSource, RiskEstimate, certify};
pub use risk::{Bound, MeasuredRisk, Risk, measure_risk};
pub use scope::{CertificateScope, RuntimeIdentity};
pub use seal::{Sealed, Signature};
pub use void::VoidReason;

use crate::policy::PolicyError;
use crate::quality::QualityError;
use crate::replay::ReplayError;

/// A certificate that cannot be given.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum CertifyError {
    /// ε, δ or a target outside (0, 1).
    #[error("{what}: expected a number above 0 and below 1, got {got}")]
    OutOfRange { what: &'static str, got: f64 },
    /// No risk was named.
    #[error("expected at least one risk")]
    NoRisk,
    /// The risk counts labelled samples, and there is none.
    #[error(
        "the risk `{risk}` compares answers with labels, and no sample of the trace has one\n\
         hint: record a trace of a labelled split{}",
        if risk == "error" { "" } else { "; the risk `consistency` needs none" }
    )]
    NoLabels { risk: String },
    /// All labels are of one class.
    #[error(
        "every labelled sample is of the class `{class}`: such a set says nothing of the others\n\
         hint: calibrate on samples drawn as the model will meet them"
    )]
    OneClass { class: String },
    /// Too few samples for any certificate at this level.
    #[error("not certifiable: n = {n}, needs {needs} ({})\n{hint}", counted_samples(.risk))]
    TooFew { risk: String, n: usize, needs: u64, hint: String },
    /// Samples that repeat others.
    #[error(
        "not certifiable: of {of} samples {samples} repeat the logits and label of another, and {ids} the id of another; the \
         test counts each as a draw of its own"
    )]
    Repeats { ids: usize, samples: usize, of: usize },
    /// The risk of full depth itself is too high, or cannot be told apart from one that is.
    #[error(
        "not certifiable: full depth itself has a risk `{risk}` of {mean:.4} on {n} samples, at most {upper:.4} with this \
         confidence, and at most {epsilon} was asked for\nhint: a greater tolerated risk, more samples, or a better model"
    )]
    FullDepth { risk: String, mean: f64, n: usize, upper: f64, epsilon: f64 },
    /// No confidence at which few enough answers are wrong.
    #[error(
        "not certifiable: of the {answered} most confident answers tested {errors} are wrong, at most {upper:.4} with this \
         confidence, and at most {target} was asked for\nhint: a greater tolerated error, more samples, or a better model"
    )]
    Abstain { target: f64, answered: usize, errors: u64, upper: f64 },
    /// A path that is fixed beforehand needs an order.
    #[error(
        "a path fixed beforehand needs settings with a natural order: one policy with one part that varies, got {families} \
         families of settings\nhint: name one policy and one patience, or let half of the samples find the path"
    )]
    NoOrder { families: usize },
    /// A setting that does not fit the trace.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The same, found while it ran.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// Temperatures that cannot be fitted.
    #[error(transparent)]
    Quality(#[from] QualityError),
}

fn counted_samples(risk: &str) -> String {
    match risk.strip_prefix("class:") {
        Some(class) => format!("samples that full depth calls {class}"),
        None => format!("samples to test the risk `{risk}` on"),
    }
}
