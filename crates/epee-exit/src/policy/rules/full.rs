//! Full depth.

use super::*;

/// The last exit answers every sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Full;

impl ExitRule for Full {
    fn signal(&self, _: &mut PolicyState, _: &ExitOutput<'_>) -> Signal {
        Signal::level(f64::NAN)
    }

    fn has_threshold(&self) -> bool {
        false
    }

    fn only_exit(&self, exits: usize) -> Option<usize> {
        Some(exits)
    }
}
