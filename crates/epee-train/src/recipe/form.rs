//! What a recipe has to know of a model.

use epee_model::Model;
use epee_nn::Scalar;

/// What of a model's form decides which parameters move, and how fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// M
    pub exits: usize,
    /// Layers with weights of their own.
    pub groups: usize,
    /// Whether all exits read through one pooler.
    pub shared_pooler: bool,
}

impl Form {
    /// A model's.
    pub fn of<T: Scalar>(model: &Model<T>) -> Form {
        Form { exits: model.depth(), groups: model.groups(), shared_pooler: model.shares_pooler() }
    }
}
