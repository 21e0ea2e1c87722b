//! GPT-2 (Radford et al., 2019): causal attention, norms before each block. Weights are stored transposed, with queries, keys and
//! values in one tensor.
//!
//! An exit reads the last token's row through the final norm `ln_f`, because only that row has seen the whole text.

use super::{Family, Fields};
use crate::names::Stored::{self, Part, Plain, Transposed};
use crate::shape::{DropoutRates, InputShape, Shape, TextShape};
use crate::{PoolerKind, Pooling};

pub(super) static FAMILY: Family = Family {
    model_type: "gpt2",
    title: "GPT-2",
    architecture: "GPT2Model",
    read,
    names: &NAMES,
    prefix: "transformer.",
    left_out: &["lm_head.", "score.", "multiple_choice_head.", "classifier.", "h.*.attn.bias", "h.*.attn.masked_bias"],
};

const NAMES: [(&str, Stored); 11] = [
    ("embeddings.words", Plain("wte")),
    ("embeddings.positions", Plain("wpe")),
    ("layers.*.attention.query", Part("h.*.attn.c_attn", 0, 3)),
    ("layers.*.attention.key", Part("h.*.attn.c_attn", 1, 3)),
    ("layers.*.attention.value", Part("h.*.attn.c_attn", 2, 3)),
    ("layers.*.attention.output", Transposed("h.*.attn.c_proj")),
    ("layers.*.attention_norm", Plain("h.*.ln_1")),
    ("layers.*.feed_forward.up", Transposed("h.*.mlp.c_fc")),
    ("layers.*.feed_forward.down", Transposed("h.*.mlp.c_proj")),
    ("layers.*.feed_forward_norm", Plain("h.*.ln_2")),
    ("exits.norm", Plain("ln_f")),
];

fn read(fields: &Fields<'_>) -> Result<Shape, String> {
    for (key, expected) in
        [("scale_attn_weights", true), ("scale_attn_by_inverse_layer_idx", false), ("add_cross_attention", false)]
    {
        if fields.flag(key, expected)? != expected {
            return Err(format!("{key}: expected {expected}, got {}", !expected));
        }
    }
    let hidden_size = fields.size("n_embd", Some(768))?;
    let num_hidden_layers = fields.layers("n_layer", Some(12))?;
    let dropout = fields.rate("resid_pdrop", 0.1)?;
    Ok(Shape {
        input: InputShape::Text(TextShape {
            vocab_size: fields.size("vocab_size", None)?,
            max_position_embeddings: fields.size("n_positions", Some(1024))?,
            type_vocab_size: 0,
            embedding_size: hidden_size,
            layer_norm: false,
        }),
        hidden_size,
        num_hidden_layers,
        num_hidden_groups: num_hidden_layers,
        num_attention_heads: fields.heads("n_head", Some(12), "n_embd", hidden_size)?,
        intermediate_size: fields.size("n_inner", Some(4 * hidden_size))?,
        activation: fields.activation("activation_function", "gelu_new")?,
        layer_norm_eps: fields.positive("layer_norm_epsilon", 1e-5)?,
        norm_first: true,
        causal: true,
        final_norm: true,
        pooling: Pooling::Last,
        pooler: PoolerKind::None,
        dropout: DropoutRates {
            embedding: fields.rate("embd_pdrop", 0.1)?,
            probabilities: fields.rate("attn_pdrop", 0.1)?,
            attention: dropout,
            feed_forward: dropout,
            head: fields.rate("summary_first_dropout", 0.1)?,
        },
        initializer_range: fields.positive("initializer_range", 0.02)?,
    })
}
