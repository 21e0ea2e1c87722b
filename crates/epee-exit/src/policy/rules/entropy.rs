//! Entropy alone: normalised, or in nats (DeeBERT, BranchyNet).

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

/// Exit at `H_m < S`: entropy in nats, `S >= 0`. An S above ln K lets every sample out, which is no error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeeBert;

/// Exit at `H_m < T_m`: entropy in nats, with a threshold `T_m >= 0` for each exit (or one for all). With one for all it is
/// [`DeeBert`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BranchyNet;

/// Entropy in nats, compared with a threshold of at least 0.
macro_rules! in_nats {
    ($($Rule:ident $name:literal),*) => { $(
        impl ExitRule for $Rule {
            fn check(&self, exits: usize, classes: usize, threshold: &Threshold) -> Result<(), PolicyError> {
                threshold.check(exits, 0.0..=f64::MAX)?;
                check_classes($name, classes)
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
    )* };
}

in_nats!(DeeBert "deebert", BranchyNet "branchynet");
