//! The sizes and the structure of an architecture. Fields with a Hugging Face name mean the same as in `config.json`.

use epee_nn::Activation;

use crate::{PoolerKind, Pooling};

/// The sizes and the structure of a transformer.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The input and its embeddings.
    pub input: InputShape,
    /// d, the width of a hidden state.
    pub hidden_size: usize,
    /// M, the number of layers.
    pub num_hidden_layers: usize,
    /// The number of layers with their own weights. If it is below M, consecutive layers share weights.
    pub num_hidden_groups: usize,
    /// The number of attention heads; it divides d.
    pub num_attention_heads: usize,
    /// The width of the feed-forward block.
    pub intermediate_size: usize,
    /// The activation of the feed-forward block.
    pub activation: Activation,
    /// ε of the layer norms.
    pub layer_norm_eps: f64,
    /// True if norms come before their blocks (GPT-2, ViT), false if after (BERT).
    pub norm_first: bool,
    /// True if a token sees only itself and the tokens before it.
    pub causal: bool,
    /// True if a norm follows the last layer. Exits read through it.
    pub final_norm: bool,
    /// The default row that an exit reads.
    pub pooling: Pooling,
    /// The architecture's pooler.
    pub pooler: PoolerKind,
    /// Dropout rates in training.
    pub dropout: DropoutRates,
    /// Standard deviation of fresh weights.
    pub initializer_range: f64,
}

/// The kind of input, and the sizes of its embeddings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputShape {
    /// Token ids.
    Text(TextShape),
    /// Pixels.
    Image(ImageShape),
}

/// The embeddings of a text: words + positions + token types, then a norm, then a linear map to d if `embedding_size` is not d.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextShape {
    /// The number of token ids.
    pub vocab_size: usize,
    /// The most tokens in a sequence.
    pub max_position_embeddings: usize,
    /// The number of token types; 0 if the model has none.
    pub type_vocab_size: usize,
    /// The width of the embeddings.
    pub embedding_size: usize,
    /// True if a layer norm follows the sum.
    pub layer_norm: bool,
}

/// The embeddings of an image: a class token, perhaps a second token, then the patches row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageShape {
    /// 1 or 3.
    pub num_channels: usize,
    /// In pixels.
    pub height: usize,
    /// In pixels.
    pub width: usize,
    /// Height and width of a patch, in pixels.
    pub patch_size: [usize; 2],
    /// Tokens before the patches: 1 for the class token, 2 with DeiT's distillation token.
    pub num_prefix_tokens: usize,
}

impl ImageShape {
    /// Rows and columns of patches.
    pub fn grid(&self) -> [usize; 2] {
        [self.height / self.patch_size[0], self.width / self.patch_size[1]]
    }

    /// The number of tokens of an image, patches included.
    pub fn rows(&self) -> usize {
        self.num_prefix_tokens + self.grid()[0] * self.grid()[1]
    }
}

/// Dropout rates, from 0 to below 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct DropoutRates {
    /// After the embeddings.
    pub embedding: f64,
    /// On attention probabilities.
    pub probabilities: f64,
    /// After the attention block.
    pub attention: f64,
    /// After the feed-forward block.
    pub feed_forward: f64,
    /// Before each exit's classifier.
    pub head: f64,
}
