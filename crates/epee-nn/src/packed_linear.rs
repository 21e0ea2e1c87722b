//! Linear map with bias, packed for inference.

use crate::kernels::packed::{Converted, Packed};
use crate::{Activation, Linear, Precision, Workspace};

/// `y = x Wᵀ + b` with weights packed once, at a precision: [`Linear`] for inference.
///
/// In `f32` it gives the same bits as [`Linear::forward`].
pub struct PackedLinear(pub(crate) Packed);

impl PackedLinear {
    /// Joins several maps of the same input. Their outputs are side by side.
    pub(crate) fn join(maps: &[&Linear<f32>], precision: Precision) -> PackedLinear {
        let inputs = maps[0].inputs();
        let weights = maps.iter().flat_map(|map| map.weight.data().chunks_exact(inputs)).collect();
        let bias = maps.iter().flat_map(|map| map.bias.data()).copied().collect();
        PackedLinear(Packed::new(weights, bias, inputs, precision))
    }

    /// Outputs per row.
    pub fn outputs(&self) -> usize {
        self.0.outputs
    }

    /// Memory in bytes.
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// `[n, in] → [n, out]`. Reuses the memory of `work` and `y`.
    ///
    /// # Panics
    /// If x does not have whole rows.
    pub fn forward(&self, x: &[f32], work: &mut Workspace, y: &mut Vec<f32>) {
        self.apply(x, Activation::None, None, &mut work.converted, y);
    }

    /// `activation(x Wᵀ + b) + residual`
    pub(crate) fn apply(
        &self,
        x: &[f32],
        activation: Activation,
        residual: Option<&[f32]>,
        converted: &mut Converted,
        y: &mut Vec<f32>,
    ) {
        y.resize(x.len() / self.0.inputs * self.0.outputs, 0.0);
        self.0.product(self.0.convert(x, converted), activation, residual, y);
    }
}

impl Linear<f32> {
    /// The same map with its weights packed.
    pub fn pack(&self, precision: Precision) -> PackedLinear {
        PackedLinear::join(&[self], precision)
    }
}
