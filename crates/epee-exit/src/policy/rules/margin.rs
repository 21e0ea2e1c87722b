//! The margin between the two greatest probabilities.

use super::*;

/// Exit at `p_(1) - p_(2) >= threshold`: top-1 minus top-2, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Margin;

impl ExitRule for Margin {
    fn direction(&self) -> Direction {
        Direction::AtLeast
    }

    fn check(&self, exits: usize, classes: usize, threshold: &Threshold) -> Result<(), PolicyError> {
        threshold.check(exits, 0.0..=1.0)?;
        check_classes("margin", classes)
    }

    fn signal(&self, _: &mut PolicyState, exit: &ExitOutput<'_>) -> Signal {
        Signal::level(exit.margin())
    }
}
