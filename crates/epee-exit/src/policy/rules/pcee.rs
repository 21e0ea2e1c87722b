//! PCEE-BERT.

use super::*;

/// A counter grows by 1 if the normalised entropy is below the threshold τ, from 0 to 1, and falls to 0 if it is not; exit
/// if it reaches the patience. Labels need not agree.
///
/// The counter is at t exactly if the greatest entropy of the last t exits is below the threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pcee {
    /// t, from 1 to M.
    pub patience: usize,
}

impl BuiltIn for Pcee {
    fn read(parts: &mut Parts<'_>) -> Result<Self, String> {
        Ok(Pcee { patience: parts.count("patience")? })
    }

    fn families(exits: usize, _: usize, patiences: &[Option<usize>]) -> Vec<Self> {
        below(exits, patiences).map(|patience| Pcee { patience }).collect()
    }
}

impl ExitRule for Pcee {
    fn parts(&self) -> Vec<(&'static str, String)> {
        vec![("patience", self.patience.to_string())]
    }

    fn check(&self, exits: usize, classes: usize, threshold: &Threshold) -> Result<(), PolicyError> {
        entropy::check_entropy(threshold, exits, classes)?;
        threshold.check_single()?;
        check_patience(Some(self.patience), exits)
    }

    fn signal(&self, state: &mut PolicyState, exit: &ExitOutput<'_>) -> Signal {
        Signal::level(state.greatest_of_last(self.patience, exit.entropy()))
    }

    fn patience(&self) -> Option<usize> {
        Some(self.patience)
    }
}
