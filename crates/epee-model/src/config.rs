//! `config.json`: the architecture and its sizes.

use std::path::Path;

use epee_files::{read_file, read_json_object};
use serde_json::{Map, Value, json};

use crate::Error;
use crate::families::{FAMILIES, Family, Fields};
use crate::shape::{InputShape, Shape};

/// A model's configuration, as in Hugging Face's `config.json`.
///
/// ```
/// let gpt2 = br#"{"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12}"#;
/// let config = epee_model::Config::from_bytes_for(gpt2, 50257)?;
/// assert_eq!((config.title(), config.depth(), config.parameters()), ("GPT-2", 12, 124_439_808));
/// # Ok::<(), epee_model::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// The sizes and the structure.
    pub shape: Shape,
    pub(crate) family: &'static Family,
    /// The whole file, so that unknown fields are kept when it is written again.
    raw: Map<String, Value>,
}

/// The most weights of a model: 8 GB in `f32`.
const MOST_PARAMETERS: u64 = 1 << 31;

/// A configuration that describes no model this crate can build. The message names the field, what was expected and what was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl Config {
    /// Reads and checks a `config.json`.
    ///
    /// # Errors
    /// If the file is missing or is not JSON, if the architecture is unknown, or if a field is missing or has a wrong value.
    pub fn read(path: &Path) -> Result<Config, Error> {
        let raw = read_json_object(path)?;
        Config::from_json(raw).map_err(|problem| Error::content(path, problem.to_string()))
    }

    /// As [`Config::read`] for a fresh model, with the vocabulary size of its tokenizer.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn read_for(path: &Path, vocab_size: usize) -> Result<Config, Error> {
        Config::from_bytes_for(&read_file(path)?, vocab_size)
            .map_err(|problem| Error::content(path, problem.to_string()))
    }

    /// As [`Config::read`], from the bytes of a file.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Config, ConfigError> {
        Config::from_json(object(bytes)?)
    }

    /// As [`Config::read_for`], from the bytes of a file.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn from_bytes_for(bytes: &[u8], vocab_size: usize) -> Result<Config, ConfigError> {
        let mut raw = object(bytes)?;
        raw.insert("vocab_size".into(), json!(vocab_size));
        Config::from_json(raw)
    }

    /// As [`Config::read`], from the JSON object of a file.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn from_json(raw: Map<String, Value>) -> Result<Config, ConfigError> {
        Config::parse(raw).map_err(ConfigError)
    }

    fn parse(raw: Map<String, Value>) -> Result<Config, String> {
        let expected = || FAMILIES.map(|family| format!("\"{}\"", family.model_type)).join(", ");
        let family = match raw.get("model_type") {
            None | Some(Value::Null) => {
                return Err(format!("missing field model_type: expected one of {}", expected()));
            }
            Some(value) => value
                .as_str()
                .and_then(|name| FAMILIES.into_iter().find(|family| family.model_type == name))
                .ok_or_else(|| format!("model_type: expected one of {}, got {value}", expected()))?,
        };
        let shape = (family.read)(&Fields(&raw))?;
        let config = Config { shape, family, raw };
        // A wrong file must not request more memory than there is.
        let parameters = config.parameters();
        if parameters > MOST_PARAMETERS {
            return Err(format!("sizes: expected at most {MOST_PARAMETERS} parameters in all, got {parameters}"));
        }
        Ok(config)
    }

    /// The same model for images of another size, in pixels.
    ///
    /// # Errors
    /// If the model reads text, or if the size is not a multiple of the patch size.
    pub fn with_image_size(&self, height: usize, width: usize) -> Result<Config, ConfigError> {
        if let InputShape::Text(_) = self.shape.input {
            return Err(ConfigError(format!("{} reads text", self.title())));
        }
        let mut raw = self.raw.clone();
        raw.insert("image_size".into(), if height == width { json!(height) } else { json!([height, width]) });
        Config::from_json(raw)
    }

    /// `model_type`, such as `bert`.
    pub fn model_type(&self) -> &'static str {
        self.family.model_type
    }

    /// The architecture's usual name, such as `GPT-2`.
    pub fn title(&self) -> &'static str {
        self.family.title
    }

    /// M, the number of layers.
    pub fn depth(&self) -> usize {
        self.shape.num_hidden_layers
    }

    /// The most tokens in a sequence.
    pub fn positions(&self) -> usize {
        match self.shape.input {
            InputShape::Text(input) => input.max_position_embeddings,
            InputShape::Image(input) => input.rows(),
        }
    }

    /// The number of token ids; none for an image model.
    pub fn vocab_size(&self) -> Option<usize> {
        match self.shape.input {
            InputShape::Text(input) => Some(input.vocab_size),
            InputShape::Image(_) => None,
        }
    }

    /// The number of weights without the exits' classifiers, but with the architecture's pooler.
    pub fn parameters(&self) -> u64 {
        let shape = &self.shape;
        let [d, i, groups] =
            [shape.hidden_size, shape.intermediate_size, shape.num_hidden_groups].map(|size| size as u64);
        // No overflow: sizes are at most 2^24, layers at most 2^10.
        let layer = 4 * (d * d + d) + 2 * d * i + d + i + 4 * d;
        let embeddings = match shape.input {
            InputShape::Text(input) => {
                let [v, p, s, e] =
                    [input.vocab_size, input.max_position_embeddings, input.type_vocab_size, input.embedding_size]
                        .map(|size| size as u64);
                (v + p + s + 2 * u64::from(input.layer_norm)) * e + if e == d { 0 } else { e * d + d }
            }
            InputShape::Image(input) => {
                let patch = (input.num_channels * input.patch_size[0] * input.patch_size[1]) as u64;
                (patch + 1 + input.num_prefix_tokens as u64 + input.rows() as u64) * d
            }
        };
        let norm = if shape.final_norm { 2 * d } else { 0 };
        let pooler = if shape.pooler == crate::PoolerKind::None { 0 } else { d * d + d };
        embeddings + groups * layer + norm + pooler
    }

    /// The class names of `id2label`, if it names the ids from 0 without a gap.
    pub(crate) fn labels(&self) -> Option<Vec<String>> {
        let map = self.raw.get("id2label")?.as_object()?;
        (0..map.len()).map(|i| Some(map.get(&i.to_string())?.as_str()?.to_owned())).collect()
    }

    /// The content of `config.json` with these class names.
    pub fn to_json(&self, labels: &[String]) -> Value {
        let mut raw = self.raw.clone();
        raw.insert("architectures".into(), json!([self.family.architecture]));
        raw.remove("torch_dtype");
        raw.insert("dtype".into(), json!("float32"));
        let id2label: Map<String, Value> =
            labels.iter().enumerate().map(|(i, label)| (i.to_string(), json!(label))).collect();
        let label2id: Map<String, Value> =
            labels.iter().enumerate().map(|(i, label)| (label.clone(), json!(i))).collect();
        raw.insert("id2label".into(), Value::Object(id2label));
        raw.insert("label2id".into(), Value::Object(label2id));
        Value::Object(raw)
    }
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, ConfigError> {
    serde_json::from_slice(bytes).map_err(|error| ConfigError(format!("expected a JSON object: {error}")))
}

#[cfg(test)]
mod tests {
    use epee_nn::Activation;

    use super::*;

    fn config(change: impl Fn(&mut Map<String, Value>)) -> Result<Config, ConfigError> {
        let bert = br#"{"model_type": "bert", "vocab_size": 10, "hidden_size": 8, "num_hidden_layers": 2,
            "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 12}"#;
        let mut raw = object(bert)?;
        change(&mut raw);
        Config::from_json(raw)
    }

    #[test]
    fn an_error_names_the_field_and_its_value() {
        assert!(config(|_| ()).is_ok());
        let families = r#""bert", "albert", "distilbert", "gpt2", "vit", "deit""#;
        for (key, value, expected) in [
            ("model_type", json!("llama"), format!("model_type: expected one of {families}, got \"llama\"").as_str()),
            ("hidden_act", json!("relu"), r#"expected "gelu", "gelu_new" or "gelu_pytorch_tanh", got "relu""#),
            ("hidden_size", json!(7), "hidden_size 7: expected a multiple of num_attention_heads 2"),
            ("vocab_size", json!(0), "vocab_size: expected 1 to 16777216, got 0"),
            ("vocab_size", json!("many"), "vocab_size: expected 1 to 16777216, got \"many\""),
            ("num_hidden_layers", json!(2000), "num_hidden_layers: expected 1 to 1024, got 2000"),
            ("hidden_dropout_prob", json!(1.0), "below 1, got 1"),
            ("hidden_size", json!(1 << 24), "expected at most 2147483648 parameters"),
            ("is_decoder", json!(true), "is_decoder: expected false"),
        ] {
            let problem = config(|raw| _ = raw.insert(key.into(), value.clone())).unwrap_err().to_string();
            assert!(problem.contains(expected), "{problem}");
        }
        let tanh = config(|raw| _ = raw.insert("hidden_act".into(), json!("gelu_new"))).unwrap();
        assert_eq!(tanh.shape.activation, Activation::GeluTanh);
        let missing = config(|raw| _ = raw.remove("hidden_size")).unwrap_err();
        assert_eq!(missing.to_string(), "missing field hidden_size: expected a number from 1 to 16777216");
    }

    #[test]
    fn errors_of_other_architectures() {
        let of = |json: Value| Config::from_json(json.as_object().unwrap().clone()).unwrap_err().to_string();
        let gpt2 = json!({"model_type": "gpt2", "vocab_size": 9, "n_embd": 10, "n_head": 3});
        assert_eq!(of(gpt2), "n_embd 10: expected a multiple of n_head 3");
        let vit = json!({"model_type": "vit", "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
            "intermediate_size": 16, "image_size": 28, "patch_size": 5});
        assert_eq!(of(vit.clone()), "image_size 28 x 28: expected multiples of patch_size 5 x 5");
        let mut large = vit;
        large["image_size"] = json!(2800);
        assert_eq!(of(large), "image_size 2800 x 2800: expected at most 8192 patches, got 313600");
        let albert = json!({"model_type": "albert", "vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 6,
            "num_attention_heads": 2, "intermediate_size": 16, "num_hidden_groups": 4});
        assert_eq!(of(albert), "num_hidden_groups 4: expected a divisor of num_hidden_layers 6");
    }

    #[test]
    fn unknown_fields_are_kept() {
        let config = config(|raw| _ = raw.insert("gradient_checkpointing".into(), json!(false))).unwrap();
        let json = config.to_json(&["no".into(), "yes".into()]);
        assert_eq!(json["gradient_checkpointing"], json!(false));
        assert_eq!(json["architectures"], json!(["BertModel"]));
        assert_eq!(json["id2label"]["1"], "yes");
        assert_eq!(json["label2id"]["no"], 0);
    }
}
