//! The learning rate of each parameter, relative to the run's: faster heads, slower lower layers, frozen parameters.

use epee_model::Model;
use epee_nn::Scalar;

use super::{Recipe, Regime, Stage};

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
