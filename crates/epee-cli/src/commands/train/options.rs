//! The flags that are a run's options.

use std::path::Path;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use epee_exit::Metric;
use epee_train::{ClassWeights, ExitWeights, RecipeName, Select, TrainOptions, check_options, read_options};

/// The options of a run; those left out are taken from --config, else from the recipe or the defaults.
#[derive(clap::Args)]
pub(super) struct OptionArgs {
    /// Passes over the training split [default: 15]
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Sequences per step [default: 16]
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// Tokens per step, of sequences of about the same length, in place of --batch-size
    #[arg(long, value_name = "N", conflicts_with = "batch_size")]
    batch_tokens: Option<usize>,
    /// Peak of the learning rate [default: 3e-5]
    #[arg(long, value_name = "RATE")]
    learning_rate: Option<f64>,
    /// Share of the steps until the peak; then linear decay to 0 [default: 0.1]
    #[arg(long, value_name = "SHARE")]
    warmup: Option<f64>,
    /// Decoupled weight decay [default: 0]
    #[arg(long, value_name = "RATE")]
    weight_decay: Option<f64>,
    /// The gradient's greatest norm, a large number for none [default: 1]
    #[arg(long, value_name = "NORM")]
    clip: Option<f64>,
    /// Tokens a text is cut to, at most the model's positions [default: 512]
    #[arg(long, value_name = "N")]
    max_tokens: Option<usize>,
    /// Seed of fresh weights, order, dropout and augmentation [default: 1]
    #[arg(long)]
    seed: Option<u64>,
    /// Which model is kept: of the best single exit, or of the best mean, exit m weighted m [default: weighted-mean]
    #[arg(long, value_enum)]
    select: Option<SelectArg>,
    /// The metric models are compared by on dev: macro_f1, micro_f1 or accuracy [default: macro_f1]
    #[arg(long)]
    metric: Option<Metric>,
    /// Epochs without a better model on dev after which the run ends [default: never]
    #[arg(long, value_name = "N")]
    early_stopping: Option<usize>,
    /// How exits are trained: the defaults of the flags from here to --exit-head; in two-stage of --pooler too, where there is one [default: head-rate]
    #[arg(long, value_enum, value_name = "NAME", help_heading = "Recipe")]
    recipe: Option<RecipeArg>,
    /// What each exit's loss counts: depth m, uniform 1, late m²
    #[arg(long, value_enum, value_name = "NAME", help_heading = "Recipe")]
    exit_weights: Option<ExitWeightsArg>,
    /// Share of the epochs that the first of two stages takes [default: 0.5]
    #[arg(long, value_name = "SHARE", help_heading = "Recipe")]
    first_stage: Option<f64>,
    /// Share of an exit's loss that is learning from the last exit, 0 for none [default: 0, of distill 0.5]
    #[arg(long, value_name = "SHARE", help_heading = "Recipe")]
    distill_weight: Option<f64>,
    /// Temperature of learning from the last exit [default: 2]
    #[arg(long, value_name = "T", help_heading = "Recipe")]
    distill_temperature: Option<f64>,
    /// Whether exits' gradients are brought to one norm where they enter the backbone
    #[arg(long, value_name = "BOOL", help_heading = "Recipe")]
    balance: Option<bool>,
    /// What the heads' learning rate is multiplied with [default: 1, of head-rate 10]
    #[arg(long, value_name = "FACTOR", help_heading = "Recipe")]
    head_rate: Option<f64>,
    /// What the learning rate shrinks by from each layer to the one below [default: 1, of layer-decay 0.9]
    #[arg(long, value_name = "FACTOR", help_heading = "Recipe")]
    layer_decay: Option<f64>,
    /// What each class counts: none all alike, balanced one over how often it occurs, sqrt the root of that
    #[arg(long, value_enum, value_name = "NAME", help_heading = "Recipe")]
    class_weights: Option<ClassWeightsArg>,
    /// Share of a label that is spread over all classes [default: 0]
    #[arg(long, value_name = "SHARE", help_heading = "Recipe")]
    label_smoothing: Option<f64>,
    /// Whether a learned exit head is trained beside the classifiers, for the policy berxit
    #[arg(long, value_name = "BOOL", help_heading = "Recipe")]
    exit_head: Option<bool>,
    /// Mirror pictures left to right, each with probability ½
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        help_heading = "Pictures")]
    flip: Option<bool>,
    /// Move pictures by up to N pixels
    #[arg(long, value_name = "N", help_heading = "Pictures")]
    shift: Option<usize>,
    /// Mix pictures in pairs, by a share drawn from Beta(ALPHA, ALPHA) for each batch
    #[arg(long, value_name = "ALPHA", help_heading = "Pictures")]
    mixup: Option<f64>,
}

/// A value of the training crate as clap reads it, and what its help says of it.
macro_rules! value {
    ($arg:ident, $value:ident, $help:expr) => {
        #[derive(Clone, Copy)]
        struct $arg($value);

        impl ValueEnum for $arg {
            fn value_variants<'a>() -> &'a [$arg] {
                const ALL: [$arg; $value::ALL.len()] = {
                    let mut all = [$arg($value::ALL[0]); $value::ALL.len()];
                    let mut i = 0;
                    while i < all.len() {
                        all[i] = $arg($value::ALL[i]);
                        i += 1;
                    }
                    all
                };
                &ALL
            }
            fn to_possible_value(&self) -> Option<PossibleValue> {
                let help: fn($value) -> Option<&'static str> = $help;
                let value = PossibleValue::new(self.0.as_str());
                Some(match help(self.0) {
                    Some(help) => value.help(help),
                    None => value,
                })
            }
        }
    };
}

value!(RecipeArg, RecipeName, |name| Some(name.summary()));
value!(ExitWeightsArg, ExitWeights, |_| None);
value!(ClassWeightsArg, ClassWeights, |_| None);
value!(SelectArg, Select, |_| None);

impl OptionArgs {
    /// Flags over the file over the defaults.
    pub(super) fn resolve(&self, file: Option<&Path>) -> anyhow::Result<TrainOptions> {
        let base: TrainOptions = match file {
            Some(path) => read_options(path)?,
            None => TrainOptions::default(),
        };
        let options = TrainOptions {
            epochs: self.epochs.unwrap_or(base.epochs),
            batch_size: self.batch_size.unwrap_or(base.batch_size),
            // A number of sequences on the command line goes before a number of tokens in the file.
            batch_tokens: self.batch_tokens.or(base.batch_tokens.filter(|_| self.batch_size.is_none())),
            learning_rate: self.learning_rate.unwrap_or(base.learning_rate),
            warmup: self.warmup.unwrap_or(base.warmup),
            weight_decay: self.weight_decay.unwrap_or(base.weight_decay),
            clip: self.clip.unwrap_or(base.clip),
            max_tokens: self.max_tokens.unwrap_or(base.max_tokens),
            seed: self.seed.unwrap_or(base.seed),
            select: self.select.map_or(base.select, |select| select.0),
            metric: self.metric.unwrap_or(base.metric),
            early_stopping: self.early_stopping.or(base.early_stopping),
            recipe: self.recipe.map_or(base.recipe, |recipe| recipe.0),
            exit_weights: self.exit_weights.map(|weights| weights.0).or(base.exit_weights),
            first_stage: self.first_stage.or(base.first_stage),
            distill_weight: self.distill_weight.or(base.distill_weight),
            distill_temperature: self.distill_temperature.or(base.distill_temperature),
            balance: self.balance.or(base.balance),
            head_rate: self.head_rate.or(base.head_rate),
            layer_decay: self.layer_decay.or(base.layer_decay),
            class_weights: self.class_weights.map(|weights| weights.0).or(base.class_weights),
            label_smoothing: self.label_smoothing.or(base.label_smoothing),
            exit_head: self.exit_head.or(base.exit_head),
            flip: self.flip.unwrap_or(base.flip),
            shift: self.shift.unwrap_or(base.shift),
            mixup: self.mixup.unwrap_or(base.mixup),
        };
        check_options(&options, file.map(|path| (path, &base)))?;
        Ok(options)
    }
}
