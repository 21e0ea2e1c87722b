//! The affine map with weights packed for inference.

use crate::kernels::packed::{Converted, Packed};
use crate::{Activation, Linear, Precision, Workspace};

/// `y = x Wᵀ + b` at a precision, with weights packed once: [`Linear`]'s inference side.
///
/// In `f32` it gives the bits [`Linear::forward`] gives.
pub struct PackedLinear(pub(crate) Packed);

impl PackedLinear {
    /// Several maps of the same input as one, their outputs side by side.
    pub(crate) fn join(maps: &[&Linear<f32>], precision: Precision) -> PackedLinear {
        let inputs = maps[0].inputs();
        let weights = maps.iter().flat_map(|map| map.weight().data().chunks_exact(inputs)).collect();
        let bias = maps.iter().flat_map(|map| map.bias().data()).copied().collect();
        PackedLinear(Packed::new(weights, bias, inputs, precision))
    }

    /// Outputs per row.
    pub fn outputs(&self) -> usize {
        self.0.outputs()
    }

    /// Bytes it takes.
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// `[n, in] → [n, out]`, into memory that grows to the largest use and stays.
    ///
    /// # Panics
    /// Where x does not hold whole rows.
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
        y.resize(x.len() / self.0.inputs() * self.0.outputs(), 0.0);
        self.0.product(self.0.convert(x, converted), activation, residual, y);
    }
}

impl Linear<f32> {
    /// The same map with its weights packed.
    pub fn pack(&self, precision: Precision) -> PackedLinear {
        PackedLinear::join(&[self], precision)
    }
}
