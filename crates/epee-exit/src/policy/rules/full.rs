//! Full depth.

use crate::policy::PolicyError;
use crate::policy::parts::{Parts, Printed};
use crate::policy::rule::{ExitRule, PolicyState, Reading, Signal};

/// The last exit answers every sample.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Full;

impl ExitRule for Full {
    fn read(_: &mut Parts<'_>) -> Result<Self, String> {
        Ok(Full)
    }

    fn print(&self, _: &mut Printed) {}

    fn check(&self, _: usize, _: usize) -> Result<(), PolicyError> {
        Ok(())
    }

    fn signal(&self, _: &mut PolicyState, _: &Reading<'_>) -> Signal {
        Signal::stop_if(false)
    }

    fn families(_: usize, _: usize, _: &[Option<usize>]) -> Vec<Self> {
        vec![Full]
    }

    fn only(&self, exits: usize) -> Option<usize> {
        Some(exits)
    }
}
