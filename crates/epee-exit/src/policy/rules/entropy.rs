//! Entropy alone.

use crate::policy::rule::{ExitRule, PolicyState, Reading, Signal, only_threshold};
use crate::policy::{PolicyError, Threshold};

/// Eq. 1: exit where the normalised entropy is below the threshold, `H_m < τ`.
#[derive(Clone, Debug, PartialEq)]
pub struct Entropy {
    /// τ, from 0 to 1.
    pub threshold: Threshold,
}

impl ExitRule for Entropy {
    only_threshold!();

    fn check(&self, exits: usize, classes: usize) -> Result<(), PolicyError> {
        check_entropy(&self.threshold, exits, classes)
    }

    fn signal(&self, _: &mut PolicyState, reading: &Reading<'_>) -> Signal {
        Signal::level(reading.entropy())
    }
}

/// A threshold of normalised entropy: 0 to 1, and only where there are classes to be unsure between.
pub(super) fn check_entropy(threshold: &Threshold, exits: usize, classes: usize) -> Result<(), PolicyError> {
    threshold.check(exits, 0.0, 1.0)?;
    if *threshold != Threshold::Never && classes == 1 {
        return Err(PolicyError::OneClass);
    }
    Ok(())
}
