//! Self-distillation from the last exit (FastBERT: Liu et al., ACL 2020; Phuong and Lampert, ICCV 2019):
//! `L_m = (1 − α) CE_m + α T² KL(softmax(z_M / T) ‖ softmax(z_m / T))` for every exit but the last, whose logits are a constant there.
//!
//! Defaults: α = 0.5, T = 2.

use super::{Recipe, RecipeName, paper};

/// How much exits learn from the last one.
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

pub(super) fn recipe() -> Recipe {
    Recipe { name: RecipeName::Distill, distillation: Some(Distillation::default()), ..paper::recipe() }
}
