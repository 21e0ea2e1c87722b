//! Entropy or patience.

use super::*;

/// Eq. 3: exit at `H_m < τ` or `P_m >= P_t`, with τ from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epee {
    /// P_t, from 1 to M; `None` is never.
    pub patience: Option<usize>,
}

impl BuiltIn for Epee {
    fn read(parts: &mut Parts<'_>) -> Result<Self, String> {
        Ok(Epee { patience: parts.count_or_never("patience")? })
    }

    fn families(_: usize, _: usize, patiences: &[Option<usize>]) -> Vec<Self> {
        patiences.iter().map(|&patience| Epee { patience }).collect()
    }
}

impl ExitRule for Epee {
    fn parts(&self) -> Vec<(&'static str, String)> {
        Patience { patience: self.patience }.parts()
    }

    fn check(&self, exits: usize, classes: usize, threshold: &Threshold) -> Result<(), PolicyError> {
        entropy::check_entropy(threshold, exits, classes)?;
        check_patience(self.patience, exits)
    }

    fn signal(&self, state: &mut PolicyState, exit: &ExitOutput<'_>) -> Signal {
        Signal::level(exit.entropy()).or_stop_if(self.patience.is_some_and(|patience| state.run >= patience))
    }

    fn patience(&self) -> Option<usize> {
        self.patience
    }
}
