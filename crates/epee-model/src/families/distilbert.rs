//! DistilBERT (Sanh et al., 2019): BERT without token types and without a pooler.

use super::{Family, Fields};
use crate::names::Stored::{self, Plain};
use crate::shape::{DropoutRates, InputShape, Shape, TextShape};
use crate::{PoolerKind, Pooling};

pub(super) static FAMILY: Family = Family {
    model_type: "distilbert",
    title: "DistilBERT",
    architecture: "DistilBertModel",
    read,
    names: &NAMES,
    prefix: "distilbert.",
    left_out: &[
        "vocab_transform.",
        "vocab_layer_norm.",
        "vocab_projector.",
        "pre_classifier.",
        "classifier.",
        "qa_outputs.",
    ],
};

const NAMES: [(&str, Stored); 11] = [
    ("embeddings.words", Plain("embeddings.word_embeddings")),
    ("embeddings.positions", Plain("embeddings.position_embeddings")),
    ("embeddings.norm", Plain("embeddings.LayerNorm")),
    ("layers.*.attention.query", Plain("transformer.layer.*.attention.q_lin")),
    ("layers.*.attention.key", Plain("transformer.layer.*.attention.k_lin")),
    ("layers.*.attention.value", Plain("transformer.layer.*.attention.v_lin")),
    ("layers.*.attention.output", Plain("transformer.layer.*.attention.out_lin")),
    ("layers.*.attention_norm", Plain("transformer.layer.*.sa_layer_norm")),
    ("layers.*.feed_forward.up", Plain("transformer.layer.*.ffn.lin1")),
    ("layers.*.feed_forward.down", Plain("transformer.layer.*.ffn.lin2")),
    ("layers.*.feed_forward_norm", Plain("transformer.layer.*.output_layer_norm")),
];

fn read(fields: &Fields<'_>) -> Result<Shape, String> {
    let hidden_size = fields.size("dim", Some(768))?;
    let num_hidden_layers = fields.layers("n_layers", Some(6))?;
    let dropout = fields.rate("dropout", 0.1)?;
    Ok(Shape {
        input: InputShape::Text(TextShape {
            vocab_size: fields.size("vocab_size", None)?,
            max_position_embeddings: fields.size("max_position_embeddings", Some(512))?,
            type_vocab_size: 0,
            embedding_size: hidden_size,
            layer_norm: true,
        }),
        hidden_size,
        num_hidden_layers,
        num_hidden_groups: num_hidden_layers,
        num_attention_heads: fields.heads("n_heads", Some(12), "dim", hidden_size)?,
        intermediate_size: fields.size("hidden_dim", Some(4 * 768))?,
        activation: fields.activation("activation", "gelu")?,
        layer_norm_eps: 1e-12,
        norm_first: false,
        causal: false,
        final_norm: false,
        pooling: Pooling::First,
        pooler: PoolerKind::None,
        // Transformers has no dropout after DistilBERT's attention block.
        dropout: DropoutRates {
            embedding: dropout,
            probabilities: fields.rate("attention_dropout", 0.1)?,
            attention: 0.0,
            feed_forward: dropout,
            head: fields.rate("seq_classif_dropout", 0.2)?,
        },
        initializer_range: fields.positive("initializer_range", 0.02)?,
    })
}
