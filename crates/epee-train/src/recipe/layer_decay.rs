//! Layer-wise decay of the learning rate (Howard and Ruder, ACL 2018): layer m of M learns `ξ^(M − m)` times as fast as the last one, the
//! embeddings `ξ^M` times; heads as the last layer. Where layers share weights, a group of them counts as one. Default: ξ = 0.9.

use super::{Recipe, RecipeName, paper};

pub(super) fn recipe() -> Recipe {
    Recipe { name: RecipeName::LayerDecay, layer_decay: 0.9, ..paper::recipe() }
}

pub(super) fn factor(name: &str, decay: f64, groups: usize) -> f64 {
    let below_last = if name.starts_with("embeddings.") {
        groups
    } else {
        let layer = name.strip_prefix("layers.").and_then(|rest| rest.split('.').next());
        layer.and_then(|m| m.parse::<usize>().ok()).map_or(0, |m| groups.saturating_sub(m + 1))
    };
    decay.powi(below_last as i32)
}
