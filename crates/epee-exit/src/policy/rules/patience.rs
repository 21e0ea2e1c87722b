//! Patience alone.

use crate::policy::PolicyError;
use crate::policy::parts::{Parts, Printed};
use crate::policy::rule::{ExitRule, PolicyState, Reading, Signal, check_patience};

/// Eq. 2: exit where `patience` exits in a row agree, `P_m >= P_t`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience {
    /// P_t, from 1 to M; `None` is never.
    pub patience: Option<usize>,
}

impl ExitRule for Patience {
    fn read(parts: &mut Parts<'_>) -> Result<Self, String> {
        Ok(Patience { patience: parts.count_or_never("patience")? })
    }

    fn print(&self, parts: &mut Printed) {
        parts.count_or_never("patience", self.patience);
    }

    fn check(&self, exits: usize, _: usize) -> Result<(), PolicyError> {
        check_patience(self.patience, exits)
    }

    fn signal(&self, state: &mut PolicyState, _: &Reading<'_>) -> Signal {
        Signal::stop_if(self.patience.is_some_and(|patience| state.run >= patience))
    }

    fn families(_: usize, _: usize, patiences: &[Option<usize>]) -> Vec<Self> {
        patiences.iter().map(|&patience| Patience { patience }).collect()
    }

    fn patience(&self) -> Option<usize> {
        self.patience
    }
}
