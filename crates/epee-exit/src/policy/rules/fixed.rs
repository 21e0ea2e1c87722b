//! Budgeted mode.

use crate::policy::PolicyError;
use crate::policy::parts::{Parts, Printed};
use crate::policy::rule::{ExitRule, PolicyState, Reading, Signal};

/// One exit answers every sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fixed {
    /// The exit, 1 to M.
    pub exit: usize,
}

impl ExitRule for Fixed {
    fn read(parts: &mut Parts<'_>) -> Result<Self, String> {
        Ok(Fixed { exit: parts.count("exit")? })
    }

    fn print(&self, parts: &mut Printed) {
        parts.part("exit", self.exit);
    }

    fn check(&self, exits: usize, _: usize) -> Result<(), PolicyError> {
        if self.exit == 0 || self.exit > exits {
            return Err(PolicyError::Exit { exits, got: self.exit });
        }
        Ok(())
    }

    fn signal(&self, _: &mut PolicyState, reading: &Reading<'_>) -> Signal {
        Signal::stop_if(reading.exit >= self.exit)
    }

    fn families(exits: usize, _: usize, _: &[Option<usize>]) -> Vec<Self> {
        (1..=exits).map(|exit| Fixed { exit }).collect()
    }

    fn only(&self, _: usize) -> Option<usize> {
        Some(self.exit)
    }
}
