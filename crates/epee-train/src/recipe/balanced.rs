//! Gradients rescaled per exit: where an exit's gradient enters the backbone it is brought to the mean norm of all exits' ([`epee_model::BackboneGradient::Balanced`]),
//! so that none outweighs the others. ExitConfig and poolers get theirs unscaled.
//!
//! Gradient equilibrium (Li et al., ICCV 2019), which scales every branch by a constant, comes to a constant factor for each layer: AdamW
//! divides it out again.

use super::{Recipe, RecipeName, paper};

pub(super) fn recipe() -> Recipe {
    Recipe { name: RecipeName::Balanced, balance: true, ..paper::recipe() }
}
