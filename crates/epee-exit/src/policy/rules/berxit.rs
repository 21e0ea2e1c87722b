//! BERxiT's learned exit.

use crate::policy::parts::{Parts, Printed};
use crate::policy::rule::{ExitRule, PolicyState, Reading, Signal};
use crate::policy::{PolicyError, Threshold};

/// Exit where `u_m < th`: `u = σ(w·pooled + b)` is a learned score of being wrong, one head for all exits. The scores
/// are part of the trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Berxit {
    /// th, from 0 to 1.
    pub threshold: Threshold,
}

impl ExitRule for Berxit {
    fn read(parts: &mut Parts<'_>) -> Result<Self, String> {
        Ok(Self { threshold: parts.threshold()? })
    }

    fn print(&self, parts: &mut Printed) {
        parts.part("threshold", &self.threshold);
    }

    fn check(&self, exits: usize, _: usize) -> Result<(), PolicyError> {
        self.threshold.check(exits, 0.0, 1.0)
    }

    fn signal(&self, _: &mut PolicyState, reading: &Reading<'_>) -> Signal {
        Signal::level(reading.score.map_or(f64::NAN, f64::from))
    }

    fn families(_: usize, _: usize, _: &[Option<usize>]) -> Vec<Self> {
        vec![Self { threshold: Threshold::Never }]
    }

    fn threshold(&self) -> Option<&Threshold> {
        Some(&self.threshold)
    }

    fn threshold_mut(&mut self) -> Option<&mut Threshold> {
        Some(&mut self.threshold)
    }
}
