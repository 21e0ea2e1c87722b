//! Weights against imbalance: a row's loss counts what its class does. Default of the recipe: `sqrt`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Recipe, RecipeName, paper};

/// What each class counts. A class that does not occur counts as much as one that occurs once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// All alike.
    #[default]
    None,
    /// `N / (K n_k)`: all classes together count alike (scikit-learn's `balanced`).
    Balanced,
    /// `√(N / (K n_k))`: half way.
    Sqrt,
}

impl ClassWeights {
    /// All of them.
    pub const ALL: [ClassWeights; 3] = [ClassWeights::None, ClassWeights::Balanced, ClassWeights::Sqrt];

    /// What each of `classes` counts.
    ///
    /// ```
    /// use epee_train::ClassWeights;
    /// let labels = [0, 0, 0, 1];
    /// assert_eq!(ClassWeights::Balanced.of(&labels, 2), [4.0 / 6.0, 4.0 / 2.0]);
    /// assert_eq!(ClassWeights::None.of(&labels, 2), [1.0, 1.0]);
    /// ```
    pub fn of(self, labels: &[usize], classes: usize) -> Vec<f64> {
        let mut counts = vec![0usize; classes];
        labels.iter().for_each(|&label| counts[label] += 1);
        let balanced = |n: usize| labels.len() as f64 / (classes * n.max(1)) as f64;
        counts
            .into_iter()
            .map(|n| match self {
                ClassWeights::None => 1.0,
                ClassWeights::Balanced => balanced(n),
                ClassWeights::Sqrt => balanced(n).sqrt(),
            })
            .collect()
    }
}

impl ClassWeights {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            ClassWeights::None => "none",
            ClassWeights::Balanced => "balanced",
            ClassWeights::Sqrt => "sqrt",
        }
    }
}

impl fmt::Display for ClassWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

pub(super) fn recipe() -> Recipe {
    Recipe { name: RecipeName::ClassWeights, class_weights: ClassWeights::Sqrt, ..paper::recipe() }
}
