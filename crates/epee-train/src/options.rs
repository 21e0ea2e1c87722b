//! What a run can be told.

use std::fmt;

use crate::augmentation::Augmentation;
use epee_exit::Metric;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::{ClassWeights, Distillation, Error, ExitWeights, Recipe, RecipeName};

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

impl Select {
    /// Both.
    pub const ALL: [Select; 2] = [Select::BestExit, Select::WeightedMean];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Select::BestExit => "best-exit",
            Select::WeightedMean => "weighted-mean",
        }
    }
}

/// The settings of a training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrainOptions {
    /// Passes over the training split.
    pub epochs: usize,
    /// Sequences per step.
    pub batch_size: usize,
    /// Tokens per step, of sequences of about the same length, in place of a number of sequences.
    pub batch_tokens: Option<usize>,
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
    /// Seed of fresh weights, order, dropout and augmentation.
    pub seed: u64,
    /// Which model is kept.
    pub select: Select,
    /// What models are compared by on dev.
    #[schemars(schema_with = "metric_schema")]
    pub metric: Metric,
    /// Epochs without a better model on dev after which the run ends; in a run of two stages those of the second.
    pub early_stopping: Option<usize>,
    /// The defaults of what follows.
    pub recipe: RecipeName,
    /// What each exit's loss counts.
    pub exit_weights: Option<ExitWeights>,
    /// The share of the epochs that the first of two stages takes.
    pub first_stage: Option<f64>,
    /// α of learning from the last exit, 0 for none.
    pub distill_weight: Option<f64>,
    /// T of learning from the last exit.
    pub distill_temperature: Option<f64>,
    /// Whether exits' gradients are brought to one norm where they enter the backbone.
    pub balance: Option<bool>,
    /// What the heads' learning rate is multiplied with.
    pub head_rate: Option<f64>,
    /// What the learning rate shrinks by from each layer to the one below.
    pub layer_decay: Option<f64>,
    /// What each class counts.
    pub class_weights: Option<ClassWeights>,
    /// ε of label smoothing.
    pub label_smoothing: Option<f64>,
    /// Whether a learned exit head is trained beside the classifiers.
    pub exit_head: Option<bool>,
    /// Whether pictures are mirrored left to right, each with probability ½.
    pub flip: bool,
    /// Pixels a picture is moved by at most, in both directions.
    pub shift: usize,
    /// α of mix-up, 0 for none.
    pub mixup: f64,
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
            batch_tokens: None,
            learning_rate: 3e-5,
            warmup: 0.1,
            weight_decay: 0.0,
            clip: 1.0,
            max_tokens: 512,
            seed: 1,
            select: Select::default(),
            metric: Metric::default(),
            early_stopping: None,
            recipe: RecipeName::default(),
            exit_weights: None,
            first_stage: None,
            distill_weight: None,
            distill_temperature: None,
            balance: None,
            head_rate: None,
            layer_decay: None,
            class_weights: None,
            label_smoothing: None,
            exit_head: None,
            flip: false,
            shift: 0,
            mixup: 0.0,
        }
    }
}

impl TrainOptions {
    /// The recipe by name, with what was asked for besides.
    ///
    /// ```
    /// use epee_train::{RecipeName, TrainOptions};
    /// let options = TrainOptions { recipe: RecipeName::Distill, distill_temperature: Some(4.0), ..TrainOptions::default() };
    /// let distillation = options.recipe().distillation.unwrap();
    /// assert_eq!((distillation.weight, distillation.temperature), (0.5, 4.0));
    /// ```
    pub fn recipe(&self) -> Recipe {
        let base = self.recipe.recipe();
        let teacher = base.distillation.unwrap_or_default();
        let distillation = match self.distill_weight {
            Some(0.0) => None,
            Some(weight) => Some(Distillation { weight, ..teacher }),
            None => base.distillation,
        };
        let temperature =
            |d: Distillation| Distillation { temperature: self.distill_temperature.unwrap_or(d.temperature), ..d };
        Recipe {
            name: self.recipe,
            regime: base.regime,
            exit_weights: self.exit_weights.unwrap_or(base.exit_weights),
            first_stage: self.first_stage.unwrap_or(base.first_stage),
            distillation: distillation.map(temperature),
            balance: self.balance.unwrap_or(base.balance),
            head_rate: self.head_rate.unwrap_or(base.head_rate),
            layer_decay: self.layer_decay.unwrap_or(base.layer_decay),
            class_weights: self.class_weights.unwrap_or(base.class_weights),
            label_smoothing: self.label_smoothing.unwrap_or(base.label_smoothing),
            exit_head: self.exit_head.unwrap_or(base.exit_head),
        }
    }

    /// What is done to pictures.
    pub fn augmentation(&self) -> Augmentation {
        Augmentation { flip: self.flip, shift: self.shift, mixup: self.mixup }
    }

    /// Refuses what cannot be trained with.
    ///
    /// # Errors
    /// [`Error::Option`] with the option, what was expected and what was found.
    pub fn check(&self) -> Result<(), Error> {
        let require = |name, holds: bool, expected, got: String| {
            if holds { Ok(()) } else { Err(Error::option(name, expected, got)) }
        };
        let rate = self.learning_rate;
        let epochs = self.epochs.to_string();
        require("epochs", (1..=1_000_000).contains(&self.epochs), "1 to 1000000", epochs)?;
        require("batch-size", self.batch_size > 0, "at least 1", self.batch_size.to_string())?;
        require("batch-tokens", self.batch_tokens != Some(0), "at least 1", "0".to_owned())?;
        require("learning-rate", rate.is_finite() && rate > 0.0, "a number above 0", rate.to_string())?;
        require("warmup", (0.0..=1.0).contains(&self.warmup), "a share from 0 to 1", self.warmup.to_string())?;
        let decay = self.weight_decay;
        require("weight-decay", decay.is_finite() && decay >= 0.0, "a number from 0", decay.to_string())?;
        require("clip", self.clip.is_finite() && self.clip > 0.0, "a finite number above 0", self.clip.to_string())?;
        require("max-tokens", self.max_tokens >= 3, "at least 3", self.max_tokens.to_string())?;
        require("early-stopping", self.early_stopping != Some(0), "at least 1", "0".to_owned())?;
        require("mixup", self.mixup.is_finite() && self.mixup >= 0.0, "a number from 0", self.mixup.to_string())?;
        let asked = |name: &str| match name {
            "exit_weights" => self.exit_weights.is_some(),
            "first_stage" => self.first_stage.is_some(),
            "distill_temperature" => self.distill_temperature.is_some(),
            _ => false,
        };
        self.recipe().check(self.epochs, asked)
    }
}

/// What the model card says of a run's options.
impl fmt::Display for TrainOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let batch = match self.batch_tokens {
            Some(tokens) => format!("{tokens} tokens"),
            None => self.batch_size.to_string(),
        };
        let warmup = 100.0 * self.warmup;
        write!(
            f,
            "{}; {} epochs, batch {batch}, AdamW at {} with {warmup} % warm-up and linear decay, clip {}, seed {}",
            self.recipe(),
            self.epochs,
            self.learning_rate,
            self.clip,
            self.seed
        )?;
        if self.weight_decay > 0.0 {
            write!(f, ", weight decay {}", self.weight_decay)?;
        }
        if let Some(epochs) = self.early_stopping {
            write!(f, "; early stopping after {epochs} epochs without a better one")?;
        }
        for (said, value) in
            [(self.flip, "mirrored".to_owned()), (self.shift > 0, format!("moved by up to {} pixels", self.shift))]
        {
            if said {
                write!(f, ", pictures {value}")?;
            }
        }
        if self.mixup > 0.0 {
            write!(f, ", mix-up {}", self.mixup)?;
        }
        Ok(())
    }
}
