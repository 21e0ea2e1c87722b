//! Patience: alone, beside entropy (EPEE), and as PABEE and PCEE-BERT count it.

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

/// A counter grows by 1 if an exit agrees with the one before and falls to 0 if it does not; exit if it reaches the
/// patience. Its patience t is EPEE's t + 1.
///
/// With a distance the one output of each exit is a number (regression), and two agree if `|y_m - y_(m-1)| < distance`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pabee {
    /// t, from 1 to M; M is never reached.
    pub patience: usize,
    /// δ, above 0, for regression.
    pub distance: Option<f64>,
}

impl BuiltIn for Pabee {
    fn read(parts: &mut Parts<'_>) -> Result<Self, String> {
        Ok(Pabee { patience: parts.count("patience")?, distance: parts.number_if_given("distance")? })
    }

    fn families(exits: usize, _: usize, patiences: &[Option<usize>]) -> Vec<Self> {
        below(exits, patiences).map(|patience| Pabee { patience, distance: None }).collect()
    }
}

impl ExitRule for Pabee {
    fn parts(&self) -> Vec<(&'static str, String)> {
        let distance = self.distance.map(|distance| ("distance", distance.to_string()));
        [("patience", self.patience.to_string())].into_iter().chain(distance).collect()
    }

    fn check(&self, exits: usize, classes: usize, _: &Threshold) -> Result<(), PolicyError> {
        check_patience(Some(self.patience), exits)?;
        match self.distance {
            Some(got) if got <= 0.0 => Err(PolicyError::range("distance", "a number above 0", got)),
            Some(_) if classes != 1 => {
                Err(PolicyError::classes("pabee with a distance", "one number from each exit", classes))
            }
            _ => Ok(()),
        }
    }

    fn signal(&self, state: &mut PolicyState, exit: &ExitOutput<'_>) -> Signal {
        let Some(distance) = self.distance else {
            // P_m counts this exit, PABEE's counter does not.
            return Signal::stop_if(state.run > self.patience);
        };
        let value = f64::from(exit.logits()[0]);
        let agrees = state.previous.pop().is_some_and(|before| (value - before).abs() < distance);
        state.previous.push(value);
        state.count = if agrees { state.count + 1 } else { 0 };
        Signal::stop_if(state.count >= self.patience)
    }

    fn has_threshold(&self) -> bool {
        false
    }

    fn patience(&self) -> Option<usize> {
        Some(self.patience)
    }
}

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
