//! One number an exit: the margin, the greatest probability (Shallow-Deep), a learned score (BERxiT).

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

/// Exit at `max p_m >= q`, with q from 0 to 1. If no exit passes, all layers are computed and the most confident exit
/// answers, the earliest of several.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShallowDeep;

impl ExitRule for ShallowDeep {
    fn direction(&self) -> Direction {
        Direction::AtLeast
    }

    fn check(&self, exits: usize, _: usize, threshold: &Threshold) -> Result<(), PolicyError> {
        threshold.check(exits, 0.0..=1.0)
    }

    fn signal(&self, state: &mut PolicyState, exit: &ExitOutput<'_>) -> Signal {
        let confidence = exit.confidence();
        if confidence > state.best.0 {
            (state.best.0, state.best.1) = (confidence, exit.label());
            probabilities(exit.logits(), &mut state.best.2);
        }
        Signal::level(confidence)
    }

    fn thresholds(&self, _: usize, _: usize) -> Vec<f64> {
        vec![
            0.999, 0.998, 0.995, 0.99, 0.98, 0.97, 0.96, 0.95, 0.94, 0.92, 0.9, 0.87, 0.84, 0.8, 0.75, 0.7, 0.6, 0.5,
            0.4, 0.3, 0.2, 0.1,
        ]
    }

    fn answer(&self, state: &PolicyState, _: &ExitOutput<'_>, last: bool) -> Option<(usize, Vec<f64>)> {
        last.then(|| (state.best.1, state.best.2.clone()))
    }
}

/// Exit at `u_m < th`: `u = σ(w·pooled + b)` is a learned score of being wrong, one head for all exits; th from 0 to 1. The
/// scores are part of the trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Berxit;

impl ExitRule for Berxit {
    fn check(&self, exits: usize, _: usize, threshold: &Threshold) -> Result<(), PolicyError> {
        threshold.check(exits, 0.0..=1.0)
    }

    fn signal(&self, _: &mut PolicyState, exit: &ExitOutput<'_>) -> Signal {
        Signal::level(exit.score().map_or(f64::NAN, f64::from))
    }

    fn reads_scores(&self) -> bool {
        true
    }
}
