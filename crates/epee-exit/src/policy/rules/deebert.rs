//! DeeBERT.

use super::*;

/// Exit at `H_m < S`: entropy in nats, `S >= 0`. An S above ln K lets every sample out, which is no error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeeBert;

impl DeeBert {
    pub(super) fn check_as(name: &str, exits: usize, classes: usize, threshold: &Threshold) -> Result<(), PolicyError> {
        threshold.check(exits, 0.0..=f64::MAX)?;
        check_classes(name, classes)
    }
}

impl ExitRule for DeeBert {
    fn check(&self, exits: usize, classes: usize, threshold: &Threshold) -> Result<(), PolicyError> {
        DeeBert::check_as("deebert", exits, classes, threshold)
    }

    fn signal(&self, _: &mut PolicyState, exit: &ExitOutput<'_>) -> Signal {
        Signal::level(exit.entropy_nats())
    }

    /// From 0 to a little above ln K.
    fn thresholds(&self, _: usize, classes: usize) -> Vec<f64> {
        let most = (classes as f64).ln();
        (0..=20).map(|i| (most * f64::from(i) * 0.05 * 1e4).ceil() / 1e4).collect()
    }
}
