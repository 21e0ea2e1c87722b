//! The eleven recipes and their defaults.

use super::{ClassWeights, Distillation, ExitWeights, Recipe, Regime};
use crate::named::named_enum;

named_enum! {
    /// The name of a recipe: a set of defaults for everything a [`Recipe`] holds. Each differs from `paper` in one respect.
    #[derive(Default)]
    pub enum RecipeName ("recipe") {
        /// All exits in every step; exit m has weight m (Eq. 4 of the paper).
        Paper = "paper",
        /// All exits in every step, with equal weights.
        Uniform = "uniform",
        /// All exits in every step; exit m has weight m².
        Late = "late",
        /// First the last exit; then the others on a frozen backbone (DeeBERT).
        TwoStage = "two-stage",
        /// Even steps train the last exit, odd steps the others; a learned exit head (BERxiT).
        Alternating = "alternating",
        /// First the last exit alone; then all exits as in Eq. 4.
        Mixed = "mixed",
        /// Eq. 4; every exit also learns from the last one.
        Distill = "distill",
        /// Eq. 4; each exit's gradient has the same norm where it enters the backbone.
        Balanced = "balanced",
        /// Eq. 4; exit heads learn ten times as fast as the backbone.
        #[default]
        HeadRate = "head-rate",
        /// Eq. 4; each layer learns 0.9 times as fast as the one above.
        LayerDecay = "layer-decay",
        /// Eq. 4; rare classes have a larger weight.
        ClassWeights = "class-weights",
    }
}

impl RecipeName {
    /// The defaults behind the name.
    ///
    /// - `two-stage`: Xin et al., DeeBERT, ACL 2020. Half of the epochs each; optimiser and learning rate start again with
    ///   the second stage.
    /// - `alternating`: Xin et al., BERxiT, EACL 2021.
    /// - `mixed`: arXiv 2407.14320. Half of the epochs each.
    /// - `distill`: Liu et al., FastBERT, ACL 2020; Phuong and Lampert, ICCV 2019. α = 0.5, T = 2.
    /// - `balanced`: compare gradient equilibrium (Li et al., ICCV 2019). That scales each branch by a constant, which AdamW
    ///   divides out again; this uses the norms of the step.
    /// - `head-rate`: the default, because it has the best results (`docs/results/`).
    /// - `layer-decay`: Howard and Ruder, ULMFiT, ACL 2018. ξ = 0.9.
    pub fn recipe(self) -> Recipe {
        let paper = Recipe {
            name: self,
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
        };
        match self {
            RecipeName::Paper => paper,
            RecipeName::Uniform => Recipe { exit_weights: ExitWeights::Uniform, ..paper },
            RecipeName::Late => Recipe { exit_weights: ExitWeights::Late, ..paper },
            RecipeName::TwoStage => Recipe { regime: Regime::TwoStage, ..paper },
            RecipeName::Alternating => Recipe { regime: Regime::Alternating, exit_head: true, ..paper },
            RecipeName::Mixed => Recipe { regime: Regime::Mixed, ..paper },
            RecipeName::Distill => Recipe { distillation: Some(Distillation::default()), ..paper },
            RecipeName::Balanced => Recipe { balance: true, ..paper },
            RecipeName::HeadRate => Recipe { head_rate: 10.0, ..paper },
            RecipeName::LayerDecay => Recipe { layer_decay: 0.9, ..paper },
            RecipeName::ClassWeights => Recipe { class_weights: ClassWeights::Sqrt, ..paper },
        }
    }
}
