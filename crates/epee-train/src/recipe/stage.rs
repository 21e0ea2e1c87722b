//! The two stages that some regimes have.

/// Where in its course a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The first of two.
    First,
    /// The second of two, or the only one.
    Second,
}

/// How many of the epochs are the first stage's: at least one, and at least one is left.
pub(crate) fn first_epochs(share: f64, epochs: usize) -> usize {
    ((share * epochs as f64).round() as usize).clamp(1, epochs.saturating_sub(1).max(1))
}
