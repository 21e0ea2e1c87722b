//! ViT (Dosovitskiy et al., 2021) and DeiT: a class token and image patches, norms before each block, exits read
//! through the final norm.

use super::{Family, Fields, bert};
use crate::PoolerKind;
use crate::names::Stored::{self, Kernel, Plain, Whole};
use crate::shape::{ImageShape, InputShape, Shape};

pub(super) static FAMILY: Family = Family {
    model_type: "vit",
    title: "ViT",
    architecture: "ViTModel",
    read: |fields| read(fields, 1),
    names: &NAMES,
    prefix: "vit.",
    left_out: &["classifier.", "decoder.", "embeddings.mask_token"],
};

/// Only DeiT has the distillation token.
const NAMES: [(&str, Stored); 14] = [
    ("embeddings.class_token", Whole("embeddings.cls_token")),
    ("embeddings.distillation_token", Whole("embeddings.distillation_token")),
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

/// DeiT (Touvron et al., 2021): ViT with a second token, trained by distillation. Exits read the class token.
pub(super) static DEIT: Family = Family {
    model_type: "deit",
    title: "DeiT",
    architecture: "DeiTModel",
    read: |fields| read(fields, 2),
    names: &NAMES,
    prefix: "deit.",
    left_out: &["classifier.", "cls_classifier.", "distillation_classifier.", "decoder.", "embeddings.mask_token"],
};

/// Attention scores grow with the square: 2^13 patches take 268 MB per head in training.
const MOST_PATCHES: usize = 1 << 13;

/// Reads a vision transformer with this many tokens before the patches.
fn read(fields: &Fields<'_>, num_prefix_tokens: usize) -> Result<Shape, String> {
    if !fields.flag("qkv_bias", true)? {
        return Err("qkv_bias: expected true, got false".to_owned());
    }
    let ([height, width], patch_size) = (fields.pair("image_size", 224)?, fields.pair("patch_size", 16)?);
    if !height.is_multiple_of(patch_size[0]) || !width.is_multiple_of(patch_size[1]) {
        return Err(format!(
            "image_size {height} x {width}: expected multiples of patch_size {} x {}",
            patch_size[0], patch_size[1]
        ));
    }
    let patches = height / patch_size[0] * (width / patch_size[1]);
    if patches > MOST_PATCHES {
        return Err(format!("image_size {height} x {width}: expected at most {MOST_PATCHES} patches, got {patches}"));
    }
    let num_channels = fields.size("num_channels", Some(3))?;
    let input = InputShape::Image(ImageShape { num_channels, height, width, patch_size, num_prefix_tokens });
    let encoder = bert::encoder(fields, input, "gelu", 0.0)?;
    Ok(Shape { norm_first: true, final_norm: true, pooler: PoolerKind::None, ..encoder })
}
