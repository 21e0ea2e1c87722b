//! Errors of policies: settings that do not fit, and exit outputs that cannot be judged.

/// A setting that cannot be read, or does not fit the model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum PolicyError {
    /// The text is no policy.
    #[error(
        "policy `{text}`: {problem}\nhint: a policy reads full, fixed(exit=3), entropy(threshold=0.1), \
             patience(patience=4) or epee(threshold=0.1, patience=never)"
    )]
    Syntax { text: String, problem: String },
    /// A part of a setting is outside its range.
    #[error("{part}: expected {expected}, got {got}")]
    OutOfRange { part: &'static str, expected: String, got: String },
    /// A policy for models with another number of classes or exits.
    #[error("{policy} needs {needs}, got {got}")]
    Unfit { policy: String, needs: String, got: String },
    /// A policy that reads learned exit scores, and a trace without them.
    #[error(
        "the policy decides by learned exit scores (the tensor `scores`), and the trace has none\n\
         hint: record a trace of a model with a learned exit head, or use another policy"
    )]
    NoScores,
    /// A policy that reads learned exit scores, and a model without a learned exit head.
    #[error("the policy needs a learned exit head, which this model does not have\nhint: use another policy")]
    NoScoreHead,
    /// A model without exits or without classes.
    #[error("expected at least 1 exit and 1 class, got {exits} exits and {classes} classes")]
    EmptyModel { exits: usize, classes: usize },
    /// A policy of the caller's own, which only exists in the program that defines it, was to be written to a file.
    #[error(
        "the policy `{policy}` is defined in code, so it cannot be stored\nhint: store one of the built-in policies"
    )]
    Custom { policy: String },
}

impl PolicyError {
    /// A part outside its range.
    pub(super) fn range(part: &'static str, expected: impl ToString, got: impl ToString) -> Self {
        PolicyError::OutOfRange { part, expected: expected.to_string(), got: got.to_string() }
    }

    /// A policy that needs another number of classes.
    pub(super) fn classes(policy: &str, needs: &str, got: usize) -> Self {
        let got = format!("{got} class{}", if got == 1 { "" } else { "es" });
        PolicyError::Unfit { policy: policy.to_owned(), needs: needs.to_owned(), got }
    }
}

/// An exit output that a policy cannot judge.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum ExitOutputError {
    /// A logit is NaN or infinite.
    #[error("exit {exit}: expected finite logits, got {value} for class {class}")]
    NonFinite { exit: usize, class: usize, value: f32 },
    /// The row does not have K logits.
    #[error("exit {exit}: expected {expected} logits, got {got}")]
    Classes { exit: usize, expected: usize, got: usize },
    /// A learned score is NaN or infinite.
    #[error("exit {exit}: expected a finite learned exit score, got {value}")]
    Score { exit: usize, value: f32 },
    /// The policy needs a learned score, and there is none.
    #[error(
        "exit {exit}: the policy needs a learned exit score, which this model does not have\nhint: use another policy"
    )]
    NoScore { exit: usize },
    /// An exit was left out, repeated, or does not exist.
    #[error("expected the logits of exit {expected}, got those of exit {got}")]
    Order { expected: usize, got: usize },
}
