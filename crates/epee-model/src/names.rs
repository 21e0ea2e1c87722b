//! The names and shapes of parameters in a checkpoint.

use crate::families::Family;
use crate::shape::InputShape;
use crate::{Config, PoolerKind};

/// How a checkpoint stores a part of the model, with the name there. `*` stands for a layer's number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stored {
    /// A `weight` and perhaps a `bias`, with the same shapes as here.
    Plain(&'static str),
    /// A linear map with weights stored as `[in, out]`.
    Transposed(&'static str),
    /// Part i of n of the outputs of a linear map stored as `[in, out]`.
    Part(&'static str, usize, usize),
    /// A linear map of patches, stored as a convolution kernel `[d, C, P, P]`.
    Kernel(&'static str),
    /// A single tensor.
    Whole(&'static str),
}

/// A parameter's place in a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The tensor.
    pub(crate) name: String,
    /// The tensor's shape.
    pub(crate) shape: Vec<usize>,
    /// True if it is stored as `[in, out]`.
    pub(crate) transposed: bool,
    /// The part (i, n): part i of n of the tensor's outputs.
    pub(crate) part: (usize, usize),
    /// The tensor to initialize from if there is no own tensor.
    pub(crate) start: Option<String>,
}

impl Config {
    /// The place of a parameter `embeddings.…`, `layers.…` or `exits.…`, given its name and shape.
    pub(crate) fn place(&self, name: &str, shape: &[usize], pooler: PoolerKind) -> Place {
        let plain = |name: String, start| Place { name, shape: shape.to_vec(), transposed: false, part: (0, 1), start };
        let mut parts = name.splitn(4, '.');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("exits"), Some("classifiers"), Some(m), Some(leaf)) => {
                plain(format!("exits.{}.classifier.{leaf}", number(m) + 1), None)
            }
            (Some("exits"), Some("poolers"), Some(m), Some(rest)) => {
                let leaf = rest.rsplit('.').next().unwrap_or(rest);
                let shared =
                    self.family.stored("exits.pooler", None).map_or("exits.pooler.dense".to_owned(), |(name, _)| name);
                let shared = format!("{shared}.{leaf}");
                match pooler {
                    PoolerKind::PerExit => plain(format!("exits.{}.pooler.{rest}", number(m) + 1), Some(shared)),
                    PoolerKind::Shared | PoolerKind::None => plain(shared, None),
                }
            }
            (Some("exits"), Some("score"), ..) => plain(name.to_owned(), None),
            _ => self.backbone_place(name, shape),
        }
    }

    fn backbone_place(&self, name: &str, shape: &[usize]) -> Place {
        let (stem, leaf) = match name.rsplit_once('.') {
            Some((stem, leaf @ ("weight" | "bias"))) => (stem, Some(leaf)),
            _ => (name, None),
        };
        let mut place =
            Place { name: name.to_owned(), shape: shape.to_vec(), transposed: false, part: (0, 1), start: None };
        // A test holds that every parameter is in its family's table.
        let Some((stored, kind)) = self.family.stored(stem, leaf) else { return place };
        place.name = stored;
        match kind {
            Stored::Plain(_) | Stored::Whole(_) => {}
            Stored::Transposed(_) => place.transposed = leaf == Some("weight"),
            Stored::Part(_, i, n) => {
                place.transposed = leaf == Some("weight");
                place.part = (i, n);
                place.shape[0] *= n;
            }
            Stored::Kernel(_) => {
                if let (InputShape::Image(input), Some("weight")) = (self.shape.input, leaf) {
                    place.shape = vec![shape[0], input.num_channels, input.patch_size[0], input.patch_size[1]];
                }
            }
        }
        if place.transposed {
            place.shape.reverse();
        }
        place
    }

    /// A tensor's name in the base model: without the prefix, and with the names of norm parameters used since 2019.
    pub(crate) fn canonical(&self, name: &str) -> String {
        let name = name.strip_prefix(self.family.prefix).unwrap_or(name);
        match (name.strip_suffix(".gamma"), name.strip_suffix(".beta")) {
            (Some(stem), _) => format!("{stem}.weight"),
            (_, Some(stem)) => format!("{stem}.bias"),
            _ => name.to_owned(),
        }
    }

    /// True if a tensor is not needed: part of a head that the exits replace, or a buffer.
    pub(crate) fn leaves_out(&self, name: &str) -> bool {
        self.family.left_out.iter().any(|pattern| match pattern.strip_suffix('.') {
            Some(_) => name.starts_with(pattern),
            None => starred(pattern, name).is_some(),
        })
    }
}

impl Family {
    /// A part's name in the checkpoint, and how it is stored.
    fn stored(&self, stem: &str, leaf: Option<&str>) -> Option<(String, Stored)> {
        self.names.iter().find_map(|(ours, stored)| {
            let number = starred(ours, stem)?;
            let (Stored::Plain(name)
            | Stored::Transposed(name)
            | Stored::Part(name, ..)
            | Stored::Kernel(name)
            | Stored::Whole(name)) = *stored;
            let name = name.replacen('*', number, 1);
            Some((leaf.map_or_else(|| name.clone(), |leaf| format!("{name}.{leaf}")), *stored))
        })
    }
}

/// The layer's number, if a name matches a pattern with `*`. An empty text for a match without `*`.
fn starred<'a>(pattern: &str, name: &'a str) -> Option<&'a str> {
    let Some((before, after)) = pattern.split_once('*') else {
        return (pattern == name).then_some("");
    };
    let middle = name.strip_prefix(before)?.strip_suffix(after)?;
    middle.bytes().all(|byte| byte.is_ascii_digit()).then_some(middle)
}

fn number(text: &str) -> usize {
    text.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: serde_json::Value) -> Config {
        Config::from_json(json.as_object().unwrap().clone()).unwrap()
    }

    fn bert() -> Config {
        config(serde_json::json!({"model_type": "bert", "vocab_size": 10, "hidden_size": 8, "num_hidden_layers": 2,
            "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 12}))
    }

    #[test]
    fn names_are_those_of_hugging_face() {
        let pairs = [
            ("embeddings.words.weight", "embeddings.word_embeddings.weight"),
            ("embeddings.norm.bias", "embeddings.LayerNorm.bias"),
            ("layers.3.attention.query.weight", "encoder.layer.3.attention.self.query.weight"),
            ("layers.3.attention.output.bias", "encoder.layer.3.attention.output.dense.bias"),
            ("layers.3.attention_norm.weight", "encoder.layer.3.attention.output.LayerNorm.weight"),
            ("layers.11.feed_forward.up.weight", "encoder.layer.11.intermediate.dense.weight"),
            ("layers.11.feed_forward.down.weight", "encoder.layer.11.output.dense.weight"),
            ("layers.11.feed_forward_norm.weight", "encoder.layer.11.output.LayerNorm.weight"),
            ("exits.classifiers.0.weight", "exits.1.classifier.weight"),
            ("exits.poolers.0.dense.bias", "pooler.dense.bias"),
            ("exits.score.weight", "exits.score.weight"),
        ];
        for (ours, theirs) in pairs {
            assert_eq!(bert().place(ours, &[8, 8], PoolerKind::Shared).name, theirs);
        }
        let place = bert().place("exits.poolers.1.dense.weight", &[8, 8], PoolerKind::PerExit);
        assert_eq!(place.name, "exits.2.pooler.dense.weight");
        assert_eq!(place.start.as_deref(), Some("pooler.dense.weight"));
    }

    #[test]
    fn gpt2_maps_are_transposed_and_joined() {
        let gpt2 =
            config(serde_json::json!({"model_type": "gpt2", "vocab_size": 10, "n_embd": 8, "n_layer": 2, "n_head": 2}));
        let key = gpt2.place("layers.1.attention.key.weight", &[8, 8], PoolerKind::None);
        assert_eq!((key.name.as_str(), key.shape, key.part), ("h.1.attn.c_attn.weight", vec![8, 24], (1, 3)));
        let up = gpt2.place("layers.0.feed_forward.up.weight", &[32, 8], PoolerKind::None);
        assert_eq!((up.shape, up.transposed), (vec![8, 32], true));
        let bias = gpt2.place("layers.0.attention.value.bias", &[8], PoolerKind::None);
        assert_eq!((bias.shape, bias.part, bias.transposed), (vec![24], (2, 3), false));
        assert!(gpt2.leaves_out("h.11.attn.bias") && !gpt2.leaves_out("h.11.attn.c_attn.bias"));
    }

    #[test]
    fn old_and_prefixed_names_are_known() {
        assert_eq!(bert().canonical("bert.embeddings.LayerNorm.gamma"), "embeddings.LayerNorm.weight");
        assert_eq!(bert().canonical("encoder.layer.0.output.LayerNorm.beta"), "encoder.layer.0.output.LayerNorm.bias");
        assert_eq!(bert().canonical("cls.predictions.bias"), "cls.predictions.bias");
        assert!(bert().leaves_out("cls.predictions.bias") && bert().leaves_out("embeddings.position_ids"));
    }
}
