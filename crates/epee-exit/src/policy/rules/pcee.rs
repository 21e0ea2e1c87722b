//! PCEE-BERT.

use super::entropy::check_entropy;
use crate::policy::parts::{Parts, Printed};
use crate::policy::rule::{ExitRule, PolicyState, Reading, Signal, check_patience, has_threshold};
use crate::policy::{PolicyError, Threshold};

/// A counter grows by 1 where the normalised entropy is below the threshold and falls to 0 where it is not; exit where it
/// reaches the patience. Labels need not agree.
///
/// The counter is at t exactly where the greatest entropy of the last t exits is below the threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Pcee {
    /// τ, from 0 to 1, one for all exits.
    pub threshold: Threshold,
    /// t, from 1 to M.
    pub patience: usize,
}

impl ExitRule for Pcee {
    fn read(parts: &mut Parts<'_>) -> Result<Self, String> {
        Ok(Pcee { threshold: parts.threshold()?, patience: parts.count("patience")? })
    }

    fn print(&self, parts: &mut Printed) {
        parts.part("threshold", &self.threshold).part("patience", self.patience);
    }

    fn check(&self, exits: usize, classes: usize) -> Result<(), PolicyError> {
        check_entropy(&self.threshold, exits, classes)?;
        self.threshold.check_scalar("pcee")?;
        check_patience(Some(self.patience), exits)
    }

    fn signal(&self, state: &mut PolicyState, reading: &Reading<'_>) -> Signal {
        Signal::level(state.greatest_of_last(self.patience, reading.entropy()))
    }

    fn families(exits: usize, _: usize, patiences: &[Option<usize>]) -> Vec<Self> {
        let below = patiences.iter().flatten().filter(|&&patience| patience < exits);
        below.map(|&patience| Pcee { threshold: Threshold::Never, patience }).collect()
    }

    has_threshold!();

    fn patience(&self) -> Option<usize> {
        Some(self.patience)
    }
}
