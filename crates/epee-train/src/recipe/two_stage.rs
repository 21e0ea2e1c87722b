//! Two stages (DeeBERT: Xin et al., ACL 2020): the model is trained by its last exit, then the other exits, all counting alike, on a
//! backbone that stands still. In the second stage nothing moves that the last exit reads through, a shared pooler included; in its
//! paper every exit has a pooler of its own (`--pooler per-exit`).
//!
//! Optimiser and learning rate begin anew with the second stage. Default: half of the epochs each.

use super::{Form, Recipe, RecipeName, Regime, exit_weights, paper};

pub(super) fn recipe() -> Recipe {
    Recipe { name: RecipeName::TwoStage, regime: Regime::TwoStage, ..paper::recipe() }
}

/// All exits but the last, alike; the last alone where there is no other.
pub(super) fn others(exits: usize) -> Vec<f64> {
    if exits == 1 {
        return vec![1.0];
    }
    exit_weights::normalised((1..=exits).map(move |m| f64::from(u8::from(m < exits))))
}

/// Whether a parameter moves in the second stage: classifiers and own poolers of all exits but the last, and the learned exit head.
pub(super) fn moves(name: &str, form: Form) -> bool {
    let own = ["exits.classifiers.", "exits.poolers."].iter().find_map(|prefix| name.strip_prefix(prefix));
    let exit = own.and_then(|rest| rest.split('.').next()).and_then(|m| m.parse::<usize>().ok());
    match exit {
        // The last exit reads through it too.
        Some(_) if form.shared_pooler && name.starts_with("exits.poolers.") => false,
        Some(m) => m + 1 < form.exits,
        None => name.starts_with("exits.score."),
    }
}
