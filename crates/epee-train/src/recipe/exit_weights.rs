//! What each exit's loss counts in a joint step.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What each exit's loss counts: `L = Σ_m w_m L_m / Σ_m w_m`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExitWeights {
    /// `w_m = m`, what exit m costs: Eq. 4 of the paper.
    #[default]
    Depth,
    /// `w_m = 1`.
    Uniform,
    /// `w_m = m²`: the deeper exits count most.
    Late,
}

impl ExitWeights {
    /// All of them.
    pub const ALL: [ExitWeights; 3] = [ExitWeights::Depth, ExitWeights::Uniform, ExitWeights::Late];

    /// `w_m / Σ w` of so many exits.
    ///
    /// ```
    /// use epee_train::ExitWeights;
    /// assert_eq!(ExitWeights::Depth.of(4), [0.1, 0.2, 0.3, 0.4]);
    /// assert_eq!(ExitWeights::Uniform.of(4), [0.25; 4]);
    /// assert_eq!(ExitWeights::Late.of(3), [1.0 / 14.0, 4.0 / 14.0, 9.0 / 14.0]);
    /// ```
    pub fn of(self, exits: usize) -> Vec<f64> {
        let weight = |m: usize| match self {
            ExitWeights::Depth => m as f64,
            ExitWeights::Uniform => 1.0,
            ExitWeights::Late => (m * m) as f64,
        };
        normalised((1..=exits).map(weight))
    }
}

impl ExitWeights {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            ExitWeights::Depth => "depth",
            ExitWeights::Uniform => "uniform",
            ExitWeights::Late => "late",
        }
    }
}

impl fmt::Display for ExitWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The last exit alone.
pub(super) fn last(exits: usize) -> Vec<f64> {
    (1..=exits).map(|m| f64::from(u8::from(m == exits))).collect()
}

pub(super) fn normalised(weights: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let total: f64 = weights.clone().sum();
    weights.map(|weight| weight / total).collect()
}
