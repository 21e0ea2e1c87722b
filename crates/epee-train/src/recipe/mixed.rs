//! The mixed regime (arXiv 2407.14320): the backbone is trained by its last exit alone, then all exits jointly.
//!
//! Optimiser and learning rate begin anew with the second stage. Default: half of the epochs each.

use super::{Recipe, RecipeName, Regime, paper};

pub(super) fn recipe() -> Recipe {
    Recipe { name: RecipeName::Mixed, regime: Regime::Mixed, ..paper::recipe() }
}
