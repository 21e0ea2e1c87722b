//! ELBERT.

use super::*;

/// Two classes: exit at `H_m < δ` (normalised, δ from 0 to 1), or if the last N exits all lie on one side of a half, each by
/// at least the margin: `max p >= 1/2 + margin`, for the same class.
///
/// With a margin of 0 this is EPEE with `P_t = N`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Elbert {
    /// N, from 1 to M.
    pub window: usize,
    /// From 0 to 1/2.
    pub margin: f64,
}

impl BuiltIn for Elbert {
    fn read(parts: &mut Parts<'_>) -> Result<Self, String> {
        Ok(Elbert { window: parts.count("window")?, margin: parts.number_if_given("margin")?.unwrap_or(0.0) })
    }

    fn families(_: usize, _: usize, patiences: &[Option<usize>]) -> Vec<Self> {
        let windows = patiences.iter().flatten();
        windows.flat_map(|&window| [0.0, 0.2, 0.4].map(|margin| Elbert { window, margin })).collect()
    }
}

impl ExitRule for Elbert {
    fn parts(&self) -> Vec<(&'static str, String)> {
        let margin = (self.margin != 0.0).then(|| ("margin", self.margin.to_string()));
        [("window", self.window.to_string())].into_iter().chain(margin).collect()
    }

    fn check(&self, exits: usize, classes: usize, threshold: &Threshold) -> Result<(), PolicyError> {
        if classes != 2 {
            return Err(PolicyError::classes("elbert", "2 classes", classes));
        }
        entropy::check_entropy(threshold, exits, classes)?;
        check_patience(Some(self.window), exits)?;
        if !(0.0..=0.5).contains(&self.margin) {
            return Err(PolicyError::range("margin", "a number from 0 to 0.5", self.margin));
        }
        Ok(())
    }

    fn signal(&self, state: &mut PolicyState, exit: &ExitOutput<'_>) -> Signal {
        let far = exit.confidence() >= 0.5 + self.margin;
        // `run` is 1 if the side changed: the count for the other side is lost.
        state.count = match (far, state.run) {
            (false, _) => 0,
            (true, 1) => 1,
            (true, _) => state.count + 1,
        };
        Signal::level(exit.entropy()).or_stop_if(state.count >= self.window)
    }

    fn patience(&self) -> Option<usize> {
        Some(self.window)
    }
}
