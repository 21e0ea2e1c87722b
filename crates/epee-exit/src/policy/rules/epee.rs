//! Entropy or patience.

use super::entropy::check_entropy;
use crate::policy::parts::{Parts, Printed};
use crate::policy::rule::{ExitRule, PolicyState, Reading, Signal, check_patience, has_threshold};
use crate::policy::{PolicyError, Threshold};

/// Eq. 3: exit at `H_m < τ` or `P_m >= P_t`.
#[derive(Clone, Debug, PartialEq)]
pub struct Epee {
    /// τ, from 0 to 1.
    pub threshold: Threshold,
    /// P_t, from 1 to M; `None` is never.
    pub patience: Option<usize>,
}

impl ExitRule for Epee {
    fn read(parts: &mut Parts<'_>) -> Result<Self, String> {
        Ok(Epee { threshold: parts.threshold()?, patience: parts.count_or_never("patience")? })
    }

    fn print(&self, parts: &mut Printed) {
        parts.part("threshold", &self.threshold).count_or_never("patience", self.patience);
    }

    fn check(&self, exits: usize, classes: usize) -> Result<(), PolicyError> {
        check_entropy(&self.threshold, exits, classes)?;
        check_patience(self.patience, exits)
    }

    fn signal(&self, state: &mut PolicyState, reading: &Reading<'_>) -> Signal {
        Signal { level: reading.entropy(), stop: self.patience.is_some_and(|patience| state.run >= patience) }
    }

    fn families(_: usize, _: usize, patiences: &[Option<usize>]) -> Vec<Self> {
        patiences.iter().map(|&patience| Epee { threshold: Threshold::Never, patience }).collect()
    }

    has_threshold!();

    fn patience(&self) -> Option<usize> {
        self.patience
    }
}
