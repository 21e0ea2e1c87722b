//! BranchyNet.

use super::deebert;
use crate::policy::rule::{ExitRule, PolicyState, Reading, Signal, only_threshold};
use crate::policy::{PolicyError, Threshold};

/// Exit where `H_m < T_m`: raw entropy in nats, a threshold for each exit (or one for all).
#[derive(Clone, Debug, PartialEq)]
pub struct BranchyNet {
    /// T_m, at least 0 nats.
    pub threshold: Threshold,
}

impl ExitRule for BranchyNet {
    only_threshold!();

    fn check(&self, exits: usize, classes: usize) -> Result<(), PolicyError> {
        deebert::check_nats("branchynet", &self.threshold, exits, classes)
    }

    fn signal(&self, _: &mut PolicyState, reading: &Reading<'_>) -> Signal {
        Signal::level(reading.facts().nats)
    }

    fn thresholds(_: usize, classes: usize) -> Vec<f64> {
        deebert::nats(classes)
    }
}
