//! Depth that does not depend on the sample: all layers, or one exit for all (budgeted mode).

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

/// One exit answers every sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fixed {
    /// The exit, 1 to M.
    pub exit: usize,
}

impl BuiltIn for Fixed {
    fn read(parts: &mut Parts<'_>) -> Result<Self, String> {
        Ok(Fixed { exit: parts.count("exit")? })
    }

    fn families(exits: usize, _: usize, _: &[Option<usize>]) -> Vec<Self> {
        (1..=exits).map(|exit| Fixed { exit }).collect()
    }
}

impl ExitRule for Fixed {
    fn parts(&self) -> Vec<(&'static str, String)> {
        vec![("exit", self.exit.to_string())]
    }

    fn check(&self, exits: usize, _: usize, _: &Threshold) -> Result<(), PolicyError> {
        if self.exit == 0 || self.exit > exits {
            return Err(PolicyError::range("exit", format!("1 to {exits} (the number of exits)"), self.exit));
        }
        Ok(())
    }

    fn signal(&self, _: &mut PolicyState, exit: &ExitOutput<'_>) -> Signal {
        Signal { level: f64::NAN, stop: (exit.exit() >= self.exit).then_some(Reason::Fixed) }
    }

    fn has_threshold(&self) -> bool {
        false
    }

    fn only_exit(&self, _: usize) -> Option<usize> {
        Some(self.exit)
    }
}
