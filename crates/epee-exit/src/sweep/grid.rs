//! The settings of a sweep.

use crate::policy::{Ensemble, Policy, PolicyError, PolicyKind, Threshold};
use crate::signals::check_scores;
use crate::trace::Trace;

/// The settings that a sweep tries.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// The built-in policies.
    pub kinds: Vec<PolicyKind>,
    /// Policies of the caller's own, see [`Policy::custom`]; each is tried with the grid's thresholds in place of its own.
    pub custom: Vec<Policy>,
    /// M.
    pub exits: usize,
    /// K.
    pub classes: usize,
    /// Thresholds for every policy that has one, `None` among them for never; each policy's own list if this is `None`.
    pub thresholds: Option<Vec<Option<f64>>>,
    /// Patiences (windows, for ELBERT), likewise; 1 to M and never if this is `None`.
    pub patiences: Option<Vec<Option<usize>>>,
    /// How answers are combined.
    pub ensemble: Ensemble,
}

/// The built-in policies that can run on a trace, except full depth: BERxiT needs scores, ELBERT two classes.
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
    let Some(family) = Grid::standard(exits, classes).families(kind).into_iter().next() else {
        let (policy, needs) = (kind.name().to_owned(), "more exits to compare".to_owned());
        return Err(PolicyError::Unfit { policy, needs, got: exits.to_string() });
    };
    family.check(exits, classes)?;
    check_scores(&family, trace)
}

impl Grid {
    /// EPEE with thresholds 0, 0.05, … 1, patience 1 to M and never, for a model of M `exits` and K `classes`.
    pub fn standard(exits: usize, classes: usize) -> Self {
        let kinds = vec![PolicyKind::Epee];
        let (custom, ensemble) = (Vec::new(), Ensemble::None);
        Grid { kinds, custom, exits, classes, thresholds: None, patiences: None, ensemble }
    }

    /// The same grid for other built-in policies.
    #[must_use]
    pub fn with_kinds(mut self, kinds: impl IntoIterator<Item = PolicyKind>) -> Self {
        self.kinds = kinds.into_iter().collect();
        self
    }

    /// The thresholds of a built-in policy; none if it has no settings for this model.
    pub fn thresholds_of(&self, kind: PolicyKind) -> Vec<Option<f64>> {
        self.families(kind).first().map(|family| self.thresholds(family)).unwrap_or_default()
    }

    fn thresholds(&self, family: &Policy) -> Vec<Option<f64>> {
        let own = || family.rule.thresholds(self.exits, self.classes).into_iter().map(Some).collect();
        self.thresholds.clone().unwrap_or_else(own)
    }

    /// The patiences.
    pub fn patiences(&self) -> Vec<Option<usize>> {
        self.patiences.clone().unwrap_or_else(|| (1..=self.exits).map(Some).chain([None]).collect())
    }

    /// The settings of a built-in policy without their thresholds.
    pub fn families(&self, kind: PolicyKind) -> Vec<Policy> {
        let rules = kind.families(self.exits, self.classes, &self.patiences());
        rules.into_iter().map(|rule| Policy::new(rule, Threshold::Never).with_ensemble(self.ensemble)).collect()
    }

    /// The settings in order: policy by policy, patience by patience, threshold by threshold.
    pub fn policies(&self) -> Vec<Policy> {
        let custom = self.custom.iter().map(|policy| policy.with_ensemble(self.ensemble));
        let families = self.kinds.iter().flat_map(|&kind| self.families(kind)).chain(custom);
        let mut policies = Vec::new();
        for family in families {
            if family.threshold().is_some() {
                policies.extend(self.thresholds(&family).into_iter().map(|t| family.with_threshold(t)));
            } else {
                policies.push(family);
            }
        }
        policies
    }
}
