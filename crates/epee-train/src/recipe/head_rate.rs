//! A learning rate of their own for what starts fresh: classifiers, poolers and the learned exit head learn `head_rate` times as fast as
//! the backbone. Default: 10.

use super::{Recipe, RecipeName, paper};

pub(super) fn recipe() -> Recipe {
    Recipe { name: RecipeName::HeadRate, head_rate: 10.0, ..paper::recipe() }
}

pub(super) fn factor(name: &str, head_rate: f64) -> f64 {
    if name.starts_with("exits.") { head_rate } else { 1.0 }
}
