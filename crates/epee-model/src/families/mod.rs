//! The architectures, one file each: how to read its `config.json`, and its weight names.
//!
//! Every architecture has embeddings, a stack of [`epee_nn::TransformerLayer`]s and exits. A [`Family`] gives its shape and Hugging
//! Face's names of the parts. `docs/add-a-backbone.md` shows how to add one.

mod albert;
mod bert;
mod distilbert;
mod fields;
mod gpt2;
mod vit;

pub(crate) use fields::{Fields, MOST_LAYERS};

use crate::names::Stored;
use crate::shape::Shape;

#[derive(Debug)]
pub(crate) struct Family {
    /// `model_type` of its `config.json`.
    pub(crate) model_type: &'static str,
    pub(crate) title: &'static str,
    /// The class of the model without heads in Transformers.
    pub(crate) architecture: &'static str,
    pub(crate) read: fn(&Fields<'_>) -> Result<Shape, String>,
    /// Our name and the stored name of each part, in the model without heads. `*` stands for a layer's number.
    pub(crate) names: &'static [(&'static str, Stored)],
    /// The prefix of names in a checkpoint with heads.
    pub(crate) prefix: &'static str,
    /// Tensors to ignore, heads and buffers: whole names, or prefixes that end with a dot.
    pub(crate) left_out: &'static [&'static str],
}

pub(crate) static FAMILIES: [&Family; 6] =
    [&bert::FAMILY, &albert::FAMILY, &distilbert::FAMILY, &gpt2::FAMILY, &vit::FAMILY, &vit::DEIT];

#[cfg(test)]
mod tests {
    use epee_nn::Parameters;
    use serde_json::{Value, json};

    use crate::{Config, ExitConfig, Model};

    /// The published configurations, and the number of weights Transformers counts in the model without heads. The last is ALBERT's
    /// large model with the hub's fields.
    fn published() -> Vec<(Value, u64)> {
        serde_json::from_value(json!([
            [{"model_type": "bert", "vocab_size": 30522, "hidden_size": 768, "num_hidden_layers": 12,
                "num_attention_heads": 12, "intermediate_size": 3072, "max_position_embeddings": 512}, 109_482_240],
            [{"model_type": "albert", "vocab_size": 30000, "embedding_size": 128, "hidden_size": 768, "num_hidden_layers": 12,
                "num_attention_heads": 12, "intermediate_size": 3072, "max_position_embeddings": 512}, 11_683_584],
            [{"model_type": "gpt2", "vocab_size": 50257, "n_embd": 768, "n_layer": 12, "n_head": 12}, 124_439_808],
            [{"model_type": "vit", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
                "intermediate_size": 3072, "image_size": 224, "patch_size": 16}, 85_798_656],
            [{"model_type": "distilbert", "vocab_size": 30522, "dim": 768, "n_layers": 6, "n_heads": 12, "hidden_dim": 3072},
                66_362_880],
            [{"model_type": "deit", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
                "intermediate_size": 3072, "image_size": 224, "patch_size": 16}, 85_800_192],
            [{"model_type": "albert", "vocab_size": 30000, "embedding_size": 128, "hidden_size": 1024, "num_hidden_layers": 24,
                "num_attention_heads": 16, "intermediate_size": 4096, "max_position_embeddings": 512, "num_hidden_groups": 1,
                "inner_group_num": 1}, 17_683_968],
        ]))
        .unwrap()
    }

    #[test]
    fn published_models_have_their_published_sizes() {
        for (raw, parameters) in published() {
            let config = Config::from_json(raw.as_object().unwrap().clone()).unwrap();
            assert_eq!(config.parameters(), parameters, "{raw}");
        }
    }

    fn small(mut raw: Value) -> Config {
        for (keys, size) in [
            (&["hidden_size", "n_embd", "dim", "num_attention_heads", "n_head", "n_heads"][..], 12),
            (&["num_hidden_layers", "n_layer", "n_layers"], 2),
            (&["intermediate_size", "hidden_dim", "vocab_size"], 20),
            (&["max_position_embeddings", "embedding_size"], 6),
            (&["image_size"], 32),
        ] {
            for key in keys {
                if let Some(value) = raw.get_mut(key) {
                    *value = json!(size);
                }
            }
        }
        Config::from_json(raw.as_object().unwrap().clone()).unwrap()
    }

    #[test]
    fn every_parameter_has_its_own_place_and_is_counted() {
        for (raw, _) in published() {
            let config = small(raw);
            let model: Model = Model::new(&config, ExitConfig::of(&config, 2), 1);
            let parameters = model.parameters();
            let mut places: Vec<_> = parameters
                .iter()
                .map(|(name, tensor)| config.place(name, tensor.shape(), crate::PoolerKind::Shared))
                .map(|place| (place.name, place.part))
                .collect();
            let count = places.len();
            places.sort();
            places.dedup();
            assert_eq!(places.len(), count, "{}: two parameters in one place", config.model_type());
            let exits: usize = parameters
                .iter()
                .filter(|(name, _)| name.contains("classifiers"))
                .map(|(_, tensor)| tensor.len())
                .sum();
            assert_eq!(config.parameters() as usize, model.count() - exits, "{}", config.model_type());
        }
    }
}
