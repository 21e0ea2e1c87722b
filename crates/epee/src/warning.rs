//! Warnings: facts that a caller should see, returned as values and never printed.

use epee_exit::{Caveat, Policy, VoidReason};
use epee_nn::Precision;

use crate::certificates::Promise;

/// A fact that the caller should see. [`Display`](std::fmt::Display) gives a sentence with every field.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the sentence says what each field is")]
pub enum Warning {
    /// The policy was chosen on a trace at another precision than the model runs at.
    OtherPrecision { policy: Policy, chosen_at: String, runs_at: Precision },
    /// Promises that do not hold for the model as it runs, with `policy`, all for one reason.
    VoidPromise { promises: Vec<Promise>, reason: VoidReason, policy: Policy },
    /// A reason to trust a new promise less; it is kept in the promise.
    Caveat { promise: Promise, caveat: Caveat },
    /// `count` of `of` texts were longer than the model reads and lost their end.
    Truncated { count: usize, of: usize, max_tokens: usize },
    /// Only `labelled` of `of` samples of a trace have a label.
    PartlyLabelled { labelled: usize, of: usize },
    /// A setting was chosen on a split that flatters it: `train` or `test`.
    ChosenOn { split: String },
    /// The trace does not name this model, and is taken to be of it.
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
            Warning::VoidPromise { promises, reason, policy } => {
                let names: Vec<String> = promises.iter().map(ToString::to_string).collect();
                let is = if let [_] = promises[..] { "is" } else { "are" };
                let names = names.join(" and the ");
                write!(f, "the {names} of this model {is} void: {reason}; it answers by {policy}, without that promise")
            }
            Warning::Caveat { promise, caveat } => write!(f, "caveat of the {promise}: {caveat}"),
            Warning::Truncated { count, of, max_tokens } => {
                write!(f, "{count} of {of} texts are longer than {max_tokens} tokens and lost their end")
            }
            Warning::PartlyLabelled { labelled, of } => {
                write!(f, "{labelled} of {of} samples have a label; what needs labels uses those only")
            }
            Warning::ChosenOn { split } => write!(f, "chosen on the {split} split, so its figures flatter"),
            Warning::UnknownModel => {
                f.write_str("nothing shows that this model recorded the trace; it is taken to have done so")
            }
            Warning::LowCoverage { coverage } => {
                write!(f, "the model will abstain from {:.0} % of its answers", 100.0 * (1.0 - coverage))
            }
        }
    }
}
