//! A transformer layer.

use crate::{
    Attention, Dropout, FeedForward, LayerNorm, SavedAttention, SavedFeedForward, SavedNorm, Scalar, Tensor, parameters,
};

/// A transformer layer, its norms after each residual sum as in BERT,
/// `a = norm_1(x + attention(x))`, `y = norm_2(a + feed_forward(a))`,
/// or before each block as in GPT-2 and ViT (`norm_first`),
/// `a = x + attention(norm_1(x))`, `y = a + feed_forward(norm_2(a))`.
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
    /// Whether norms stand before their blocks.
    pub norm_first: bool,
}

parameters!(TransformerLayer { attention, attention_norm, feed_forward, feed_forward_norm });

/// What [`TransformerLayer::backward`] needs.
#[derive(Debug)]
pub struct SavedLayer<T: Scalar> {
    attention_input: Tensor<T>,
    attention: SavedAttention<T>,
    attention_norm: SavedNorm<T>,
    feed_forward_input: Tensor<T>,
    feed_forward: SavedFeedForward<T>,
    feed_forward_norm: SavedNorm<T>,
}

/// The dropouts of one layer.
#[derive(Clone, Copy, Debug)]
pub struct LayerDropout {
    /// On attention probabilities.
    pub probabilities: Dropout,
    /// On the attention block's output, before it is added.
    pub attention: Dropout,
    /// On the feed-forward block's output, before it is added.
    pub feed_forward: Dropout,
}

impl LayerDropout {
    /// Off: what inference uses.
    pub fn off() -> LayerDropout {
        LayerDropout { probabilities: Dropout::off(), attention: Dropout::off(), feed_forward: Dropout::off() }
    }
}

impl<T: Scalar> TransformerLayer<T> {
    /// `[n, d] → [n, d]`; sequence i is rows `offsets[i]..offsets[i + 1]`. Where rows are asked for, one of each sequence, the
    /// result holds those alone, `[sequences, d]`, and only keys and values are computed of the others.
    pub fn forward(
        &self,
        x: Tensor<T>,
        offsets: &[usize],
        asked: Option<&[usize]>,
        dropout: LayerDropout,
    ) -> (Tensor<T>, SavedLayer<T>) {
        if self.norm_first {
            self.norm_first(x, offsets, asked, dropout)
        } else {
            self.norm_last(x, offsets, asked, dropout)
        }
    }

    fn norm_last(
        &self,
        x: Tensor<T>,
        offsets: &[usize],
        asked: Option<&[usize]>,
        dropout: LayerDropout,
    ) -> (Tensor<T>, SavedLayer<T>) {
        let (mut branch, attention) = self.attention.forward(&x, offsets, asked, dropout.probabilities);
        dropout.attention.apply_and_add(&mut branch, &x.rows_of(asked));
        let (middle, attention_norm) = self.attention_norm.forward(branch);
        let (mut branch, feed_forward) = self.feed_forward.forward(&middle);
        dropout.feed_forward.apply_and_add(&mut branch, &middle);
        let (y, feed_forward_norm) = self.feed_forward_norm.forward(branch);
        let (attention_input, feed_forward_input) = (x, middle);
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

    fn norm_first(
        &self,
        x: Tensor<T>,
        offsets: &[usize],
        asked: Option<&[usize]>,
        dropout: LayerDropout,
    ) -> (Tensor<T>, SavedLayer<T>) {
        let (attention_input, attention_norm) = self.attention_norm.forward(x.clone());
        let (mut middle, attention) = self.attention.forward(&attention_input, offsets, asked, dropout.probabilities);
        dropout.attention.apply_and_add(&mut middle, &x.rows_of(asked));
        let (feed_forward_input, feed_forward_norm) = self.feed_forward_norm.forward(middle.clone());
        let (mut y, feed_forward) = self.feed_forward.forward(&feed_forward_input);
        dropout.feed_forward.apply_and_add(&mut y, &middle);
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

    /// The gradient at the input, given that at the rows the forward pass was asked for; `dropout` is the forward pass's.
    pub fn backward(
        &self,
        dy: &Tensor<T>,
        offsets: &[usize],
        dropout: LayerDropout,
        saved: &SavedLayer<T>,
        grads: &mut TransformerLayer<T>,
    ) -> Tensor<T> {
        let asked = saved.attention.asked.as_deref();
        if self.norm_first {
            let branch = self.feed_forward_backward(dy, dropout, saved, grads);
            let mut dmiddle =
                self.feed_forward_norm.backward(&branch, &saved.feed_forward_norm, &mut grads.feed_forward_norm);
            dmiddle.add(dy);
            let branch = self.attention_backward(&dmiddle, offsets, dropout, saved, grads);
            let mut dx = self.attention_norm.backward(&branch, &saved.attention_norm, &mut grads.attention_norm);
            dx.add_rows(asked, &dmiddle);
            return dx;
        }
        let mut dmiddle = self.feed_forward_norm.backward(dy, &saved.feed_forward_norm, &mut grads.feed_forward_norm);
        dmiddle.add(&self.feed_forward_backward(&dmiddle, dropout, saved, grads));
        let dbranch = self.attention_norm.backward(&dmiddle, &saved.attention_norm, &mut grads.attention_norm);
        let mut dx = self.attention_backward(&dbranch, offsets, dropout, saved, grads);
        dx.add_rows(asked, &dbranch);
        dx
    }

    /// The gradient at the feed-forward block's input, given the gradient at what its output is added to.
    fn feed_forward_backward(
        &self,
        dy: &Tensor<T>,
        dropout: LayerDropout,
        saved: &SavedLayer<T>,
        grads: &mut TransformerLayer<T>,
    ) -> Tensor<T> {
        let mut branch = dy.clone();
        dropout.feed_forward.apply(&mut branch);
        self.feed_forward.backward(&branch, &saved.feed_forward_input, &saved.feed_forward, &mut grads.feed_forward)
    }

    /// As `feed_forward_backward`, of the attention block.
    fn attention_backward(
        &self,
        dy: &Tensor<T>,
        offsets: &[usize],
        dropout: LayerDropout,
        saved: &SavedLayer<T>,
        grads: &mut TransformerLayer<T>,
    ) -> Tensor<T> {
        let mut branch = dy.clone();
        dropout.attention.apply(&mut branch);
        let (x, probabilities) = (&saved.attention_input, dropout.probabilities);
        self.attention.backward(&branch, x, offsets, probabilities, &saved.attention, &mut grads.attention)
    }
}
