//! What a model gives for a batch, and the gradients that come back.

use epee_nn::{Scalar, Tensor};

/// What every exit says of a batch of B sequences.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs<T: Scalar = f32> {
    /// Logits, M times `[B, K]`.
    pub logits: Vec<Tensor<T>>,
    /// What the learned exit head says before the sigmoid, M times `[B, 1]`; empty for a model without one.
    pub scores: Vec<Tensor<T>>,
}

/// The gradients at [`Outputs`]. An exit without any adds nothing, and its backward pass is skipped.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputGradients<T: Scalar = f32> {
    /// At the logits, M times `[B, K]` or nothing.
    pub logits: Vec<Option<Tensor<T>>>,
    /// At the scores before the sigmoid, M times `[B, 1]` or nothing; empty where no exit has any.
    pub scores: Vec<Option<Tensor<T>>>,
}

impl<T: Scalar> From<Vec<Tensor<T>>> for OutputGradients<T> {
    /// Gradients at the logits of every exit, M times `[B, K]`, and at no score.
    fn from(dlogits: Vec<Tensor<T>>) -> OutputGradients<T> {
        OutputGradients { logits: dlogits.into_iter().map(Some).collect(), scores: Vec::new() }
    }
}

/// How the exits' gradients come together where they enter the trunk: at the row that each exit reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackboneGradient {
    /// They are added as they are: the gradient of the loss.
    #[default]
    Joint,
    /// `c_m g_m` with `c_m = mean_j ‖g_j‖ / ‖g_m‖`: each exit's gradient `g_m` (`[B, d]`, Euclidean norm over all of it) is scaled to the mean
    /// norm of the exits that have one, so that none drowns the others out. ExitConfig, poolers and the exits' norm get theirs unscaled.
    Balanced,
    /// They stop there: heads, poolers and the exits' norm alone get gradients, the trunk none.
    Frozen,
}

impl BackboneGradient {
    /// Scales gradients `[B, d]` at the rows the exits read.
    pub(crate) fn scale<T: Scalar>(self, gradients: &mut [Option<Tensor<T>>]) {
        if self != BackboneGradient::Balanced {
            return;
        }
        let norms: Vec<f64> = gradients.iter().flatten().map(Tensor::norm).collect();
        let mean = norms.iter().sum::<f64>() / norms.len() as f64;
        for (g, norm) in gradients.iter_mut().flatten().zip(norms) {
            // A gradient of zero has no direction to be scaled along.
            g.scale(T::of(if norm > 0.0 { mean / norm } else { 0.0 }));
        }
    }
}
