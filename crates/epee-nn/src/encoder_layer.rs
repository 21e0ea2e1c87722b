//! A transformer layer.

use crate::{
    Attention, Dropout, FeedForward, LayerNorm, SavedAttention, SavedFeedForward, SavedNorm, Scalar, Tensor, parameters,
};

/// A post-norm transformer layer, as in BERT:
/// `a = norm_1(x + attention(x))`, `y = norm_2(a + feed_forward(a))`.
#[derive(Clone, Debug)]
pub struct EncoderLayer<T: Scalar> {
    /// Self-attention.
    pub attention: Attention<T>,
    /// After the first residual.
    pub attention_norm: LayerNorm<T>,
    /// The feed-forward block.
    pub feed_forward: FeedForward<T>,
    /// After the second residual.
    pub output_norm: LayerNorm<T>,
}

parameters!(EncoderLayer { attention, attention_norm, feed_forward, output_norm });

/// What [`EncoderLayer::backward`] needs.
#[derive(Debug)]
pub struct SavedLayer<T: Scalar> {
    x: Tensor<T>,
    attention: SavedAttention<T>,
    attention_norm: SavedNorm<T>,
    middle: Tensor<T>,
    feed_forward: SavedFeedForward<T>,
    output_norm: SavedNorm<T>,
}

/// The dropouts of one layer: of the attention probabilities and of the two residual branches.
#[derive(Clone, Copy, Debug)]
pub struct LayerDropout {
    /// On attention probabilities.
    pub attention: Dropout,
    /// On both branches before they are added.
    pub hidden: Dropout,
}

impl LayerDropout {
    /// Off: what inference uses.
    pub fn off() -> LayerDropout {
        LayerDropout { attention: Dropout::off(), hidden: Dropout::off() }
    }
}

impl<T: Scalar> EncoderLayer<T> {
    /// `[n, d] → [n, d]`; sequence i is rows `offsets[i]..offsets[i + 1]`.
    pub fn forward(&self, x: Tensor<T>, offsets: &[usize], dropout: LayerDropout) -> (Tensor<T>, SavedLayer<T>) {
        let (mut branch, attention) = self.attention.forward(&x, offsets, dropout.attention);
        dropout.hidden.site(0).apply_and_add(&mut branch, &x);
        let (middle, attention_norm) = self.attention_norm.forward(branch);
        let (mut branch, feed_forward) = self.feed_forward.forward(&middle);
        dropout.hidden.site(1).apply_and_add(&mut branch, &middle);
        let (y, output_norm) = self.output_norm.forward(branch);
        (y, SavedLayer { x, attention, attention_norm, middle, feed_forward, output_norm })
    }

    /// The gradient at the input; `dropout` is the forward pass's.
    pub fn backward(
        &self,
        dy: &Tensor<T>,
        offsets: &[usize],
        dropout: LayerDropout,
        saved: &SavedLayer<T>,
        grads: &mut EncoderLayer<T>,
    ) -> Tensor<T> {
        let mut dmiddle = self.output_norm.backward(dy, &saved.output_norm, &mut grads.output_norm);
        let mut branch = dmiddle.clone();
        dropout.hidden.site(1).apply(&mut branch);
        dmiddle.add(&self.feed_forward.backward(&branch, &saved.middle, &saved.feed_forward, &mut grads.feed_forward));
        let mut dx = self.attention_norm.backward(&dmiddle, &saved.attention_norm, &mut grads.attention_norm);
        let mut branch = dx.clone();
        dropout.hidden.site(0).apply(&mut branch);
        dx.add(&self.attention.backward(
            &branch,
            &saved.x,
            offsets,
            dropout.attention,
            &saved.attention,
            &mut grads.attention,
        ));
        dx
    }
}
