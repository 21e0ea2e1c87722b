//! BERT (Devlin et al., 2019): learned positions and token types, norms after each block, a pooler over `[CLS]`.

use super::{Family, Fields};
use crate::names::Stored::{self, Plain};
use crate::shape::{DropoutRates, InputShape, Shape, TextShape};
use crate::{PoolerKind, Pooling};

pub(super) static FAMILY: Family = Family {
    model_type: "bert",
    title: "BERT",
    architecture: "BertModel",
    read,
    names: &NAMES,
    prefix: "bert.",
    left_out: &["cls.", "classifier.", "qa_outputs.", "embeddings.position_ids", "embeddings.token_type_ids"],
};

const NAMES: [(&str, Stored); 13] = [
    ("embeddings.words", Plain("embeddings.word_embeddings")),
    ("embeddings.positions", Plain("embeddings.position_embeddings")),
    ("embeddings.segments", Plain("embeddings.token_type_embeddings")),
    ("embeddings.norm", Plain("embeddings.LayerNorm")),
    ("layers.*.attention.query", Plain("encoder.layer.*.attention.self.query")),
    ("layers.*.attention.key", Plain("encoder.layer.*.attention.self.key")),
    ("layers.*.attention.value", Plain("encoder.layer.*.attention.self.value")),
    ("layers.*.attention.output", Plain("encoder.layer.*.attention.output.dense")),
    ("layers.*.attention_norm", Plain("encoder.layer.*.attention.output.LayerNorm")),
    ("layers.*.feed_forward.up", Plain("encoder.layer.*.intermediate.dense")),
    ("layers.*.feed_forward.down", Plain("encoder.layer.*.output.dense")),
    ("layers.*.feed_forward_norm", Plain("encoder.layer.*.output.LayerNorm")),
    ("exits.pooler", Plain("pooler.dense")),
];

fn read(fields: &Fields<'_>) -> Result<Shape, String> {
    fields.only("position_embedding_type", "absolute")?;
    if fields.flag("is_decoder", false)? {
        return Err("is_decoder: expected false, got true: a causal model is not a BERT encoder".to_owned());
    }
    let input = InputShape::Text(TextShape {
        vocab_size: fields.size("vocab_size", None)?,
        max_position_embeddings: fields.size("max_position_embeddings", None)?,
        type_vocab_size: fields.size("type_vocab_size", Some(2))?,
        embedding_size: fields.size("hidden_size", None)?,
        layer_norm: true,
    });
    let mut shape = encoder(fields, input, "gelu", 0.1)?;
    shape.dropout.head = fields.rate("classifier_dropout", shape.dropout.embedding)?;
    Ok(shape)
}

/// An encoder with BERT's fields and structure, given the default activation and dropout rate. It has no dropout at the exits.
pub(super) fn encoder(fields: &Fields<'_>, input: InputShape, activation: &str, dropout: f64) -> Result<Shape, String> {
    let hidden_size = fields.size("hidden_size", None)?;
    let num_hidden_layers = fields.layers("num_hidden_layers", None)?;
    let probabilities = fields.rate("attention_probs_dropout_prob", dropout)?;
    let dropout = fields.rate("hidden_dropout_prob", dropout)?;
    Ok(Shape {
        input,
        hidden_size,
        num_hidden_layers,
        num_hidden_groups: num_hidden_layers,
        num_attention_heads: fields.heads("num_attention_heads", None, "hidden_size", hidden_size)?,
        intermediate_size: fields.size("intermediate_size", None)?,
        activation: fields.activation("hidden_act", activation)?,
        layer_norm_eps: fields.positive("layer_norm_eps", 1e-12)?,
        norm_first: false,
        causal: false,
        final_norm: false,
        pooling: Pooling::First,
        pooler: PoolerKind::Shared,
        dropout: DropoutRates {
            embedding: dropout,
            probabilities,
            attention: dropout,
            feed_forward: dropout,
            head: 0.0,
        },
        initializer_range: fields.positive("initializer_range", 0.02)?,
    })
}
