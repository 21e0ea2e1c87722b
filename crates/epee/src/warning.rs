//! Warnings: facts that a caller should see, returned as values and never printed.

use epee_exit::Policy;
use epee_nn::Precision;

use crate::certificates::Promise;

/// A fact that the caller should see. [`Display`](std::fmt::Display) gives a sentence.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// The policy was chosen on a trace at another precision than the model runs at.
    OtherPrecision {
        /// The policy.
        policy: Policy,
        /// The precision of the trace.
        chosen_at: String,
        /// The precision now.
        runs_at: Precision,
    },
    /// A certificate or an abstention rule does not hold for the model as it runs.
    VoidPromise {
        /// Which of the two.
        promise: Promise,
        /// Why.
        reason: String,
        /// The policy that answers.
        policy: Policy,
    },
    /// Texts were longer than the model reads and lost their end.
    Truncated {
        /// How many.
        count: usize,
        /// Of how many.
        of: usize,
        /// The limit in tokens.
        max_tokens: usize,
    },
    /// Some samples of a trace have no label.
    PartlyLabelled {
        /// Samples with a label.
        labelled: usize,
        /// All samples.
        of: usize,
    },
    /// A setting was chosen on a split that flatters it.
    ChosenOn {
        /// `train` or `test`.
        split: String,
    },
    /// The trace does not name its model, and is taken to be of this one.
    UnknownModel,
    /// The model will abstain from more than half of its answers.
    LowCoverage {
        /// The share of answers it gives.
        coverage: f64,
    },
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
