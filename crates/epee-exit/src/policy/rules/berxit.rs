//! BERxiT's learned exit.

use crate::policy::rule::{ExitRule, PolicyState, Reading, Signal, only_threshold};
use crate::policy::{PolicyError, Threshold};

/// Exit where `u_m < th`: `u = σ(w·pooled + b)` is a learned score of being wrong, one head for all exits. The scores
/// are part of the trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Berxit {
    /// th, from 0 to 1.
    pub threshold: Threshold,
}

impl ExitRule for Berxit {
    only_threshold!();

    fn check(&self, exits: usize, _: usize) -> Result<(), PolicyError> {
        self.threshold.check(exits, 0.0, 1.0)
    }

    fn signal(&self, _: &mut PolicyState, reading: &Reading<'_>) -> Signal {
        Signal::level(reading.score.map_or(f64::NAN, f64::from))
    }
}
