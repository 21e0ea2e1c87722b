//! A transformer layer: self-attention and a feed-forward block, each with a residual sum and a norm.

use crate::{
    Attention, Dropout, FeedForward, LayerNorm, SavedAttention, SavedFeedForward, SavedNorm, Scalar, Tensor, parameters,
};

/// A transformer layer.
///
/// With norms after the residual sums (BERT): `a = norm_1(x + attention(x))`, `y = norm_2(a + feed_forward(a))`.
/// With `norm_first` (GPT-2, ViT): `a = x + attention(norm_1(x))`, `y = a + feed_forward(norm_2(a))`.
#[derive(Clone, Debug)]
pub struct TransformerLayer<T: Scalar> {
    /// Self-attention.
    pub attention: Attention<T>,
    /// The attention block's norm.
    pub attention_norm: LayerNorm<T>,
    /// The feed-forward block.
    pub feed_forward: FeedForward<T>,
    /// The feed-forward block's norm.
    pub feed_forward_norm: LayerNorm<T>,
    /// True if norms come before their blocks.
    pub norm_first: bool,
}

parameters!(TransformerLayer { attention, attention_norm, feed_forward, feed_forward_norm });

/// Values that [`TransformerLayer::backward`] needs.
#[derive(Debug)]
pub struct SavedLayer<T: Scalar> {
    attention_input: Tensor<T>,
    attention: SavedAttention<T>,
    attention_norm: SavedNorm<T>,
    feed_forward_input: Tensor<T>,
    feed_forward: SavedFeedForward<T>,
    feed_forward_norm: SavedNorm<T>,
}

/// The dropout masks of one layer.
#[derive(Clone, Copy, Debug)]
pub struct LayerDropout {
    /// On attention probabilities.
    pub probabilities: Dropout,
    /// On the attention block's output, before the residual sum.
    pub attention: Dropout,
    /// On the feed-forward block's output, before the residual sum.
    pub feed_forward: Dropout,
}

impl LayerDropout {
    /// No dropout, as in inference.
    pub fn off() -> LayerDropout {
        LayerDropout { probabilities: Dropout::off(), attention: Dropout::off(), feed_forward: Dropout::off() }
    }
}

impl<T: Scalar> TransformerLayer<T> {
    /// `[n, d] → [n, d]`. Sequence i is rows `offsets[i]..offsets[i + 1]`.
    ///
    /// With `query_rows`, one row of each sequence, the result has only those rows, `[sequences, d]`. Only the keys and values of the
    /// other rows are computed.
    pub fn forward(
        &self,
        x: Tensor<T>,
        offsets: &[usize],
        query_rows: Option<&[usize]>,
        dropout: LayerDropout,
    ) -> (Tensor<T>, SavedLayer<T>) {
        let attend = |x: &Tensor<T>| self.attention.forward(x, offsets, query_rows, dropout.probabilities);
        let (attention_input, attention, attention_norm, feed_forward_input, feed_forward, feed_forward_norm);
        let mut y;
        if self.norm_first {
            let mut middle;
            (attention_input, attention_norm) = self.attention_norm.forward(x.clone());
            (middle, attention) = attend(&attention_input);
            dropout.attention.apply_and_add(&mut middle, &x.rows_of(query_rows));
            (feed_forward_input, feed_forward_norm) = self.feed_forward_norm.forward(middle.clone());
            (y, feed_forward) = self.feed_forward.forward(&feed_forward_input);
            dropout.feed_forward.apply_and_add(&mut y, &middle);
        } else {
            let mut branch;
            (branch, attention) = attend(&x);
            dropout.attention.apply_and_add(&mut branch, &x.rows_of(query_rows));
            (feed_forward_input, attention_norm) = self.attention_norm.forward(branch);
            (branch, feed_forward) = self.feed_forward.forward(&feed_forward_input);
            dropout.feed_forward.apply_and_add(&mut branch, &feed_forward_input);
            (y, feed_forward_norm) = self.feed_forward_norm.forward(branch);
            attention_input = x;
        }
        let saved = SavedLayer {
            attention_input,
            attention,
            attention_norm,
            feed_forward_input,
            feed_forward,
            feed_forward_norm,
        };
        (y, saved)
    }

    /// The gradient at the input, given the gradient at the output. `dropout` must be the same as in the forward pass.
    pub fn backward(
        &self,
        dy: &Tensor<T>,
        offsets: &[usize],
        dropout: LayerDropout,
        saved: &SavedLayer<T>,
        grads: &mut TransformerLayer<T>,
    ) -> Tensor<T> {
        let query_rows = saved.attention.query_rows.as_deref();
        // The gradients at the inputs of the two blocks, given those at the residual sums.
        let feed_forward = |dy: &Tensor<T>, grads: &mut TransformerLayer<T>| {
            let (mut dy, x) = (dy.clone(), &saved.feed_forward_input);
            dropout.feed_forward.apply(&mut dy);
            self.feed_forward.backward(&dy, x, &saved.feed_forward, &mut grads.feed_forward)
        };
        let attention = |dy: &Tensor<T>, grads: &mut TransformerLayer<T>| {
            let (mut dy, x) = (dy.clone(), &saved.attention_input);
            dropout.attention.apply(&mut dy);
            self.attention.backward(&dy, x, offsets, dropout.probabilities, &saved.attention, &mut grads.attention)
        };
        if self.norm_first {
            let branch = feed_forward(dy, grads);
            let mut dmiddle =
                self.feed_forward_norm.backward(&branch, &saved.feed_forward_norm, &mut grads.feed_forward_norm);
            dmiddle.add(dy);
            let branch = attention(&dmiddle, grads);
            let mut dx = self.attention_norm.backward(&branch, &saved.attention_norm, &mut grads.attention_norm);
            dx.add_rows(query_rows, &dmiddle);
            return dx;
        }
        let mut dmiddle = self.feed_forward_norm.backward(dy, &saved.feed_forward_norm, &mut grads.feed_forward_norm);
        dmiddle.add(&feed_forward(&dmiddle, grads));
        let dbranch = self.attention_norm.backward(&dmiddle, &saved.attention_norm, &mut grads.attention_norm);
        let mut dx = attention(&dbranch, grads);
        dx.add_rows(query_rows, &dbranch);
        dx
    }
}
