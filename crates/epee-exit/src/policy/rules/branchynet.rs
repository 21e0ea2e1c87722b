//! BranchyNet.

use super::*;

/// Exit at `H_m < T_m`: entropy in nats, with a threshold `T_m >= 0` for each exit (or one for all). With one for all it is
/// [`DeeBert`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BranchyNet;

impl ExitRule for BranchyNet {
    fn check(&self, exits: usize, classes: usize, threshold: &Threshold) -> Result<(), PolicyError> {
        DeeBert::check_as("branchynet", exits, classes, threshold)
    }

    fn signal(&self, state: &mut PolicyState, exit: &ExitOutput<'_>) -> Signal {
        DeeBert.signal(state, exit)
    }

    fn thresholds(&self, exits: usize, classes: usize) -> Vec<f64> {
        DeeBert.thresholds(exits, classes)
    }
}
