//! Training recipes: which losses a step adds up, and which parameters it moves.
//!
//! A [`RecipeName`] is a set of defaults. A [`Recipe`] is those defaults with the user's changes: a plain value that the
//! training loop asks for the objective of a step ([`Recipe::objective`]) and the learning rate of a parameter
//! ([`Recipe::rate_factor`]).

mod name;
#[cfg(test)]
mod tests;
mod weights;

use std::fmt;

use epee_model::{BackboneGradient, Config, ExitConfig, Model, PoolerKind};
use epee_nn::Scalar;

pub use name::RecipeName;
pub use weights::{ClassWeights, ExitWeights};

/// The order in which exits are trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regime {
    /// All exits in every step.
    Joint,
    /// First the last exit, then the others on a frozen backbone (DeeBERT).
    TwoStage,
    /// The last exit in even steps, the others in odd steps (BERxiT).
    Alternating,
    /// First the last exit alone, then all exits.
    Mixed,
}

/// The part of a run that a step belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The first of two.
    First,
    /// The second of two, or the only one.
    Second,
}

/// Self-distillation from the last exit:
/// `L_m = (1 − α) CE_m + α T² KL(softmax(z_M / T) ‖ softmax(z_m / T))` for every exit m but the last, M. The teacher's logits
/// `z_M` are constants in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distillation {
    /// α, above 0, at most 1.
    pub weight: f64,
    /// T
    pub temperature: f64,
}

impl Default for Distillation {
    fn default() -> Distillation {
        Distillation { weight: 0.5, temperature: 2.0 }
    }
}

/// The training regime of the exits.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// The name whose defaults it started from.
    pub name: RecipeName,
    /// The order in which exits are trained.
    pub regime: Regime,
    /// Weights of the exits in a joint step.
    pub exit_weights: ExitWeights,
    /// The first of two stages, as a share of the epochs.
    pub first_stage: f64,
    /// Self-distillation from the last exit.
    pub distillation: Option<Distillation>,
    /// True if each exit's gradient is scaled to the mean norm of all where it enters the backbone
    /// ([`BackboneGradient::Balanced`]). Heads get their gradients unscaled.
    pub balance: bool,
    /// Factor on the learning rate of classifiers, poolers and the learned exit head.
    pub head_rate: f64,
    /// Factor on the learning rate from each layer to the one below.
    pub layer_decay: f64,
    /// Weights of the classes.
    pub class_weights: ClassWeights,
    /// ε of label smoothing.
    pub label_smoothing: f64,
    /// True if a learned exit head is trained beside the classifiers: its squared error
    /// ([`epee_nn::exit_head_loss`]) is added to each exit's loss. The policy `berxit` reads it.
    pub exit_head: bool,
}

/// The objective of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// The weight of each exit's loss; they add up to 1.
    pub exit_weights: Vec<f64>,
    /// The gradient that reaches the backbone.
    pub backbone: BackboneGradient,
    /// Self-distillation from the last exit.
    pub distillation: Option<Distillation>,
    /// True if the learned exit head is trained.
    pub exit_head: bool,
}

/// The part of a model's shape that decides which parameters move, and how fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelShape {
    /// M, the number of exits.
    pub exits: usize,
    /// Layers with weights of their own; layers that share weights are one.
    pub groups: usize,
    /// True if all exits read through one pooler.
    pub shared_pooler: bool,
}

impl ModelShape {
    /// The shape of a model.
    pub fn of<T: Scalar>(model: &Model<T>) -> ModelShape {
        ModelShape { exits: model.depth(), groups: model.groups(), shared_pooler: model.shares_pooler() }
    }
}

impl Recipe {
    /// The objective of a step (from 0) of a stage, for a model with so many exits.
    pub fn objective(&self, stage: Stage, step: u64, exits: usize) -> Objective {
        let exit_weights = match (self.regime, stage) {
            (Regime::TwoStage, Stage::Second) => weights::others(exits),
            (Regime::TwoStage | Regime::Mixed, Stage::First) => weights::last(exits),
            (Regime::Alternating, _) if step.is_multiple_of(2) => weights::last(exits),
            (Regime::Alternating, _) => weights::others(exits),
            (Regime::Joint | Regime::Mixed, _) => self.exit_weights.of(exits),
        };
        let backbone = match (self.regime, stage) {
            (Regime::TwoStage, Stage::Second) => BackboneGradient::Frozen,
            _ if self.balance => BackboneGradient::Balanced,
            _ => BackboneGradient::Joint,
        };
        Objective { exit_weights, backbone, distillation: self.distillation, exit_head: self.exit_head }
    }

    /// The factor on the learning rate of the parameter `name`; `None` if the parameter is frozen.
    ///
    /// Heads (`exits.*`) have `head_rate`. Layer m of M has `ξ^(M − m)`, embeddings `ξ^M`, with ξ the `layer_decay`.
    pub fn rate_factor(&self, name: &str, stage: Stage, shape: ModelShape) -> Option<f64> {
        if self.regime == Regime::TwoStage && stage == Stage::Second && !moves_in_second_stage(name, shape) {
            return None;
        }
        let head_rate = if name.starts_with("exits.") { self.head_rate } else { 1.0 };
        let layers_above = match index_after(name, "layers.") {
            _ if name.starts_with("embeddings.") => shape.groups,
            Some(m) => shape.groups.saturating_sub(m + 1),
            None => 0,
        };
        Some(head_rate * self.layer_decay.powi(layers_above as i32))
    }

    /// Epochs of the first of two stages, 0 if there is one stage only. Each stage has at least one epoch.
    pub(crate) fn first_epochs(&self, epochs: usize) -> usize {
        let share = (self.first_stage * epochs as f64).round() as usize;
        if self.has_stages() { share.clamp(1, epochs.saturating_sub(1).max(1)) } else { 0 }
    }

    pub(crate) fn has_stages(&self) -> bool {
        matches!(self.regime, Regime::TwoStage | Regime::Mixed)
    }

    /// The exits that this recipe gives a model: the architecture's, with a learned exit head if the recipe trains one. In
    /// `two-stage` every exit has a pooler of its own, because a shared one is frozen with the backbone.
    pub fn exit_config(&self, config: &Config, classes: usize) -> ExitConfig {
        let mut exits = ExitConfig { score: self.exit_head, ..ExitConfig::of(config, classes) };
        if self.regime == Regime::TwoStage && exits.pooler == PoolerKind::Shared {
            exits.pooler = PoolerKind::PerExit;
        }
        exits
    }
}

/// True for the parameters that only exits before the last use: their classifiers, their own poolers, the learned exit head.
fn moves_in_second_stage(name: &str, shape: ModelShape) -> bool {
    let pooler = index_after(name, "exits.poolers.").filter(|_| !shape.shared_pooler);
    let exit = index_after(name, "exits.classifiers.").or(pooler);
    exit.map_or_else(|| name.starts_with("exits.score."), |m| m + 1 < shape.exits)
}

/// The number (from 0) that follows a prefix: 3 in `layers.3.attention.query.weight`.
fn index_after(name: &str, prefix: &str) -> Option<usize> {
    name.strip_prefix(prefix)?.split('.').next()?.parse().ok()
}

/// A line for the model card.
impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Recipe { name, first_stage, exit_weights, .. } = self;
        write!(f, "recipe {name}, ")?;
        match self.regime {
            Regime::Joint => write!(f, "all exits in every step, weights {exit_weights}")?,
            Regime::TwoStage => {
                write!(f, "the last exit for {first_stage} of the epochs, then the others on a frozen backbone")?;
            }
            Regime::Alternating => write!(f, "the last exit and the others in turn")?,
            Regime::Mixed => write!(
                f,
                "the last exit alone for {first_stage} of the epochs, then all of them, weights {exit_weights}"
            )?,
        }
        if let Some(Distillation { weight, temperature }) = self.distillation {
            write!(f, ", distilled from the last exit (weight {weight}, temperature {temperature})")?;
        }
        for (text, applies) in [
            (", exits' gradients balanced".to_owned(), self.balance),
            (format!(", head rate ×{}", self.head_rate), self.head_rate != 1.0),
            (format!(", layer decay {}", self.layer_decay), self.layer_decay != 1.0),
            (format!(", label smoothing {}", self.label_smoothing), self.label_smoothing != 0.0),
            (format!(", class weights {}", self.class_weights), self.class_weights != ClassWeights::None),
            (", a learned exit head".to_owned(), self.exit_head),
        ] {
            if applies {
                f.write_str(&text)?;
            }
        }
        Ok(())
    }
}
