//! The outputs of a model for a batch, and their gradients.

use epee_nn::{Scalar, Tensor};

/// The outputs of every exit for a batch of B sequences.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs<T: Scalar = f32> {
    /// Logits, M times `[B, K]`.
    pub logits: Vec<Tensor<T>>,
    /// The learned exit head's outputs before the sigmoid, M times `[B, 1]`; empty if there is none.
    pub scores: Vec<Tensor<T>>,
}

/// The gradients at [`Outputs`]. The backward pass skips exits without a gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputGradients<T: Scalar = f32> {
    /// At the logits, M times `[B, K]` or nothing.
    pub logits: Vec<Option<Tensor<T>>>,
    /// At the scores before the sigmoid, M times `[B, 1]` or nothing; may be empty.
    pub scores: Vec<Option<Tensor<T>>>,
}

impl<T: Scalar> From<Vec<Tensor<T>>> for OutputGradients<T> {
    /// Gradients at the logits of every exit, M times `[B, K]`, and none at scores.
    fn from(dlogits: Vec<Tensor<T>>) -> OutputGradients<T> {
        OutputGradients { logits: dlogits.into_iter().map(Some).collect(), scores: Vec::new() }
    }
}

/// How the exits' gradients are combined before they enter the backbone, at the rows that the exits read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackboneGradient {
    /// Added: the gradient of the loss.
    #[default]
    Joint,
    /// Scaled to equal norm, then added: `c_m g_m` with `c_m = mean_j ‖g_j‖ / ‖g_m‖`, for each exit's gradient `g_m` `[B, d]` and its
    /// Euclidean norm. The mean is over the exits that have a gradient. Classifiers, poolers and the exits' norm get unscaled gradients.
    Balanced,
    /// Dropped: only classifiers, poolers and the exits' norm get gradients, the backbone gets none.
    Frozen,
}

impl BackboneGradient {
    /// Scales gradients `[B, d]` at the rows that the exits read.
    pub(crate) fn scale<T: Scalar>(self, gradients: &mut [Option<Tensor<T>>]) {
        if self != BackboneGradient::Balanced {
            return;
        }
        let norms: Vec<f64> = gradients.iter().flatten().map(Tensor::norm).collect();
        let mean = norms.iter().sum::<f64>() / norms.len() as f64;
        for (g, norm) in gradients.iter_mut().flatten().zip(norms) {
            // A gradient of zero stays zero.
            g.scale(T::of(if norm > 0.0 { mean / norm } else { 0.0 }));
        }
    }
}
