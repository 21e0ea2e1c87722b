//! The paper's recipe (Eq. 4): all exits in every step, exit m counting m. `uniform` and `late` change what exits count
//! ([`ExitWeights`]) and nothing else.

use super::{ClassWeights, ExitWeights, Recipe, RecipeName, Regime};

pub(super) fn recipe() -> Recipe {
    Recipe {
        name: RecipeName::Paper,
        regime: Regime::Joint,
        exit_weights: ExitWeights::Depth,
        first_stage: 0.5,
        distillation: None,
        balance: false,
        head_rate: 1.0,
        layer_decay: 1.0,
        class_weights: ClassWeights::None,
        label_smoothing: 0.0,
        exit_head: false,
    }
}
