//! Voting.

use super::*;

/// Every exit so far has a vote; exit at `V / m^scale >= threshold`, if V is the number of votes of the class that has most;
/// the threshold is at least 0. That class is the answer (the lowest of several), with the shares of the votes as
/// probabilities.
///
/// A scale of 0 counts votes, a scale of 1 asks for a share of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Voting {
    /// From 0 to 1.
    pub scale: f64,
}

impl BuiltIn for Voting {
    fn read(parts: &mut Parts<'_>) -> Result<Self, String> {
        Ok(Voting { scale: parts.number_if_given("scale")?.unwrap_or(0.0) })
    }

    fn families(_: usize, _: usize, _: &[Option<usize>]) -> Vec<Self> {
        [0.0, 0.5].map(|scale| Voting { scale }).into()
    }
}

impl ExitRule for Voting {
    fn direction(&self) -> Direction {
        Direction::AtLeast
    }

    fn parts(&self) -> Vec<(&'static str, String)> {
        if self.scale == 0.0 { Vec::new() } else { vec![("scale", self.scale.to_string())] }
    }

    fn check(&self, exits: usize, _: usize, threshold: &Threshold) -> Result<(), PolicyError> {
        threshold.check(exits, 0.0..=f64::MAX)?;
        if !(0.0..=1.0).contains(&self.scale) {
            return Err(PolicyError::range("scale", "a number from 0 to 1", self.scale));
        }
        Ok(())
    }

    fn signal(&self, state: &mut PolicyState, exit: &ExitOutput<'_>) -> Signal {
        let votes = state.memory();
        votes.resize(exit.logits().len(), 0.0);
        votes[exit.label()] += 1.0;
        let most = votes.iter().copied().fold(0.0, f64::max);
        Signal::level(most / libm::pow(exit.exit() as f64, self.scale))
    }

    fn thresholds(&self, exits: usize, _: usize) -> Vec<f64> {
        (2..=2 * exits).rev().map(|i| i as f64 / 2.0).collect()
    }

    fn answer(&self, state: &PolicyState, exit: &ExitOutput<'_>, _: bool) -> Option<(usize, Vec<f64>)> {
        let shares: Vec<f64> = state.memory.iter().map(|votes| votes / exit.exit() as f64).collect();
        Some((greatest(&shares), shares))
    }
}
