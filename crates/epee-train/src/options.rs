//! What a run can be told.

use epee_exit::Metric;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::Error;

/// Which model of a run is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Select {
    /// The one whose best single exit is best on dev.
    BestExit,
    /// The one whose exits are best in the mean, weighted as in Eq. 4.
    #[default]
    WeightedMean,
}

/// The settings of a training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrainOptions {
    /// Passes over the training split.
    pub epochs: usize,
    /// Sequences per step.
    pub batch_size: usize,
    /// The peak of the learning rate.
    pub learning_rate: f64,
    /// Share of the steps until the peak, 0 to 1.
    pub warmup: f64,
    /// AdamW's decoupled weight decay; the paper's is 0.
    pub weight_decay: f64,
    /// The gradient's greatest norm.
    pub clip: f64,
    /// Tokens a sequence is cut to, at most the model's positions.
    pub max_tokens: usize,
    /// Seed of fresh weights, order and dropout.
    pub seed: u64,
    /// Which model is kept.
    pub select: Select,
    /// What models are compared by on dev.
    #[schemars(schema_with = "metric_schema")]
    pub metric: Metric,
}

fn metric_schema(_: &mut SchemaGenerator) -> Schema {
    let names = [Metric::MacroF1, Metric::MicroF1, Metric::Accuracy].map(Metric::name);
    json_schema!({ "type": "string", "enum": names })
}

impl Default for TrainOptions {
    fn default() -> TrainOptions {
        TrainOptions {
            epochs: 15,
            batch_size: 16,
            learning_rate: 3e-5,
            warmup: 0.1,
            weight_decay: 0.0,
            clip: 1.0,
            max_tokens: 512,
            seed: 1,
            select: Select::default(),
            metric: Metric::default(),
        }
    }
}

impl TrainOptions {
    /// Refuses what cannot be trained with.
    ///
    /// # Errors
    /// [`Error::Option`] with the option, what was expected and what was found.
    pub fn check(&self) -> Result<(), Error> {
        let require = |name: &'static str, holds: bool, expected: &'static str, got: String| {
            if holds { Ok(()) } else { Err(Error::Option { name, expected, got }) }
        };
        let rate = self.learning_rate;
        let epochs = self.epochs.to_string();
        require("epochs", (1..=1_000_000).contains(&self.epochs), "1 to 1000000", epochs)?;
        require("batch-size", self.batch_size > 0, "at least 1", self.batch_size.to_string())?;
        require("learning-rate", rate.is_finite() && rate > 0.0, "a number above 0", rate.to_string())?;
        require("warmup", (0.0..=1.0).contains(&self.warmup), "a share from 0 to 1", self.warmup.to_string())?;
        let decay = self.weight_decay;
        require("weight-decay", decay.is_finite() && decay >= 0.0, "at least 0", decay.to_string())?;
        require("clip", self.clip > 0.0, "a number above 0", self.clip.to_string())?;
        require("max-tokens", self.max_tokens >= 3, "at least 3", self.max_tokens.to_string())
    }
}
