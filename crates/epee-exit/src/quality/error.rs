//! What keeps an exit from being judged.

/// Probabilities that cannot be fitted or judged.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum QualityError {
    /// No sample has a label.
    #[error("trace: expected samples with labels, got none\nhint: record the trace on a split whose labels are known")]
    NoLabels,
    /// Every label is the same class, so the surest answer is always the best one.
    #[error(
        "trace: expected labels of at least 2 classes, got `{class}` alone\nhint: fit temperatures on more \
             samples, drawn from all classes"
    )]
    OneClass {
        /// The name of the class.
        class: String,
    },
    /// There is not one temperature an exit.
    #[error("temperatures: expected {expected} (the number of exits), got {got}")]
    Temperatures {
        /// M.
        expected: usize,
        /// How many there were.
        got: usize,
    },
    /// A temperature is not a finite number above 0.
    #[error("exit {exit}: expected a temperature above 0, got {got}")]
    Temperature {
        /// The exit, from 1.
        exit: usize,
        /// The temperature.
        got: f64,
    },
    /// The exit is outside 1 to M.
    #[error("exit: expected 1 to {exits} (the number of exits), got {got}")]
    Exit {
        /// M.
        exits: usize,
        /// The exit.
        got: usize,
    },
    /// No bin to put samples in.
    #[error("bins: expected at least 1, got 0")]
    Bins,
}
