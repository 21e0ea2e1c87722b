//! PABEE.

use super::*;

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
