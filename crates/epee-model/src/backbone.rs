//! What an architecture must provide.

use epee_nn::{Dropout, Parameters, Scalar, Tensor};

use crate::Batch;

/// A stack of layers that can be stepped through, forward and backward.
///
/// A new architecture implements this and a table of weight names, nothing else.
pub trait Backbone<T: Scalar>: Parameters<T> {
    /// What [`Backbone::embed_backward`] needs.
    type SavedEmbedding;
    /// What [`Backbone::layer_backward`] needs.
    type SavedLayer;

    /// M, the number of layers.
    fn depth(&self) -> usize;

    /// d, the width of a hidden state.
    fn width(&self) -> usize;

    /// The hidden states below the first layer, `[tokens, d]`.
    fn embed(&self, batch: &Batch, dropout: Dropout) -> (Tensor<T>, Self::SavedEmbedding);

    /// Adds the gradient of [`Backbone::embed`] to `grads`.
    fn embed_backward(
        &self,
        dy: &Tensor<T>,
        batch: &Batch,
        dropout: Dropout,
        saved: &Self::SavedEmbedding,
        grads: &mut Self,
    );

    /// Layer m (from 0): `[tokens, d] → [tokens, d]`.
    fn layer(&self, m: usize, x: Tensor<T>, offsets: &[usize], dropout: Dropout) -> (Tensor<T>, Self::SavedLayer);

    /// The gradient at layer m's input.
    fn layer_backward(
        &self,
        m: usize,
        dy: &Tensor<T>,
        offsets: &[usize],
        dropout: Dropout,
        saved: &Self::SavedLayer,
        grads: &mut Self,
    ) -> Tensor<T>;

    /// The name Hugging Face's base model gives to a parameter of this structural name.
    fn checkpoint_name(structural: &str) -> String;
}
