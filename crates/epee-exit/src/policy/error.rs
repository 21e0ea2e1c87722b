//! What can be wrong with a setting, and with the evidence it is shown.

/// A setting that cannot be read, or does not fit the model.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PolicyError {
    /// The text is no policy.
    #[error(
        "policy `{text}`: {problem}\nhint: a policy reads full, fixed(exit=3), entropy(threshold=0.1), \
             patience(patience=4) or epee(threshold=0.1, patience=never); `epee policy list` has them all"
    )]
    Syntax {
        /// The text.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A threshold is outside its range.
    #[error("threshold: expected a number {}, got {got}", range(*low, *high))]
    Threshold {
        /// The least.
        low: f64,
        /// The most.
        high: f64,
        /// The threshold.
        got: f64,
    },
    /// A list of thresholds that does not have one for each exit before the last.
    #[error("threshold: expected {expected} values (one for each exit before the last), got {got}")]
    PerExit {
        /// M − 1.
        expected: usize,
        /// How many there were.
        got: usize,
    },
    /// A list of thresholds for a policy that compares several exits with one.
    #[error("threshold: {policy} looks at several exits at once: expected one number for all of them, got a list")]
    NotPerExit {
        /// Its name.
        policy: &'static str,
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
    /// Another part is outside its range.
    #[error("{part}: expected {expected}, got {got}")]
    Part {
        /// The part.
        part: &'static str,
        /// Its range.
        expected: &'static str,
        /// Its value.
        got: f64,
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
    /// A policy for another number of classes.
    #[error("{policy} needs {needs}, got {got} class{}", if *got == 1 { "" } else { "es" })]
    Classes {
        /// Its name.
        policy: &'static str,
        /// What it needs.
        needs: &'static str,
        /// K.
        got: usize,
    },
    /// A policy that compares exits, for a model that has too few.
    #[error("{policy} needs more exits to compare, got {got}")]
    Exits {
        /// Its name.
        policy: &'static str,
        /// M.
        got: usize,
    },
    /// BERxiT without learned scores.
    #[error(
        "berxit decides by learned exit scores (the tensor `scores`), and the trace has none\n\
         hint: record a trace of a model with a learned exit head, or use another policy"
    )]
    NoScores,
    /// BERxiT for a model without a learned exit head.
    #[error("berxit answers by a learned exit head, which this model does not have\nhint: use another policy")]
    NoScoreHead,
    /// A policy or temperatures for another model.
    #[error("temperatures: expected {expected} numbers above 0 (one for each exit), got {got}")]
    Temperatures {
        /// M.
        expected: usize,
        /// What there was.
        got: String,
    },
    /// A model without exits or without classes.
    #[error("expected at least 1 exit and 1 class, got {exits} exits and {classes} classes")]
    EmptyModel {
        /// M.
        exits: usize,
        /// K.
        classes: usize,
    },
}

/// ExitOutput that a policy cannot judge.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ExitOutputError {
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
    /// A learned score is NaN or infinite.
    #[error("exit {exit}: expected a finite learned exit score, got {value}")]
    Score {
        /// The exit, from 1.
        exit: usize,
        /// The score.
        value: f32,
    },
    /// The policy needs a learned score, and there is none.
    #[error("exit {exit}: berxit needs a learned exit score, which this model does not have\nhint: use another policy")]
    NoScore {
        /// The exit, from 1.
        exit: usize,
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

/// A range in words; one without an upper end names the lower alone.
fn range(low: f64, high: f64) -> String {
    if high == f64::MAX { format!("of at least {low}") } else { format!("from {low} to {high}") }
}
