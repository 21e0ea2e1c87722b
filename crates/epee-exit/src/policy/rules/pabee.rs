//! PABEE.

use crate::policy::PolicyError;
use crate::policy::parts::{Parts, Printed};
use crate::policy::rule::{ExitRule, PolicyState, Reading, Signal, check_patience};

/// A counter grows by 1 where an exit agrees with the one before and falls to 0 where it does not; exit where it reaches
/// the patience. Its patience t is EPEE's t + 1.
///
/// With a distance the one output of each exit is a number (regression), and two agree where `|y_m - y_(m-1)| < distance`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pabee {
    /// t, from 1 to M; M is never reached.
    pub patience: usize,
    /// δ, above 0, for regression.
    pub distance: Option<f64>,
}

impl ExitRule for Pabee {
    fn read(parts: &mut Parts<'_>) -> Result<Self, String> {
        Ok(Pabee { patience: parts.count("patience")?, distance: parts.number_if_given("distance")? })
    }

    fn print(&self, parts: &mut Printed) {
        parts.part("patience", self.patience);
        if let Some(distance) = self.distance {
            parts.part("distance", distance);
        }
    }

    fn check(&self, exits: usize, classes: usize) -> Result<(), PolicyError> {
        check_patience(Some(self.patience), exits)?;
        match self.distance {
            Some(got) if got <= 0.0 => Err(PolicyError::Part { part: "distance", expected: "a number above 0", got }),
            Some(_) if classes != 1 => Err(PolicyError::Classes {
                policy: "pabee with a distance",
                needs: "one number from each exit",
                got: classes,
            }),
            _ => Ok(()),
        }
    }

    fn signal(&self, state: &mut PolicyState, reading: &Reading<'_>) -> Signal {
        let Some(distance) = self.distance else {
            // P_m counts this exit, PABEE's counter does not.
            return Signal::stop_if(state.run > self.patience);
        };
        let value = f64::from(reading.logits[0]);
        let agrees = state.previous.first().is_some_and(|before| (value - before).abs() < distance);
        state.count = if agrees { state.count + 1 } else { 0 };
        state.previous.clear();
        state.previous.push(value);
        Signal::stop_if(state.count >= self.patience)
    }

    fn families(exits: usize, _: usize, patiences: &[Option<usize>]) -> Vec<Self> {
        let below = patiences.iter().flatten().filter(|&&patience| patience < exits);
        below.map(|&patience| Pabee { patience, distance: None }).collect()
    }

    fn patience(&self) -> Option<usize> {
        Some(self.patience)
    }
}
