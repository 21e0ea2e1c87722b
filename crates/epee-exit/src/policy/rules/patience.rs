//! Patience alone.

use super::*;

/// Eq. 2: exit if `patience` exits in a row agree, `P_m >= P_t`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Patience {
    /// P_t, from 1 to M; `None` is never.
    pub patience: Option<usize>,
}

impl BuiltIn for Patience {
    fn read(parts: &mut Parts<'_>) -> Result<Self, String> {
        Ok(Patience { patience: parts.count_or_never("patience")? })
    }

    fn families(_: usize, _: usize, patiences: &[Option<usize>]) -> Vec<Self> {
        patiences.iter().map(|&patience| Patience { patience }).collect()
    }
}

impl ExitRule for Patience {
    fn parts(&self) -> Vec<(&'static str, String)> {
        vec![("patience", count_or_never(self.patience))]
    }

    fn check(&self, exits: usize, _: usize, _: &Threshold) -> Result<(), PolicyError> {
        check_patience(self.patience, exits)
    }

    fn signal(&self, state: &mut PolicyState, _: &ExitOutput<'_>) -> Signal {
        Signal::stop_if(self.patience.is_some_and(|patience| state.run >= patience))
    }

    fn has_threshold(&self) -> bool {
        false
    }

    fn patience(&self) -> Option<usize> {
        self.patience
    }
}
