//! DeiT (Touvron et al., 2021): ViT with a second token, trained by distillation. Exits read the class token.

use super::{Family, vit};
use crate::names::Stored::{self, Whole};

pub(super) static FAMILY: Family = Family {
    model_type: "deit",
    title: "DeiT",
    architecture: "DeiTModel",
    read: |fields| vit::read(fields, 2),
    names: &NAMES,
    prefix: "deit.",
    left_out: &["classifier.", "cls_classifier.", "distillation_classifier.", "decoder.", "embeddings.mask_token"],
};

const NAMES: [(&str, Stored); vit::NAMES.len() + 1] = {
    let mut names = [("embeddings.distillation_token", Whole("embeddings.distillation_token")); vit::NAMES.len() + 1];
    let mut i = 0;
    while i < vit::NAMES.len() {
        names[i] = vit::NAMES[i];
        i += 1;
    }
    names
};
