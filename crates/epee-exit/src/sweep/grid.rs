//! The settings of a sweep.

use crate::policy::{Ensemble, Policy, PolicyError, PolicyKind, Threshold};
use crate::stream::check_scores;
use crate::trace::Trace;

/// Which settings to try.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// The policies.
    pub kinds: Vec<PolicyKind>,
    /// M.
    pub exits: usize,
    /// K.
    pub classes: usize,
    /// Thresholds for every policy that has one, `None` among them for never; each policy's own list where this is `None`.
    pub thresholds: Option<Vec<Option<f64>>>,
    /// Patiences (windows, for ELBERT), likewise; 1 to M and never where this is `None`.
    pub patiences: Option<Vec<Option<usize>>>,
    /// How answers are combined.
    pub ensemble: Ensemble,
}

/// The policies that can run on a trace, but for full depth: BERxiT needs scores, ELBERT two classes.
pub fn runnable(trace: &Trace) -> Vec<PolicyKind> {
    let runs = |kind: &PolicyKind| *kind != PolicyKind::Full && check_runs(*kind, trace).is_ok();
    PolicyKind::ALL.into_iter().filter(runs).collect()
}

/// Why a policy cannot run on a trace.
///
/// # Errors
/// A policy for another number of classes or exits, or one that reads scores the trace lacks.
pub fn check_runs(kind: PolicyKind, trace: &Trace) -> Result<(), PolicyError> {
    let (exits, classes) = (trace.exits(), trace.classes());
    match Grid::standard(exits, classes).families(kind).into_iter().next() {
        Some(family) => check_scores(&family.check(exits, classes)?, trace),
        None => Err(PolicyError::Exits { policy: kind.name(), got: exits }),
    }
}

impl Grid {
    /// EPEE with thresholds 0, 0.05, … 1, patience 1 to M and never, for a model of M `exits` and K `classes`.
    pub fn standard(exits: usize, classes: usize) -> Self {
        let kinds = vec![PolicyKind::Epee];
        Grid { kinds, exits, classes, thresholds: None, patiences: None, ensemble: Ensemble::None }
    }

    /// The same grid for other policies.
    #[must_use]
    pub fn with_kinds(mut self, kinds: impl IntoIterator<Item = PolicyKind>) -> Self {
        self.kinds = kinds.into_iter().collect();
        self
    }

    /// The thresholds of a policy.
    pub fn thresholds_of(&self, kind: PolicyKind) -> Vec<Option<f64>> {
        let own = || kind.thresholds(self.exits, self.classes).into_iter().map(Some).collect();
        self.thresholds.clone().unwrap_or_else(own)
    }

    /// The patiences.
    pub fn patiences(&self) -> Vec<Option<usize>> {
        self.patiences.clone().unwrap_or_else(|| (1..=self.exits).map(Some).chain([None]).collect())
    }

    /// The settings of a policy without their thresholds.
    pub fn families(&self, kind: PolicyKind) -> Vec<Policy> {
        let rules = kind.families(self.exits, self.classes, &self.patiences());
        rules.into_iter().map(|rule| Policy { rule, ensemble: self.ensemble }).collect()
    }

    /// The settings in order: policy by policy, patience by patience, threshold by threshold.
    pub fn policies(&self) -> Vec<Policy> {
        let mut policies = Vec::new();
        for &kind in &self.kinds {
            let thresholds = self.thresholds_of(kind);
            for family in self.families(kind) {
                if family.threshold().is_some() {
                    policies.extend(thresholds.iter().map(|&t| family.with_threshold(Threshold::from(t))));
                } else {
                    policies.push(family);
                }
            }
        }
        policies
    }
}
