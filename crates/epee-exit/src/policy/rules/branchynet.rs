//! BranchyNet.

use super::deebert;
use crate::policy::parts::{Parts, Printed};
use crate::policy::rule::{ExitRule, PolicyState, Reading, Signal};
use crate::policy::{PolicyError, Threshold};

/// Exit where `H_m < T_m`: raw entropy in nats, a threshold for each exit (or one for all).
#[derive(Clone, Debug, PartialEq)]
pub struct BranchyNet {
    /// T_m, at least 0 nats.
    pub threshold: Threshold,
}

impl ExitRule for BranchyNet {
    fn read(parts: &mut Parts<'_>) -> Result<Self, String> {
        Ok(Self { threshold: parts.threshold()? })
    }

    fn print(&self, parts: &mut Printed) {
        parts.part("threshold", &self.threshold);
    }

    fn check(&self, exits: usize, classes: usize) -> Result<(), PolicyError> {
        deebert::check_nats("branchynet", &self.threshold, exits, classes)
    }

    fn signal(&self, _: &mut PolicyState, reading: &Reading<'_>) -> Signal {
        Signal::level(reading.facts().nats)
    }

    fn families(_: usize, _: usize, _: &[Option<usize>]) -> Vec<Self> {
        vec![Self { threshold: Threshold::Never }]
    }

    fn thresholds(_: usize, classes: usize) -> Vec<f64> {
        deebert::nats(classes)
    }

    fn threshold(&self) -> Option<&Threshold> {
        Some(&self.threshold)
    }

    fn threshold_mut(&mut self) -> Option<&mut Threshold> {
        Some(&mut self.threshold)
    }
}
