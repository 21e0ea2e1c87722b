//! The settings of a sweep, and how people write them.

use crate::policy::{Policy, PolicyKind};

/// Which settings to try.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// The policies.
    pub kinds: Vec<PolicyKind>,
    /// τ for entropy and EPEE; `None` is never.
    pub thresholds: Vec<Option<f64>>,
    /// P_t for patience and EPEE; `None` is never.
    pub patiences: Vec<Option<usize>>,
    /// The exits of budgeted mode.
    pub exits: Vec<usize>,
}

impl Grid {
    /// EPEE with thresholds 0, 0.05, … 1, patience 1 to M and never, for a model of M `exits`; and
    /// all M exits for budgeted mode.
    pub fn standard(exits: usize) -> Self {
        Grid {
            kinds: vec![PolicyKind::Epee],
            thresholds: (0..=20).map(|i| Some(f64::from(i) / 20.0)).collect(),
            patiences: (1..=exits).map(Some).chain([None]).collect(),
            exits: (1..=exits).collect(),
        }
    }

    /// The same grid for other policies.
    #[must_use]
    pub fn with_kinds(mut self, kinds: impl IntoIterator<Item = PolicyKind>) -> Self {
        self.kinds = kinds.into_iter().collect();
        self
    }

    /// The settings in order: policy by policy, patience by patience, threshold by threshold. An
    /// entropy or patience policy whose one part is never is `full`.
    pub fn policies(&self) -> Vec<Policy> {
        let mut policies = Vec::new();
        for kind in &self.kinds {
            match kind {
                PolicyKind::Full => policies.push(Policy::Full),
                PolicyKind::Fixed => {
                    policies.extend(self.exits.iter().map(|&exit| Policy::Fixed { exit }));
                }
                PolicyKind::Entropy => policies.extend(
                    self.thresholds
                        .iter()
                        .map(|part| part.map_or(Policy::Full, |threshold| Policy::Entropy { threshold })),
                ),
                PolicyKind::Patience => policies.extend(
                    self.patiences
                        .iter()
                        .map(|part| part.map_or(Policy::Full, |patience| Policy::Patience { patience })),
                ),
                PolicyKind::Epee => {
                    for &patience in &self.patiences {
                        let row = self.thresholds.iter();
                        policies.extend(row.map(|&threshold| Policy::Epee { threshold, patience }));
                    }
                }
            }
        }
        policies
    }
}
