//! ELBERT.

use super::entropy::check_entropy;
use crate::policy::parts::{Parts, Printed};
use crate::policy::rule::{ExitRule, PolicyState, Reading, Signal, check_patience, has_threshold};
use crate::policy::{PolicyError, Threshold};

/// Two classes: exit at `H_m < δ` (normalised), or where the last N exits all lie on one side of a half, each by at least
/// the margin: `max p >= 1/2 + margin`, for the same class.
///
/// With a margin of 0 this is EPEE with `P_t = N`.
#[derive(Clone, Debug, PartialEq)]
pub struct Elbert {
    /// δ, from 0 to 1.
    pub threshold: Threshold,
    /// N, from 1 to M.
    pub window: usize,
    /// From 0 to 1/2.
    pub margin: f64,
}

impl ExitRule for Elbert {
    fn read(parts: &mut Parts<'_>) -> Result<Self, String> {
        Ok(Elbert {
            threshold: parts.threshold()?,
            window: parts.count("window")?,
            margin: parts.number_if_given("margin")?.unwrap_or(0.0),
        })
    }

    fn print(&self, parts: &mut Printed) {
        parts.part("threshold", &self.threshold).part("window", self.window);
        if self.margin != 0.0 {
            parts.part("margin", self.margin);
        }
    }

    fn check(&self, exits: usize, classes: usize) -> Result<(), PolicyError> {
        if classes != 2 {
            return Err(PolicyError::Classes { policy: "elbert", needs: "2 classes", got: classes });
        }
        check_entropy(&self.threshold, exits, classes)?;
        check_patience(Some(self.window), exits)?;
        if !(0.0..=0.5).contains(&self.margin) {
            return Err(PolicyError::Part { part: "margin", expected: "a number from 0 to 0.5", got: self.margin });
        }
        Ok(())
    }

    fn signal(&self, state: &mut PolicyState, reading: &Reading<'_>) -> Signal {
        let far = reading.facts().confidence >= 0.5 + self.margin;
        // `run` is 1 where the side changed: what was counted on the other is lost.
        state.count = match (far, state.run) {
            (false, _) => 0,
            (true, 1) => 1,
            (true, _) => state.count + 1,
        };
        Signal { level: reading.entropy(), stop: state.count >= self.window }
    }

    fn families(_: usize, _: usize, patiences: &[Option<usize>]) -> Vec<Self> {
        let family = |(window, margin)| Elbert { threshold: Threshold::Never, window, margin };
        let windows = patiences.iter().flatten();
        windows.flat_map(|&window| [0.0, 0.2, 0.4].map(|margin| (window, margin))).map(family).collect()
    }

    has_threshold!();

    fn patience(&self) -> Option<usize> {
        Some(self.window)
    }
}
