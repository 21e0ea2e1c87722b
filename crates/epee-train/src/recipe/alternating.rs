//! Alternating steps, counted from 0 (BERxiT: Xin et al., EACL 2021): even steps learn from the last exit, odd steps from the others, all counting alike.
//! A learned exit head is trained with the exits of each step: `L_m` becomes `L_m + J_m`, `J_m` its squared error
//! ([`epee_nn::exit_head_loss`]); the policy `berxit` reads it.

use super::{Recipe, RecipeName, Regime, exit_weights, paper, two_stage};

pub(super) fn recipe() -> Recipe {
    Recipe { name: RecipeName::Alternating, regime: Regime::Alternating, exit_head: true, ..paper::recipe() }
}

pub(super) fn weights(exits: usize, step: u64) -> Vec<f64> {
    if step.is_multiple_of(2) { exit_weights::last(exits) } else { two_stage::others(exits) }
}
