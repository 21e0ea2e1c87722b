//! The margin between the two greatest probabilities.

use crate::policy::rule::{Direction, ExitRule, PolicyState, Reading, Signal, check_classes, only_threshold};
use crate::policy::{PolicyError, Threshold};

/// Exit where `p_(1) - p_(2) >= threshold`: top-1 minus top-2.
#[derive(Clone, Debug, PartialEq)]
pub struct Margin {
    /// The margin, from 0 to 1.
    pub threshold: Threshold,
}

impl ExitRule for Margin {
    const FIRES: Direction = Direction::AtLeast;

    only_threshold!();

    fn check(&self, exits: usize, classes: usize) -> Result<(), PolicyError> {
        self.threshold.check(exits, 0.0, 1.0)?;
        check_classes("margin", classes)
    }

    fn signal(&self, _: &mut PolicyState, reading: &Reading<'_>) -> Signal {
        Signal::level(reading.facts().margin)
    }
}
