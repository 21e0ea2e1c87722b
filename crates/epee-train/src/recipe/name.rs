//! The recipes by name.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ExitWeights, Recipe, alternating, balanced, class_weights, distill, head_rate, layer_decay, mixed, paper, two_stage,
};

/// A recipe's name: the defaults of everything a [`Recipe`] holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RecipeName {
    /// Eq. 4 of the paper.
    Paper,
    /// All exits alike.
    Uniform,
    /// The deeper exits most.
    Late,
    /// DeeBERT's.
    TwoStage,
    /// BERxiT's.
    Alternating,
    /// The backbone first, then all exits.
    Mixed,
    /// Learning from the last exit.
    Distill,
    /// Gradients rescaled per exit.
    Balanced,
    /// A learning rate of their own for the heads.
    #[default]
    HeadRate,
    /// Lower layers learn more slowly.
    LayerDecay,
    /// Rare classes count more.
    ClassWeights,
}

impl RecipeName {
    /// All of them.
    pub const ALL: [RecipeName; 11] = [
        RecipeName::Paper,
        RecipeName::Uniform,
        RecipeName::Late,
        RecipeName::TwoStage,
        RecipeName::Alternating,
        RecipeName::Mixed,
        RecipeName::Distill,
        RecipeName::Balanced,
        RecipeName::HeadRate,
        RecipeName::LayerDecay,
        RecipeName::ClassWeights,
    ];

    /// Its defaults.
    pub fn recipe(self) -> Recipe {
        match self {
            RecipeName::Paper => paper::recipe(),
            RecipeName::Uniform => Recipe { name: self, exit_weights: ExitWeights::Uniform, ..paper::recipe() },
            RecipeName::Late => Recipe { name: self, exit_weights: ExitWeights::Late, ..paper::recipe() },
            RecipeName::TwoStage => two_stage::recipe(),
            RecipeName::Alternating => alternating::recipe(),
            RecipeName::Mixed => mixed::recipe(),
            RecipeName::Distill => distill::recipe(),
            RecipeName::Balanced => balanced::recipe(),
            RecipeName::HeadRate => head_rate::recipe(),
            RecipeName::LayerDecay => layer_decay::recipe(),
            RecipeName::ClassWeights => class_weights::recipe(),
        }
    }

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            RecipeName::Paper => "paper",
            RecipeName::Uniform => "uniform",
            RecipeName::Late => "late",
            RecipeName::TwoStage => "two-stage",
            RecipeName::Alternating => "alternating",
            RecipeName::Mixed => "mixed",
            RecipeName::Distill => "distill",
            RecipeName::Balanced => "balanced",
            RecipeName::HeadRate => "head-rate",
            RecipeName::LayerDecay => "layer-decay",
            RecipeName::ClassWeights => "class-weights",
        }
    }

    /// What it does, in a line.
    pub fn summary(self) -> &'static str {
        match self {
            RecipeName::Paper => "all exits in every step, exit m counts m (Eq. 4)",
            RecipeName::Uniform => "all exits in every step, all count alike",
            RecipeName::Late => "all exits in every step, exit m counts m²",
            RecipeName::TwoStage => "the last exit, then the others on a frozen backbone (DeeBERT)",
            RecipeName::Alternating => "the last exit and the others in turn, a learned exit head (BERxiT)",
            RecipeName::Mixed => "the last exit alone, then all exits as in Eq. 4",
            RecipeName::Distill => "Eq. 4, and every exit learns from the last one",
            RecipeName::Balanced => "Eq. 4, exits' gradients brought to one norm where they enter the backbone",
            RecipeName::HeadRate => "Eq. 4, heads learn ten times as fast as the backbone",
            RecipeName::LayerDecay => "Eq. 4, each layer learns 0.9 times as fast as the one above",
            RecipeName::ClassWeights => "Eq. 4, rare classes count more",
        }
    }
}

impl fmt::Display for RecipeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RecipeName {
    type Err = String;
    fn from_str(text: &str) -> Result<RecipeName, String> {
        RecipeName::ALL.into_iter().find(|name| name.as_str() == text).ok_or_else(|| {
            let names: Vec<&str> = RecipeName::ALL.iter().map(|name| name.as_str()).collect();
            format!("expected one of {}, got `{text}`", names.join(", "))
        })
    }
}
