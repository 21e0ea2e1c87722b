//! Voting.

use crate::policy::parts::{Parts, Printed};
use crate::policy::rule::{Direction, ExitRule, PolicyState, Reading, Signal, has_threshold};
use crate::policy::{PolicyError, Threshold};

/// Every exit so far has a vote; exit where `V / m^scale >= threshold`, V being the votes of the class that has most.
/// That class is the answer (the lowest of several), with the shares of the votes as probabilities.
///
/// A scale of 0 counts votes, a scale of 1 asks for a share of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Voting {
    /// From 0 up.
    pub threshold: Threshold,
    /// From 0 to 1.
    pub scale: f64,
}

impl ExitRule for Voting {
    const FIRES: Direction = Direction::AtLeast;

    fn read(parts: &mut Parts<'_>) -> Result<Self, String> {
        Ok(Voting { threshold: parts.threshold()?, scale: parts.number_if_given("scale")?.unwrap_or(0.0) })
    }

    fn print(&self, parts: &mut Printed) {
        parts.part("threshold", &self.threshold);
        if self.scale != 0.0 {
            parts.part("scale", self.scale);
        }
    }

    fn check(&self, exits: usize, _: usize) -> Result<(), PolicyError> {
        self.threshold.check(exits, 0.0, f64::MAX)?;
        if !(0.0..=1.0).contains(&self.scale) {
            return Err(PolicyError::Part { part: "scale", expected: "a number from 0 to 1", got: self.scale });
        }
        Ok(())
    }

    fn signal(&self, state: &mut PolicyState, reading: &Reading<'_>) -> Signal {
        state.votes.resize(reading.logits.len(), 0);
        state.votes[reading.label] += 1;
        let most = state.votes.iter().copied().max().unwrap_or(0);
        Signal::level(f64::from(most) / libm::pow(reading.exit as f64, self.scale))
    }

    fn families(_: usize, _: usize, _: &[Option<usize>]) -> Vec<Self> {
        [0.0, 0.5].map(|scale| Voting { threshold: Threshold::Never, scale }).into()
    }

    fn thresholds(exits: usize, _: usize) -> Vec<f64> {
        (2..=2 * exits).rev().map(|i| i as f64 / 2.0).collect()
    }

    has_threshold!();

    fn answer(&self, state: &PolicyState, reading: &Reading<'_>, _: bool) -> Option<(usize, Vec<f64>)> {
        let shares: Vec<f64> = state.votes.iter().map(|&votes| f64::from(votes) / reading.exit as f64).collect();
        Some((greatest(&shares), shares))
    }
}

/// The index of the greatest value, the lowest of several.
pub(in crate::policy) fn greatest(values: &[f64]) -> usize {
    (1..values.len()).fold(0, |best, k| if values[k] > values[best] { k } else { best })
}
