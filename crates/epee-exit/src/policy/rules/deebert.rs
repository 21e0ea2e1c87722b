//! DeeBERT.

use crate::policy::rule::{ExitRule, PolicyState, Reading, Signal, check_classes, only_threshold};
use crate::policy::{PolicyError, Threshold};

/// Exit where `H_m < S`: raw entropy in nats.
#[derive(Clone, Debug, PartialEq)]
pub struct DeeBert {
    /// S, at least 0 nats.
    pub threshold: Threshold,
}

impl ExitRule for DeeBert {
    only_threshold!();

    fn check(&self, exits: usize, classes: usize) -> Result<(), PolicyError> {
        check_nats("deebert", &self.threshold, exits, classes)
    }

    fn signal(&self, _: &mut PolicyState, reading: &Reading<'_>) -> Signal {
        Signal::level(reading.facts().nats)
    }

    fn thresholds(_: usize, classes: usize) -> Vec<f64> {
        nats(classes)
    }
}

/// A threshold in nats; beyond ln K it lets everything out, which is no error.
pub(super) fn check_nats(
    policy: &'static str,
    threshold: &Threshold,
    exits: usize,
    classes: usize,
) -> Result<(), PolicyError> {
    threshold.check(exits, 0.0, f64::MAX)?;
    check_classes(policy, classes)
}

/// From 0 to a little above ln K, where everything leaves.
pub(super) fn nats(classes: usize) -> Vec<f64> {
    let most = (classes as f64).ln();
    (0..=20).map(|i| (most * f64::from(i) * 0.05 * 1e4).ceil() / 1e4).collect()
}
