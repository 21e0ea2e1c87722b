//! ALBERT (Lan et al., 2020): BERT with narrow embeddings, a linear map to the hidden size, and shared layer weights.

use super::{Family, Fields, bert};
use crate::names::Stored::{self, Plain};
use crate::shape::{InputShape, Shape, TextShape};

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
    if let inner @ 2.. = fields.size("inner_group_num", Some(1))? {
        return Err(format!("inner_group_num: expected 1, got {inner}: every layer has an exit"));
    }
    let input = InputShape::Text(TextShape {
        vocab_size: fields.size("vocab_size", None)?,
        max_position_embeddings: fields.size("max_position_embeddings", Some(512))?,
        type_vocab_size: fields.size("type_vocab_size", Some(2))?,
        embedding_size: fields.size("embedding_size", Some(128))?,
        layer_norm: true,
    });
    let mut shape = bert::encoder(fields, input, "gelu_new", 0.0)?;
    let (layers, groups) = (shape.num_hidden_layers, fields.size("num_hidden_groups", Some(1))?);
    if !layers.is_multiple_of(groups) {
        return Err(format!("num_hidden_groups {groups}: expected a divisor of num_hidden_layers {layers}"));
    }
    shape.num_hidden_groups = groups;
    // Transformers has no dropout after ALBERT's feed-forward block.
    shape.dropout.feed_forward = 0.0;
    shape.dropout.head = fields.rate("classifier_dropout_prob", 0.1)?;
    Ok(shape)
}
