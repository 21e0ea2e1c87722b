//! Entropy alone.

use super::*;

/// Eq. 1: exit if the normalised entropy is below the threshold, `H_m < τ`, with τ from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entropy;

impl ExitRule for Entropy {
    fn check(&self, exits: usize, classes: usize, threshold: &Threshold) -> Result<(), PolicyError> {
        check_entropy(threshold, exits, classes)
    }

    fn signal(&self, _: &mut PolicyState, exit: &ExitOutput<'_>) -> Signal {
        Signal::level(exit.entropy())
    }
}

/// A threshold of normalised entropy: 0 to 1, for at least two classes.
pub(super) fn check_entropy(threshold: &Threshold, exits: usize, classes: usize) -> Result<(), PolicyError> {
    threshold.check(exits, 0.0..=1.0)?;
    if *threshold != Threshold::Never && classes == 1 {
        return Err(PolicyError::classes("threshold: an entropy threshold", "at least 2 classes", classes));
    }
    Ok(())
}
