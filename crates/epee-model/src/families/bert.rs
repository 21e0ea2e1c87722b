//! BERT (Devlin et al., 2019): learned positions and token types, norms after each block, a pooler over `[CLS]`.

use super::Family;
use crate::config::Fields;
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
    let hidden_size = fields.size("hidden_size")?;
    let num_hidden_layers = fields.layers("num_hidden_layers")?;
    let dropout = fields.rate("hidden_dropout_prob", 0.1)?;
    Ok(Shape {
        input: InputShape::Text(TextShape {
            vocab_size: fields.size("vocab_size")?,
            max_position_embeddings: fields.size("max_position_embeddings")?,
            type_vocab_size: fields.size_or("type_vocab_size", 2)?,
            embedding_size: hidden_size,
            layer_norm: true,
        }),
        hidden_size,
        num_hidden_layers,
        num_hidden_groups: num_hidden_layers,
        num_attention_heads: fields.heads("num_attention_heads", "hidden_size")?,
        intermediate_size: fields.size("intermediate_size")?,
        activation: fields.activation("hidden_act", "gelu")?,
        layer_norm_eps: fields.positive("layer_norm_eps", 1e-12)?,
        norm_first: false,
        causal: false,
        final_norm: false,
        pooling: Pooling::First,
        pooler: PoolerKind::Shared,
        dropout: DropoutRates {
            embedding: dropout,
            probabilities: fields.rate("attention_probs_dropout_prob", 0.1)?,
            attention: dropout,
            feed_forward: dropout,
            head: fields.rate("classifier_dropout", dropout)?,
        },
        initializer_range: fields.positive("initializer_range", 0.02)?,
    })
}
