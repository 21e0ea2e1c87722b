//! BERxiT's learned exit.

use super::*;

/// Exit at `u_m < th`: `u = σ(w·pooled + b)` is a learned score of being wrong, one head for all exits; th from 0 to 1. The
/// scores are part of the trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Berxit;

impl ExitRule for Berxit {
    fn check(&self, exits: usize, _: usize, threshold: &Threshold) -> Result<(), PolicyError> {
        threshold.check(exits, 0.0..=1.0)
    }

    fn signal(&self, _: &mut PolicyState, exit: &ExitOutput<'_>) -> Signal {
        Signal::level(exit.score().map_or(f64::NAN, f64::from))
    }

    fn reads_scores(&self) -> bool {
        true
    }
}
