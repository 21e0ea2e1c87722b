//! The options of a training run, each written once: this struct is the TOML file, the grid's lists, the JSON schema and,
//! with the feature `clap`, the command line. A field's doc comment is its description in all of them.

use std::fmt;

use epee_exit::Metric;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::augmentation::Augmentation;
use crate::named::named_enum;
use crate::{ClassWeights, Distillation, Error, ExitWeights, Recipe, RecipeName, Regime};

named_enum! {
    /// The criterion by which the best epoch's model is chosen.
    #[derive(Default)]
    pub enum Select ("select") {
        /// The best single exit on dev.
        BestExit = "best-exit",
        /// The mean of all exits on dev, exit m with weight m (Eq. 4).
        #[default]
        WeightedMean = "weighted-mean",
    }
}

/// Defines [`TrainOptions`]: for each option its type, its default, and on the command line the name of its value, the heading
/// and more settings.
macro_rules! options {
    ($($(#[$meta:meta])* $name:ident: $type:ty = $default:expr, $value:literal $(in $heading:literal)? $([$($more:tt)*])?;)+) => {
        /// The settings of a training run.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        #[cfg_attr(feature = "clap", derive(clap::Args))]
        pub struct TrainOptions {
            $($(#[$meta])*
            #[cfg_attr(feature = "clap", arg(long, value_name = $value $(, help_heading = $heading)? $(, $($more)*)?))]
            pub $name: $type,)+
        }

        impl Default for TrainOptions {
            fn default() -> TrainOptions {
                TrainOptions { $($name: $default),+ }
            }
        }
    };
}

options! {
    /// Passes over the training split.
    epochs: usize = 15, "N";
    /// Sequences per step.
    batch_size: usize = 16, "N";
    /// Tokens per step, in place of a number of sequences; sequences of similar length share a batch.
    batch_tokens: Option<usize> = None, "N" [conflicts_with = "batch_size"];
    /// Peak learning rate.
    learning_rate: f64 = 3e-5, "RATE";
    /// Warm-up, as a share of the steps; then the learning rate falls linearly to 0.
    warmup: f64 = 0.1, "SHARE";
    /// AdamW's decoupled weight decay.
    weight_decay: f64 = 0.0, "RATE";
    /// Largest norm of the gradient; a large number turns clipping off.
    clip: f64 = 1.0, "NORM";
    /// Longest text in tokens, at most the model's positions; the rest is cut off.
    max_tokens: usize = 512, "N";
    /// Seed of fresh weights, batch order, dropout and augmentation.
    seed: u64 = 1, "N";
    /// Criterion for the best epoch, whose model is kept.
    select: Select = Select::default(), "NAME";
    /// Metric on dev for the best epoch: macro_f1, micro_f1 or accuracy.
    #[schemars(with = "String", extend("enum" = [Metric::MacroF1, Metric::MicroF1, Metric::Accuracy]))]
    metric: Metric = Metric::default(), "NAME";
    /// Stop after so many epochs without a better model on dev; with two stages, counted in the second.
    early_stopping: Option<usize> = None, "N";
    /// Recipe for training exits: it sets the defaults of the options below.
    recipe: RecipeName = RecipeName::default(), "NAME" in "Recipe";
    /// Weights of the exits' losses.
    exit_weights: Option<ExitWeights> = None, "NAME" in "Recipe";
    /// First of two stages, as a share of the epochs; 0.5 by default.
    first_stage: Option<f64> = None, "SHARE" in "Recipe";
    /// Self-distillation from the last exit, as a share α of each exit's loss; 0 by default, 0.5 in recipe distill.
    distill_weight: Option<f64> = None, "SHARE" in "Recipe";
    /// Temperature of self-distillation; 2 by default.
    distill_temperature: Option<f64> = None, "T" in "Recipe";
    /// Scale each exit's gradient to the same norm where it enters the backbone.
    balance: Option<bool> = None, "BOOL" in "Recipe";
    /// Learning-rate multiplier for exit heads; 1 by default, 10 in recipe head-rate.
    head_rate: Option<f64> = None, "FACTOR" in "Recipe";
    /// Learning-rate multiplier from each layer to the one below; 1 by default, 0.9 in recipe layer-decay.
    layer_decay: Option<f64> = None, "FACTOR" in "Recipe";
    /// Weights of the classes in the loss.
    class_weights: Option<ClassWeights> = None, "NAME" in "Recipe";
    /// Label smoothing: the share of a label that is spread over all classes; 0 by default.
    label_smoothing: Option<f64> = None, "SHARE" in "Recipe";
    /// Train a learned exit head beside the classifiers, for the policy berxit.
    exit_head: Option<bool> = None, "BOOL" in "Recipe";
    /// Mirror each image left to right with probability ½.
    flip: bool = false, "BOOL" in "Images"
        [action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true"];
    /// Shift each image by up to so many pixels in both directions.
    shift: usize = 0, "N" in "Images";
    /// Mix-up: mix images in pairs with a share drawn from Beta(α, α) for each batch; 0 turns it off.
    mixup: f64 = 0.0, "ALPHA" in "Images";
}

impl TrainOptions {
    /// The recipe: the defaults of its name, with the options that are set.
    ///
    /// ```
    /// use epee_train::{RecipeName, TrainOptions};
    /// let options = TrainOptions { recipe: RecipeName::Distill, distill_temperature: Some(4.0), ..TrainOptions::default() };
    /// let distillation = options.recipe().distillation.unwrap();
    /// assert_eq!((distillation.weight, distillation.temperature), (0.5, 4.0));
    /// ```
    pub fn recipe(&self) -> Recipe {
        let base = self.recipe.recipe();
        let weight = self.distill_weight.unwrap_or_else(|| base.distillation.map_or(0.0, |d| d.weight));
        let temperature = self.distill_temperature.unwrap_or(Distillation::default().temperature);
        Recipe {
            exit_weights: self.exit_weights.unwrap_or(base.exit_weights),
            first_stage: self.first_stage.unwrap_or(base.first_stage),
            distillation: (weight != 0.0).then_some(Distillation { weight, temperature }),
            balance: self.balance.unwrap_or(base.balance),
            head_rate: self.head_rate.unwrap_or(base.head_rate),
            layer_decay: self.layer_decay.unwrap_or(base.layer_decay),
            class_weights: self.class_weights.unwrap_or(base.class_weights),
            label_smoothing: self.label_smoothing.unwrap_or(base.label_smoothing),
            exit_head: self.exit_head.unwrap_or(base.exit_head),
            ..base
        }
    }

    /// The augmentation of images.
    pub fn augmentation(&self) -> Augmentation {
        Augmentation { flip: self.flip, shift: self.shift, mixup: self.mixup }
    }

    /// Refuses values out of range and options that contradict each other.
    ///
    /// # Errors
    /// [`Error::Option`] with the option, the expected range and the value.
    pub fn check(&self) -> Result<(), Error> {
        let recipe = self.recipe();
        let Recipe { first_stage, head_rate, layer_decay, label_smoothing, exit_weights, .. } = &recipe;
        let positive = |x: &f64| x.is_finite() && *x > 0.0;
        let from_zero = |x: &f64| x.is_finite() && *x >= 0.0;
        let stages = recipe.has_stages();
        let joint = matches!(recipe.regime, Regime::Joint | Regime::Mixed);
        let balanced = recipe.balance && recipe.regime == Regime::TwoStage;
        let has_teacher = self.distill_temperature.is_none() || recipe.distillation.is_some();
        let Distillation { weight, temperature } = &recipe.distillation.unwrap_or_default();
        let with_recipe = |value: &dyn fmt::Display, why: &str| format!("{value} with recipe {}{why}", recipe.name);
        let own_weights = with_recipe(exit_weights, ", which has weights of its own");
        let one_stage = with_recipe(first_stage, ", which has one stage");
        let one_exit = with_recipe(&true, ", whose steps reach the backbone from one exit at most");
        let short = with_recipe(&self.epochs, "");
        let two_stages = "at least 2 with a recipe of two stages, one for each";
        let checks: [(&'static str, bool, &str, &dyn fmt::Display); 21] = [
            ("epochs", (1..=1_000_000).contains(&self.epochs), "1 to 1000000", &self.epochs),
            ("batch_size", self.batch_size > 0, "at least 1", &0),
            ("batch_tokens", self.batch_tokens != Some(0), "at least 1", &0),
            ("learning_rate", positive(&self.learning_rate), "a number above 0", &self.learning_rate),
            ("warmup", (0.0..=1.0).contains(&self.warmup), "a share from 0 to 1", &self.warmup),
            ("weight_decay", from_zero(&self.weight_decay), "a number from 0", &self.weight_decay),
            ("clip", positive(&self.clip), "a finite number above 0", &self.clip),
            ("max_tokens", self.max_tokens >= 3, "at least 3", &self.max_tokens),
            ("early_stopping", self.early_stopping != Some(0), "at least 1", &0),
            ("mixup", from_zero(&self.mixup), "a number from 0", &self.mixup),
            ("exit_weights", self.exit_weights.is_none() || joint, "none", &own_weights),
            ("first_stage", self.first_stage.is_none() || stages, "recipe two-stage or mixed beside it", &one_stage),
            ("first_stage", *first_stage > 0.0 && *first_stage < 1.0, "a share between 0 and 1", first_stage),
            ("epochs", !stages || self.epochs > 1, two_stages, &short),
            ("balance", !balanced, "false", &one_exit),
            ("distill_temperature", has_teacher, "a distill_weight above 0 beside it", &"none"),
            ("distill_weight", *weight > 0.0 && *weight <= 1.0, "a share from 0 to 1", weight),
            ("distill_temperature", positive(temperature), "a number above 0", temperature),
            ("head_rate", positive(head_rate), "a number above 0", head_rate),
            ("layer_decay", *layer_decay > 0.0 && *layer_decay <= 1.0, "a number above 0, at most 1", layer_decay),
            ("label_smoothing", (0.0..1.0).contains(label_smoothing), "a share from 0, below 1", label_smoothing),
        ];
        match checks.into_iter().find(|(_, holds, ..)| !holds) {
            Some((name, _, expected, got)) => Err(Error::option(name, expected, got.to_string())),
            None => Ok(()),
        }
    }
}

/// A line for the model card.
impl fmt::Display for TrainOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TrainOptions { epochs, batch_size, learning_rate, clip, seed, weight_decay, shift, mixup, .. } = self;
        let batch = self.batch_tokens.map_or_else(|| batch_size.to_string(), |tokens| format!("{tokens} tokens"));
        let (recipe, warmup) = (self.recipe(), 100.0 * self.warmup);
        write!(f, "{recipe}; {epochs} epochs, batch {batch}, AdamW at {learning_rate} with {warmup} % warm-up ")?;
        write!(f, "and linear decay, clip {clip}, seed {seed}")?;
        if *weight_decay > 0.0 {
            write!(f, ", weight decay {weight_decay}")?;
        }
        if let Some(epochs) = self.early_stopping {
            write!(f, "; early stopping after {epochs} epochs without a better one")?;
        }
        if self.flip {
            write!(f, ", images mirrored")?;
        }
        if *shift > 0 {
            write!(f, ", images shifted by up to {shift} pixels")?;
        }
        if *mixup > 0.0 {
            write!(f, ", mix-up {mixup}")?;
        }
        Ok(())
    }
}
