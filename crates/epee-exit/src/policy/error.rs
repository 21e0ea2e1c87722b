//! What can be wrong with a setting, and with the evidence it is shown.

/// A setting that cannot be read, or does not fit the model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PolicyError {
    /// The text is no policy.
    #[error(
        "policy `{text}`: {problem}\nhint: a policy reads full, fixed(exit=3), \
             entropy(threshold=0.1), patience(patience=4) or epee(threshold=0.1, patience=never)"
    )]
    Syntax {
        /// The text.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The entropy threshold is outside [0, 1].
    #[error("threshold: expected a number from 0 to 1, got {got}")]
    Threshold {
        /// The threshold.
        got: f64,
    },
    /// The patience is outside 1 to M.
    #[error("patience: expected 1 to {exits} (the number of exits), got {got}{}",
            if *got == 0 { "\nhint: full depth is `patience=never`" } else { "" })]
    Patience {
        /// M.
        exits: usize,
        /// The patience.
        got: usize,
    },
    /// The fixed exit is outside 1 to M.
    #[error("exit: expected 1 to {exits} (the number of exits), got {got}")]
    Exit {
        /// M.
        exits: usize,
        /// The exit.
        got: usize,
    },
    /// Normalised entropy divides by ln K, which is 0 for one class.
    #[error("threshold: an entropy threshold needs at least 2 classes, got 1")]
    OneClass,
    /// A model without exits or without classes.
    #[error("expected at least 1 exit and 1 class, got {exits} exits and {classes} classes")]
    EmptyModel {
        /// M.
        exits: usize,
        /// K.
        classes: usize,
    },
}

/// Evidence that a policy cannot judge.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EvidenceError {
    /// A logit is NaN or infinite.
    #[error("exit {exit}: expected finite logits, got {value} for class {class}")]
    NonFinite {
        /// The exit, from 1.
        exit: usize,
        /// The class, from 0.
        class: usize,
        /// The logit.
        value: f32,
    },
    /// The row does not have K logits.
    #[error("exit {exit}: expected {expected} logits, got {got}")]
    Classes {
        /// The exit, from 1.
        exit: usize,
        /// K.
        expected: usize,
        /// How many logits there were.
        got: usize,
    },
    /// An exit was left out, repeated, or does not exist.
    #[error("expected the logits of exit {expected}, got those of exit {got}")]
    Order {
        /// The exit that comes next.
        expected: usize,
        /// The exit that came.
        got: usize,
    },
}
