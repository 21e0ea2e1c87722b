//! ViT (Dosovitskiy et al., 2021): a picture's patches and a class token, norms before each block, exits through the final norm.

use super::Family;
use crate::config::Fields;
use crate::names::Stored::{self, Kernel, Plain, Whole};
use crate::shape::{DropoutRates, ImageInput, Input, Shape};
use crate::{PoolerKind, Pooling};

pub(super) static FAMILY: Family = Family {
    model_type: "vit",
    title: "ViT",
    architecture: "ViTModel",
    read: |fields| read(fields, 1),
    names: &NAMES,
    prefix: "vit.",
    left_out: &["classifier.", "decoder.", "embeddings.mask_token"],
};

/// DeiT's too, but for the token it adds.
pub(super) const NAMES: [(&str, Stored); 13] = [
    ("embeddings.class_token", Whole("embeddings.cls_token")),
    ("embeddings.positions", Whole("embeddings.position_embeddings")),
    ("embeddings.patches.projection", Kernel("embeddings.patch_embeddings.projection")),
    ("layers.*.attention.query", Plain("encoder.layer.*.attention.attention.query")),
    ("layers.*.attention.key", Plain("encoder.layer.*.attention.attention.key")),
    ("layers.*.attention.value", Plain("encoder.layer.*.attention.attention.value")),
    ("layers.*.attention.output", Plain("encoder.layer.*.attention.output.dense")),
    ("layers.*.attention_norm", Plain("encoder.layer.*.layernorm_before")),
    ("layers.*.feed_forward.up", Plain("encoder.layer.*.intermediate.dense")),
    ("layers.*.feed_forward.down", Plain("encoder.layer.*.output.dense")),
    ("layers.*.feed_forward_norm", Plain("encoder.layer.*.layernorm_after")),
    ("exits.norm", Plain("layernorm")),
    ("exits.pooler", Plain("pooler.dense")),
];

/// Attention looks at every pair of them: 2^13 make 268 MB a head in training.
const MOST_PATCHES: usize = 1 << 13;

/// A vision transformer that begins with so many tokens that are no patches.
pub(super) fn read(fields: &Fields<'_>, tokens: usize) -> Result<Shape, String> {
    if !fields.flag("qkv_bias", true)? {
        return Err("qkv_bias: expected true, got false".to_owned());
    }
    let ([height, width], patch) = (fields.pair("image_size", 224)?, fields.pair("patch_size", 16)?);
    if !height.is_multiple_of(patch[0]) || !width.is_multiple_of(patch[1]) {
        return Err(format!(
            "image_size {height} x {width}: expected multiples of patch_size {} x {}",
            patch[0], patch[1]
        ));
    }
    let patches = height / patch[0] * (width / patch[1]);
    if patches > MOST_PATCHES {
        return Err(format!("image_size {height} x {width}: expected at most {MOST_PATCHES} patches, got {patches}"));
    }
    let layers = fields.layers("num_hidden_layers")?;
    let dropout = fields.rate("hidden_dropout_prob", 0.0)?;
    Ok(Shape {
        input: Input::Image(ImageInput { channels: fields.size_or("num_channels", 3)?, height, width, patch, tokens }),
        hidden_size: fields.size("hidden_size")?,
        layers,
        groups: layers,
        heads: fields.heads("num_attention_heads", "hidden_size")?,
        intermediate_size: fields.size("intermediate_size")?,
        activation: fields.activation("hidden_act", "gelu")?,
        layer_norm_eps: fields.positive("layer_norm_eps", 1e-12)?,
        norm_first: true,
        causal: false,
        final_norm: true,
        pooling: Pooling::First,
        pooler: PoolerKind::None,
        dropout: DropoutRates {
            embedding: dropout,
            probabilities: fields.rate("attention_probs_dropout_prob", 0.0)?,
            attention: dropout,
            feed_forward: dropout,
            head: 0.0,
        },
        initializer_range: fields.positive("initializer_range", 0.02)?,
    })
}
