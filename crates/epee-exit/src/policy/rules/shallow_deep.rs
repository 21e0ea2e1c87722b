//! Shallow-Deep networks.

use crate::confidence::probabilities;
use crate::policy::rule::{Direction, ExitRule, PolicyState, Reading, Signal, only_threshold};
use crate::policy::{PolicyError, Threshold};

/// Exit where `max p_m >= q`. Where no exit passes, all layers are paid and the most confident exit answers, the
/// earliest of several.
#[derive(Clone, Debug, PartialEq)]
pub struct ShallowDeep {
    /// q, from 0 to 1.
    pub threshold: Threshold,
}

impl ExitRule for ShallowDeep {
    const FIRES: Direction = Direction::AtLeast;

    only_threshold!();

    fn check(&self, exits: usize, _: usize) -> Result<(), PolicyError> {
        self.threshold.check(exits, 0.0, 1.0)
    }

    fn signal(&self, state: &mut PolicyState, reading: &Reading<'_>) -> Signal {
        let confidence = reading.facts().confidence;
        if confidence > state.best.0 {
            (state.best.0, state.best.1) = (confidence, reading.label);
            probabilities(reading.logits, &mut state.best.2);
        }
        Signal::level(confidence)
    }

    fn thresholds(_: usize, _: usize) -> Vec<f64> {
        vec![
            0.999, 0.998, 0.995, 0.99, 0.98, 0.97, 0.96, 0.95, 0.94, 0.92, 0.9, 0.87, 0.84, 0.8, 0.75, 0.7, 0.6, 0.5,
            0.4, 0.3, 0.2, 0.1,
        ]
    }

    fn answer(&self, state: &PolicyState, _: &Reading<'_>, last: bool) -> Option<(usize, Vec<f64>)> {
        last.then(|| (state.best.1, state.best.2.clone()))
    }
}
