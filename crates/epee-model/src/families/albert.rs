//! ALBERT (Lan et al., 2020): BERT with narrow embeddings, a linear map to the hidden size, and shared layer weights.

use super::Family;
use crate::config::Fields;
use crate::names::Stored::{self, Plain};
use crate::shape::{DropoutRates, InputShape, Shape, TextShape};
use crate::{PoolerKind, Pooling};

pub(super) static FAMILY: Family = Family {
    model_type: "albert",
    title: "ALBERT",
    architecture: "AlbertModel",
    read,
    names: &NAMES,
    prefix: "albert.",
    left_out: &["predictions.", "sop_classifier.", "classifier.", "qa_outputs.", "embeddings.position_ids"],
};

const NAMES: [(&str, Stored); 14] = [
    ("embeddings.words", Plain("embeddings.word_embeddings")),
    ("embeddings.positions", Plain("embeddings.position_embeddings")),
    ("embeddings.segments", Plain("embeddings.token_type_embeddings")),
    ("embeddings.norm", Plain("embeddings.LayerNorm")),
    ("embeddings.projection", Plain("encoder.embedding_hidden_mapping_in")),
    ("layers.*.attention.query", Plain("encoder.albert_layer_groups.*.albert_layers.0.attention.query")),
    ("layers.*.attention.key", Plain("encoder.albert_layer_groups.*.albert_layers.0.attention.key")),
    ("layers.*.attention.value", Plain("encoder.albert_layer_groups.*.albert_layers.0.attention.value")),
    ("layers.*.attention.output", Plain("encoder.albert_layer_groups.*.albert_layers.0.attention.dense")),
    ("layers.*.attention_norm", Plain("encoder.albert_layer_groups.*.albert_layers.0.attention.LayerNorm")),
    ("layers.*.feed_forward.up", Plain("encoder.albert_layer_groups.*.albert_layers.0.ffn")),
    ("layers.*.feed_forward.down", Plain("encoder.albert_layer_groups.*.albert_layers.0.ffn_output")),
    ("layers.*.feed_forward_norm", Plain("encoder.albert_layer_groups.*.albert_layers.0.full_layer_layer_norm")),
    ("exits.pooler", Plain("pooler")),
];

fn read(fields: &Fields<'_>) -> Result<Shape, String> {
    fields.only("position_embedding_type", "absolute")?;
    if let inner @ 2.. = fields.size_or("inner_group_num", 1)? {
        return Err(format!("inner_group_num: expected 1, got {inner}: an exit stands after every layer"));
    }
    let num_hidden_layers = fields.layers("num_hidden_layers")?;
    let num_hidden_groups = fields.size_or("num_hidden_groups", 1)?;
    if !num_hidden_layers.is_multiple_of(num_hidden_groups) {
        return Err(format!(
            "num_hidden_groups {num_hidden_groups}: expected a divisor of num_hidden_layers {num_hidden_layers}"
        ));
    }
    let dropout = fields.rate("hidden_dropout_prob", 0.0)?;
    Ok(Shape {
        input: InputShape::Text(TextShape {
            vocab_size: fields.size("vocab_size")?,
            max_position_embeddings: fields.size_or("max_position_embeddings", 512)?,
            type_vocab_size: fields.size_or("type_vocab_size", 2)?,
            embedding_size: fields.size_or("embedding_size", 128)?,
            layer_norm: true,
        }),
        hidden_size: fields.size("hidden_size")?,
        num_hidden_layers,
        num_hidden_groups,
        num_attention_heads: fields.heads("num_attention_heads", "hidden_size")?,
        intermediate_size: fields.size("intermediate_size")?,
        activation: fields.activation("hidden_act", "gelu_new")?,
        layer_norm_eps: fields.positive("layer_norm_eps", 1e-12)?,
        norm_first: false,
        causal: false,
        final_norm: false,
        pooling: Pooling::First,
        pooler: PoolerKind::Shared,
        // Transformers has no dropout after ALBERT's feed-forward block.
        dropout: DropoutRates {
            embedding: dropout,
            probabilities: fields.rate("attention_probs_dropout_prob", 0.0)?,
            attention: dropout,
            feed_forward: 0.0,
            head: fields.rate("classifier_dropout_prob", 0.1)?,
        },
        initializer_range: fields.positive("initializer_range", 0.02)?,
    })
}
