//! Warnings: facts that a caller should see, returned as values and never printed.

use epee_exit::Policy;
use epee_nn::Precision;

use crate::certificates::Promise;

/// A fact that the caller should see. [`Display`](std::fmt::Display) gives a sentence with every field.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the sentence says what each field is")]
pub enum Warning {
    /// The policy was chosen on a trace at another precision than the model runs at.
    OtherPrecision { policy: Policy, chosen_at: String, runs_at: Precision },
    /// A certificate or an abstention rule does not hold for the model as it runs, with `policy`.
    VoidPromise { promise: Promise, reason: String, policy: Policy },
    /// `count` of `of` texts were longer than the model reads and lost their end.
    Truncated { count: usize, of: usize, max_tokens: usize },
    /// Only `labelled` of `of` samples of a trace have a label.
    PartlyLabelled { labelled: usize, of: usize },
    /// A setting was chosen on a split that flatters it: `train` or `test`.
    ChosenOn { split: String },
    /// The trace does not name its model, and is taken to be of this one.
    UnknownModel,
    /// The model will abstain from more than half of its answers; `coverage` is the share that it gives.
    LowCoverage { coverage: f64 },
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Warning::OtherPrecision { policy, chosen_at, runs_at } => {
                write!(f, "{policy} was chosen on a trace at {chosen_at}, this runs at {runs_at}")
            }
            Warning::VoidPromise { promise, reason, policy } => {
                write!(f, "the {promise} of this model is void: {reason}; it answers by {policy}, without that promise")
            }
            Warning::Truncated { count, of, max_tokens } => {
                write!(f, "{count} of {of} texts are longer than {max_tokens} tokens and lost their end")
            }
            Warning::PartlyLabelled { labelled, of } => {
                write!(f, "{labelled} of {of} samples have a label; what needs labels uses those only")
            }
            Warning::ChosenOn { split } => write!(f, "chosen on the {split} split, so its figures flatter"),
            Warning::UnknownModel => {
                f.write_str("the trace does not say which model recorded it; it is taken to be this one")
            }
            Warning::LowCoverage { coverage } => {
                write!(f, "the model will abstain from {:.0} % of its answers", 100.0 * (1.0 - coverage))
            }
        }
    }
}
