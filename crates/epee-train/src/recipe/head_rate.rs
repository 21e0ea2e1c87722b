//! A learning rate of their own for what starts fresh: classifiers, poolers and the learned exit head learn `head_rate` times as fast as
//! the backbone. Default: 10.
//!
//! This is the default recipe, for what RESULTS.md shows: it is the paper's in all else, and its heads are no longer the slowest to learn.

use super::{Recipe, RecipeName, paper};

pub(super) fn recipe() -> Recipe {
    Recipe { name: RecipeName::HeadRate, head_rate: 10.0, ..paper::recipe() }
}

pub(super) fn factor(name: &str, head_rate: f64) -> f64 {
    if name.starts_with("exits.") { head_rate } else { 1.0 }
}
