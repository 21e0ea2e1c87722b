//! What an architecture is made of, in this project's words.

use epee_nn::Activation;

use crate::{PoolerKind, Pooling};

/// The sizes and the form of a transformer.
#[derive(Clone, Debug)]
pub struct Shape {
    /// What it reads.
    pub input: Input,
    /// d
    pub hidden_size: usize,
    /// M
    pub layers: usize,
    /// Layers with weights of their own; consecutive layers share them where there are fewer than M.
    pub groups: usize,
    /// Attention heads; they divide d.
    pub heads: usize,
    /// Width of the feed-forward block.
    pub intermediate_size: usize,
    /// Between the feed-forward block's two maps.
    pub activation: Activation,
    /// ε of the layer norms.
    pub layer_norm_eps: f64,
    /// Whether norms stand before their blocks.
    pub norm_first: bool,
    /// Whether a token sees only what stands before it.
    pub causal: bool,
    /// Whether the model ends with a norm, which exits read through.
    pub final_norm: bool,
    /// Which row an exit reads unless it is told otherwise.
    pub pooling: Pooling,
    /// The pooler of this architecture.
    pub pooler: PoolerKind,
    /// Dropout, in training.
    pub dropout: DropoutRates,
    /// Deviation of fresh weights.
    pub initializer_range: f64,
}

/// What a model reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Token ids.
    Text(TextInput),
    /// Pixels.
    Image(ImageInput),
}

/// How token ids become rows: words, positions and segments, a norm, and a map to d where the vectors have another width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextInput {
    /// Entries of the vocabulary.
    pub vocab_size: usize,
    /// The longest sequence.
    pub positions: usize,
    /// Segments; 0 where the model knows none.
    pub segments: usize,
    /// Width of the vectors.
    pub width: usize,
    /// Whether a norm follows.
    pub norm: bool,
}

/// How pixels become rows: a class token, perhaps others, and the patches row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageInput {
    /// Channels: 1 or 3.
    pub channels: usize,
    /// Pixels.
    pub height: usize,
    /// Pixels.
    pub width: usize,
    /// Height and width of a patch.
    pub patch: [usize; 2],
    /// Tokens that are no patches: the class token, and DeiT's second one.
    pub tokens: usize,
}

impl ImageInput {
    /// Rows and columns of patches.
    pub fn grid(&self) -> [usize; 2] {
        [self.height / self.patch[0], self.width / self.patch[1]]
    }

    /// Rows of a picture: tokens and patches.
    pub fn rows(&self) -> usize {
        self.tokens + self.grid()[0] * self.grid()[1]
    }
}

/// Dropout rates.
#[derive(Clone, Copy, Debug, Default)]
pub struct DropoutRates {
    /// Of the embeddings.
    pub embedding: f64,
    /// Of attention probabilities.
    pub probabilities: f64,
    /// Of the attention block's output.
    pub attention: f64,
    /// Of the feed-forward block's output.
    pub feed_forward: f64,
    /// Before each classifier.
    pub head: f64,
}
