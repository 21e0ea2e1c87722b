//! Exit rules: the trait that every policy implements, the built-in ones and a caller's own.
//!
//! A rule turns the exits of one sample, in order, into [`Signal`]s that do not depend on its threshold. The threshold is
//! compared outside. So one definition serves a live run, which stops at the first signal that passes, and a sweep, which
//! finds from one pass where every threshold would have stopped.

use std::fmt;
use std::sync::Arc;

use super::{ExitOutput, PolicyError, Reason, Threshold};

/// A rule that decides at which exit a sample is answered. Implement it to run a policy of your own.
///
/// [`Policy::custom`](crate::Policy::custom) makes a [`Policy`](crate::Policy) of a rule and a threshold. That policy runs
/// live, over traces ([`replay`](crate::replay())) and in sweeps, choices, certificates and comparisons
/// ([`Grid::custom`](crate::Grid), [`Comparison::custom`](crate::Comparison)). It has no text that can be read back, so it
/// cannot be written into a model's `exits.json`.
///
/// Only [`signal`](ExitRule::signal) is required. A rule must be a pure function of the exits it has seen: a replay is
/// exact only then.
///
/// This rule exits at the first exit m with `(margin_(m-1) + margin_m) / 2 >= threshold`, if `margin_m` is the difference
/// of the two greatest probabilities:
///
/// ```
/// use epee_exit::{Direction, ExitOutput, ExitRule, Grid, Policy, PolicyState, Signal, Trace, replay, sweep};
///
/// #[derive(Debug)]
/// struct SteadyMargin;
///
/// impl ExitRule for SteadyMargin {
///     fn name(&self) -> &str {
///         "steady-margin"
///     }
///
///     fn direction(&self) -> Direction {
///         Direction::AtLeast
///     }
///
///     fn signal(&self, state: &mut PolicyState, exit: &ExitOutput<'_>) -> Signal {
///         let before = state.memory().pop();
///         state.memory().push(exit.margin());
///         // Not a number: no threshold lets a sample out at the first exit.
///         Signal::level(before.map_or(f64::NAN, |before| (before + exit.margin()) / 2.0))
///     }
/// }
///
/// // One sample at three exits, with margins of 0.96, 0.76 and 0.99.
/// let trace = Trace::from_logits(3, 2, vec![0.0, 4.0, 0.0, 2.0, 0.0, 6.0], vec![1])?;
/// let policy = Policy::custom(SteadyMargin, 0.8);
/// assert_eq!(policy.to_string(), "steady-margin(threshold=0.8)");
/// assert_eq!(replay(&policy.check(3, 2)?, &trace)?.exits, [2]);
///
/// let grid = Grid { kinds: vec![], custom: vec![policy], ..Grid::standard(3, 2) };
/// let rows = sweep(&trace, &grid)?; // thresholds 0, 0.05, … 1
/// assert_eq!(rows.len(), 21);
/// assert!((rows[16].saving - 1.0 / 3.0).abs() < 1e-12); // threshold 0.8: 2 of 3 layers
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait ExitRule: fmt::Debug + Send + Sync {
    /// The rule's signal at one exit. Exits come in order from 1; the state belongs to one sample.
    fn signal(&self, state: &mut PolicyState, exit: &ExitOutput<'_>) -> Signal;

    /// Its name in messages, tables and settings.
    fn name(&self) -> &str {
        "custom"
    }

    /// Its parameters other than the threshold, as they are printed: `name(threshold=…, key=value, …)`.
    fn parts(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Checks the rule and its threshold for a model of M exits and K classes. The default accepts any threshold.
    ///
    /// # Errors
    /// A parameter or threshold outside its range ([`PolicyError::OutOfRange`]), or a model that the rule cannot run on
    /// ([`PolicyError::Unfit`]).
    fn check(&self, exits: usize, _classes: usize, threshold: &Threshold) -> Result<(), PolicyError> {
        threshold.check(exits, f64::MIN..=f64::MAX)
    }

    /// On which side of the threshold a level lets a sample out.
    fn direction(&self) -> Direction {
        Direction::Below
    }

    /// False for a rule that compares nothing with a threshold.
    fn has_threshold(&self) -> bool {
        true
    }

    /// The thresholds a sweep tries if the caller names none.
    fn thresholds(&self, _exits: usize, _classes: usize) -> Vec<f64> {
        (0..=20).map(|i| f64::from(i) / 20.0).collect()
    }

    /// True for a rule that reads the scores of a learned exit head. Models and traces without scores are then refused.
    fn reads_scores(&self) -> bool {
        false
    }

    /// Its patience, for tables and for telling a cautious setting from an aggressive one; `None` for never.
    fn patience(&self) -> Option<usize> {
        None
    }

    /// The only exit it reads, if it reads just one. An engine then skips the heads of the others.
    fn only_exit(&self, _exits: usize) -> Option<usize> {
        None
    }

    /// The class and the K probabilities it answers with, if these are not the exit's own. Called after
    /// [`signal`](ExitRule::signal) for the same exit; `last` is true at exit M.
    fn answer(&self, _state: &PolicyState, _exit: &ExitOutput<'_>, _last: bool) -> Option<(usize, Vec<f64>)> {
        None
    }
}

/// A shared rule of the caller's own. Two are equal only if they share one rule.
#[derive(Clone, Debug)]
pub struct CustomRule(pub(super) Arc<dyn ExitRule>);

impl PartialEq for CustomRule {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The decision of a rule at one exit, before its threshold is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signal {
    /// The number the threshold is compared with; NaN if no threshold lets a sample out here.
    pub level: f64,
    /// The reason to answer here whatever the threshold is, if there is one.
    pub stop: Option<Reason>,
}

impl Signal {
    /// A level alone.
    pub fn level(level: f64) -> Self {
        Signal { level, stop: None }
    }

    /// No level; a stop with [`Reason::Patience`] if `stop` is true.
    pub fn stop_if(stop: bool) -> Self {
        Signal::level(f64::NAN).or_stop_if(stop)
    }

    /// The same level, and a stop with [`Reason::Patience`] if `stop` is true.
    #[must_use]
    pub fn or_stop_if(self, stop: bool) -> Self {
        Signal { stop: stop.then_some(Reason::Patience), ..self }
    }
}

/// On which side of its threshold a level lets a sample out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// `level < threshold`: the lower the threshold, the more cautious.
    Below,
    /// `level >= threshold`: the higher the threshold, the more cautious.
    AtLeast,
}

impl Direction {
    /// True if a level lets a sample out; never if either is NaN.
    pub(crate) fn passes(self, level: f64, threshold: f64) -> bool {
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

/// The memory of a policy for one sample; empty before the first exit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyState {
    /// The last exit seen; 0 before the first.
    pub(super) exit: usize,
    /// P_m of Eq. 2: the number of exits in a row, up to this one, that agree.
    pub(super) run: usize,
    /// The class of the last exit.
    pub(super) label: usize,
    /// A counter of the rule's own.
    pub(super) count: usize,
    /// Numbers of the rule's own.
    pub(super) memory: Vec<f64>,
    /// The output of the exit before, in the form that the rule compares.
    pub(super) previous: Vec<f64>,
    /// The most confident exit so far: its confidence, class and probabilities.
    pub(super) best: (f64, usize, Vec<f64>),
    /// A sum of probabilities, for an ensemble.
    pub(super) sum: Vec<f64>,
}

impl PolicyState {
    /// P_m of Eq. 2: the number of exits in a row, up to the current one, that predict the same class; at least 1 inside
    /// [`ExitRule::signal`].
    pub fn agreement(&self) -> usize {
        self.run
    }

    /// Numbers that a rule keeps from exit to exit; empty before the first.
    pub fn memory(&mut self) -> &mut Vec<f64> {
        &mut self.memory
    }

    /// As before the first exit, with the memory still allocated.
    pub(crate) fn reset(&mut self) {
        (self.exit, self.run, self.label, self.count, self.best.0) = (0, 0, 0, 0, 0.0);
        for part in [&mut self.memory, &mut self.previous, &mut self.best.2, &mut self.sum] {
            part.clear();
        }
    }

    /// The greatest of the last `length` levels, this one included; NaN before there are so many.
    pub(super) fn greatest_of_last(&mut self, length: usize, level: f64) -> f64 {
        self.memory.push(level);
        match self.memory.len().checked_sub(length) {
            Some(first) => self.memory[first..].iter().copied().fold(f64::NEG_INFINITY, f64::max),
            None => f64::NAN,
        }
    }
}

/// Checks a patience against 1 to M.
pub(super) fn check_patience(patience: Option<usize>, exits: usize) -> Result<(), PolicyError> {
    match patience {
        Some(got) if got == 0 || got > exits => {
            let or_never = if got == 0 { ", or `never` for full depth" } else { "" };
            let expected = format!("1 to {exits} (the number of exits){or_never}");
            Err(PolicyError::range("patience", expected, got))
        }
        _ => Ok(()),
    }
}

/// Refuses fewer than two classes.
pub(super) fn check_classes(policy: &str, classes: usize) -> Result<(), PolicyError> {
    if classes < 2 { Err(PolicyError::classes(policy, "at least 2 classes", classes)) } else { Ok(()) }
}
