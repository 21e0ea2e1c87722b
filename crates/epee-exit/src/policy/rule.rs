//! What a policy is made of: one file in `rules/` implements [`ExitRule`], one line of the table names it.
//!
//! A policy turns the exits of a sample, in order, into a stream of [`Signal`]s that does not depend on its threshold.
//! The threshold is applied outside. So one definition serves a live run, which stops at the first signal that passes,
//! and a sweep, which finds from one stream where every threshold would have stopped.

use std::cell::Cell;

use super::parts::{Parts, Printed};
use super::{PolicyError, Threshold};
use crate::confidence::{Facts, facts, normalised};

/// What a policy makes of one exit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Signal {
    /// What the threshold is compared with; not a number where no threshold lets a sample out here.
    pub(crate) level: f64,
    /// True where the sample leaves here whatever the threshold is.
    pub(crate) stop: bool,
}

impl Signal {
    pub(super) fn level(level: f64) -> Self {
        Signal { level, stop: false }
    }

    pub(super) fn stop_if(stop: bool) -> Self {
        Signal { level: f64::NAN, stop }
    }
}

/// On which side of its threshold a level lets a sample out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// `level < threshold`: the lower the threshold, the more cautious.
    Below,
    /// `level >= threshold`: the higher, the more cautious.
    AtLeast,
}

impl Direction {
    pub(crate) fn at(self, level: f64, threshold: f64) -> bool {
        match self {
            Direction::Below => level < threshold,
            Direction::AtLeast => level >= threshold,
        }
    }

    /// A number that grows with aggressiveness.
    pub(crate) fn aggressiveness(self, threshold: f64) -> f64 {
        match self {
            Direction::Below => threshold,
            Direction::AtLeast => -threshold,
        }
    }
}

/// One exit of one sample, as a rule reads it. What costs an exponential is computed where it is asked for.
pub(crate) struct Reading<'a> {
    /// The exit, from 1 to M.
    pub(crate) exit: usize,
    /// The K logits, tempered.
    pub(crate) logits: &'a [f32],
    /// ŷ, the class of the greatest.
    pub(crate) label: usize,
    /// A learned exit score, where there is one.
    pub(crate) score: Option<f32>,
    ln_classes: f64,
    facts: Cell<Option<Facts>>,
}

impl<'a> Reading<'a> {
    /// Of logits that are known to be finite; `label` is their argmax.
    pub(crate) fn new(exit: usize, logits: &'a [f32], label: usize, ln_classes: f64) -> Self {
        Reading { exit, logits, label, score: None, ln_classes, facts: Cell::new(None) }
    }

    /// Of facts that were gathered before.
    pub(crate) fn of(exit: usize, logits: &'a [f32], facts: Facts, ln_classes: f64) -> Self {
        Reading { exit, logits, label: facts.label as usize, score: None, ln_classes, facts: Cell::new(Some(facts)) }
    }

    pub(crate) fn with_score(self, score: Option<f32>) -> Self {
        Reading { score, ..self }
    }

    pub(crate) fn facts(&self) -> Facts {
        self.facts.get().unwrap_or_else(|| {
            let facts = facts(self.logits);
            self.facts.set(Some(facts));
            facts
        })
    }

    /// Normalised entropy, Eq. 1.
    pub(crate) fn entropy(&self) -> f64 {
        normalised(self.facts().nats, self.ln_classes)
    }
}

/// What a policy remembers of one sample: each rule uses what it needs of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyState {
    /// The last exit seen; 0 before the first.
    pub(super) exit: usize,
    /// P_m of Eq. 2: how many exits up to this one agree.
    pub(super) run: usize,
    /// What the last exit predicted.
    pub(super) label: usize,
    /// A counter of a rule's own.
    pub(super) count: usize,
    /// The last levels of a rule that looks at several, the latest last.
    pub(super) window: Vec<f64>,
    /// What a rule compares the next exit with.
    pub(super) previous: Vec<f64>,
    /// Votes for each class.
    pub(super) votes: Vec<u32>,
    /// The most confident exit so far: its confidence, class and probabilities.
    pub(super) best: (f64, usize, Vec<f64>),
    /// A sum of probabilities, for an ensemble.
    pub(super) sum: Vec<f64>,
}

impl PolicyState {
    /// As before the first exit; what it holds in memory stays.
    pub(crate) fn reset(&mut self) {
        (self.exit, self.run, self.label, self.count, self.best.0) = (0, 0, 0, 0, 0.0);
        for part in [&mut self.window, &mut self.previous, &mut self.best.2, &mut self.sum] {
            part.clear();
        }
        self.votes.clear();
    }

    /// The greatest of the last `length` levels, this one among them; not a number before there are so many.
    pub(super) fn greatest_of_last(&mut self, length: usize, level: f64) -> f64 {
        self.window.push(level);
        match self.window.len().checked_sub(length) {
            Some(first) => self.window[first..].iter().copied().fold(f64::NEG_INFINITY, f64::max),
            None => f64::NAN,
        }
    }
}

/// A policy: its parts, and what it makes of the exits of a sample.
pub(super) trait ExitRule: Sized {
    /// On which side of the threshold samples leave.
    const FIRES: Direction = Direction::Below;

    /// Reads the parts of a setting.
    fn read(parts: &mut Parts<'_>) -> Result<Self, String>;

    /// Prints them.
    fn print(&self, parts: &mut Printed);

    /// Checks them for a model of M exits and K classes.
    fn check(&self, exits: usize, classes: usize) -> Result<(), PolicyError>;

    /// What it makes of an exit. The state's `run` and `label` are this exit's already.
    fn signal(&self, state: &mut PolicyState, reading: &Reading<'_>) -> Signal;

    /// The settings a sweep tries, without their thresholds; patience, where there is one, takes the given values.
    fn families(exits: usize, classes: usize, patiences: &[Option<usize>]) -> Vec<Self>;

    /// Its threshold, where it has one.
    fn threshold(&self) -> Option<&Threshold> {
        None
    }

    /// The same, to be changed.
    fn threshold_mut(&mut self) -> Option<&mut Threshold> {
        None
    }

    /// The thresholds a sweep tries where nobody says which.
    fn thresholds(_exits: usize, _classes: usize) -> Vec<f64> {
        (0..=20).map(|i| f64::from(i) / 20.0).collect()
    }

    /// Its patience, where it has one.
    fn patience(&self) -> Option<usize> {
        None
    }

    /// The one exit it has to see, where it is one.
    fn only(&self, _exits: usize) -> Option<usize> {
        None
    }

    /// The class and the probabilities it answers with, where these are not the exit's own; `last` at the last exit.
    fn answer(&self, _state: &PolicyState, _reading: &Reading<'_>, _last: bool) -> Option<(usize, Vec<f64>)> {
        None
    }
}

/// For a rule with a part `threshold`.
macro_rules! has_threshold {
    () => {
        fn threshold(&self) -> Option<&crate::policy::Threshold> {
            Some(&self.threshold)
        }

        fn threshold_mut(&mut self) -> Option<&mut crate::policy::Threshold> {
            Some(&mut self.threshold)
        }
    };
}

/// For a rule whose only part is its threshold.
macro_rules! only_threshold {
    () => {
        crate::policy::rule::has_threshold!();

        fn read(parts: &mut crate::policy::parts::Parts<'_>) -> Result<Self, String> {
            Ok(Self { threshold: parts.threshold()? })
        }

        fn print(&self, parts: &mut crate::policy::parts::Printed) {
            parts.part("threshold", &self.threshold);
        }

        fn families(_: usize, _: usize, _: &[Option<usize>]) -> Vec<Self> {
            vec![Self { threshold: crate::policy::Threshold::Never }]
        }
    };
}

pub(super) use {has_threshold, only_threshold};

/// Checks a patience against 1 to M.
pub(super) fn check_patience(patience: Option<usize>, exits: usize) -> Result<(), PolicyError> {
    match patience {
        Some(got) if got == 0 || got > exits => Err(PolicyError::Patience { exits, got }),
        _ => Ok(()),
    }
}

/// Refuses fewer than two classes.
pub(super) fn check_classes(policy: &'static str, classes: usize) -> Result<(), PolicyError> {
    if classes < 2 {
        return Err(PolicyError::Classes { policy, needs: "at least 2 classes", got: classes });
    }
    Ok(())
}
