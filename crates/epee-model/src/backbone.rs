//! The backbone: embeddings and a stack of layers.

use epee_nn::{Attention, Dropout, FeedForward, LayerDropout, LayerNorm, Linear, Scalar, TransformerLayer, parameters};

use crate::embeddings::Embeddings;
use crate::shape::{DropoutRates, Shape};

/// A transformer without exits. Its [`Shape`] describes the architecture.
#[derive(Clone, Debug)]
pub struct Backbone<T: Scalar = f32> {
    pub(crate) embeddings: Embeddings<T>,
    pub(crate) layers: Vec<TransformerLayer<T>>,
    pub(crate) depth: usize,
    dropout: DropoutRates,
}

parameters!(Backbone { embeddings, layers });

pub(crate) fn layer_zeros<T: Scalar>(shape: &Shape) -> TransformerLayer<T> {
    let (d, wide, eps) = (shape.hidden_size, shape.intermediate_size, shape.layer_norm_eps);
    TransformerLayer {
        attention: Attention::zeros(d, shape.num_attention_heads, shape.causal),
        attention_norm: LayerNorm::identity(d, eps),
        feed_forward: FeedForward {
            up: Linear::zeros(wide, d),
            down: Linear::zeros(d, wide),
            activation: shape.activation,
        },
        feed_forward_norm: LayerNorm::identity(d, eps),
        norm_first: shape.norm_first,
    }
}

/// The index of the weights of layer m (from 0).
pub(crate) fn layer_at(m: usize, depth: usize, groups: usize) -> usize {
    m * groups / depth
}

impl<T: Scalar> Backbone<T> {
    pub(crate) fn zeros(shape: &Shape) -> Backbone<T> {
        Backbone {
            embeddings: Embeddings::zeros(shape),
            layers: (0..shape.num_hidden_groups).map(|_| layer_zeros(shape)).collect(),
            depth: shape.num_hidden_layers,
            dropout: shape.dropout,
        }
    }

    /// d, the width of a hidden state.
    pub fn width(&self) -> usize {
        self.layers[0].attention.query.inputs()
    }

    /// The index of the weights of layer m (from 0).
    pub(crate) fn layer_at(&self, m: usize) -> usize {
        layer_at(m, self.depth, self.layers.len())
    }

    pub(crate) fn embedding_dropout(&self, dropout: Dropout) -> Dropout {
        dropout.site(0).with_rate(self.dropout.embedding)
    }

    pub(crate) fn layer_dropout(&self, dropout: Dropout, m: usize) -> LayerDropout {
        let dropout = dropout.site(1 + 2 * m as u64);
        LayerDropout {
            attention: dropout.with_rate(self.dropout.attention).site(0),
            feed_forward: dropout.with_rate(self.dropout.feed_forward).site(1),
            probabilities: dropout.site(2).with_rate(self.dropout.probabilities),
        }
    }
}
