//! BERT's `config.json`.

use std::path::Path;

use epee_nn::Activation;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Error;
use crate::files::{read, read_json};

/// The sizes of a BERT, as in Hugging Face's `config.json`.
#[derive(Clone, Debug, Deserialize)]
pub struct BertConfig {
    /// Entries of the vocabulary.
    pub vocab_size: usize,
    /// d
    pub hidden_size: usize,
    /// M
    pub num_hidden_layers: usize,
    /// Heads per layer; divides `hidden_size`.
    pub num_attention_heads: usize,
    /// Width of the feed-forward block.
    pub intermediate_size: usize,
    /// The longest sequence.
    pub max_position_embeddings: usize,
    /// Segments.
    #[serde(default = "two")]
    pub type_vocab_size: usize,
    /// ε of the layer norms.
    #[serde(default = "tiny")]
    pub layer_norm_eps: f64,
    /// Dropout of embeddings, residual branches and heads, in training.
    #[serde(default = "tenth")]
    pub hidden_dropout_prob: f64,
    /// Dropout of attention probabilities, in training.
    #[serde(default = "tenth")]
    pub attention_probs_dropout_prob: f64,
    /// Dropout before each classifier; `hidden_dropout_prob` where absent.
    #[serde(default)]
    pub classifier_dropout: Option<f64>,
    /// Deviation of fresh weights.
    #[serde(default = "fiftieth")]
    pub initializer_range: f64,
    /// Between the feed-forward block's two maps: `hidden_act` `gelu`, or `gelu_new` for the tanh form.
    #[serde(skip)]
    pub activation: Activation,
    /// The whole file, so that nothing in it is lost when it is written again.
    #[serde(skip)]
    raw: Map<String, Value>,
}

/// 2^31: eight gigabytes of weights.
const MOST_PARAMETERS: u64 = 1 << 31;

fn two() -> usize {
    2
}
fn tiny() -> f64 {
    1e-12
}
fn tenth() -> f64 {
    0.1
}
fn fiftieth() -> f64 {
    0.02
}

impl BertConfig {
    /// Reads and checks a `config.json`.
    ///
    /// # Errors
    /// Where the file is missing or not JSON, names another architecture, lacks a field, or asks for what is not built.
    pub fn read(path: &Path) -> Result<BertConfig, Error> {
        let raw = read_json(path)?;
        BertConfig::from_json(raw).map_err(|problem| Error::Json { path: path.to_owned(), problem })
    }

    /// Reads the configuration of a fresh model, which takes its vocabulary's size from its tokenizer.
    ///
    /// # Errors
    /// As [`BertConfig::read`].
    pub fn read_for(path: &Path, vocab_size: usize) -> Result<BertConfig, Error> {
        BertConfig::from_bytes_for(&read(path)?, vocab_size)
            .map_err(|problem| Error::Json { path: path.to_owned(), problem })
    }

    /// [`BertConfig::read_for`] of a file's bytes; the error says what was expected and found.
    pub fn from_bytes_for(bytes: &[u8], vocab_size: usize) -> Result<BertConfig, String> {
        let mut raw: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(|error| format!("expected a JSON object: {error}"))?;
        raw.insert("vocab_size".into(), json!(vocab_size));
        BertConfig::from_json(raw)
    }

    /// From the object in a `config.json`; the error says what was expected and found.
    pub fn from_json(raw: Map<String, Value>) -> Result<BertConfig, String> {
        let text = |key: &str| raw.get(key).filter(|value| !value.is_null()).map(Value::to_string);
        let named = |key: &str, expected: &str, required: bool| match text(key) {
            Some(got) if got != format!("\"{expected}\"") => Err(format!("{key}: expected \"{expected}\", got {got}")),
            None if required => Err(format!("missing field {key}: expected \"{expected}\"")),
            _ => Ok(()),
        };
        named("model_type", "bert", true)?;
        let activation = match text("hidden_act").as_deref() {
            None | Some("\"gelu\"") => Activation::Gelu,
            Some("\"gelu_new\"" | "\"gelu_pytorch_tanh\"") => Activation::GeluTanh,
            Some(got) => {
                return Err(format!("hidden_act: expected \"gelu\", \"gelu_new\" or \"gelu_pytorch_tanh\", got {got}"));
            }
        };
        named("position_embedding_type", "absolute", false)?;
        if raw.get("is_decoder").is_some_and(|value| value != &Value::Bool(false)) {
            return Err("is_decoder: expected false, got true: a causal model is not a BERT encoder".to_owned());
        }
        let mut config: BertConfig =
            serde_json::from_value(Value::Object(raw.clone())).map_err(|error| error.to_string())?;
        config.activation = activation;
        let positive = [
            ("vocab_size", config.vocab_size),
            ("hidden_size", config.hidden_size),
            ("num_hidden_layers", config.num_hidden_layers),
            ("num_attention_heads", config.num_attention_heads),
            ("intermediate_size", config.intermediate_size),
            ("max_position_embeddings", config.max_position_embeddings),
            ("type_vocab_size", config.type_vocab_size),
        ];
        for (name, value) in positive {
            if value == 0 || value > 1 << 24 {
                return Err(format!("{name}: expected 1 to {}, got {value}", 1 << 24));
            }
        }
        if config.num_hidden_layers > 1024 {
            return Err(format!("num_hidden_layers: expected 1 to 1024, got {}", config.num_hidden_layers));
        }
        // Keeps a wrong file from asking for more memory than there is.
        if config.parameters() > MOST_PARAMETERS {
            let got = config.parameters();
            return Err(format!("sizes: expected at most {MOST_PARAMETERS} parameters in all, got {got}"));
        }
        if !config.hidden_size.is_multiple_of(config.num_attention_heads) {
            let (d, heads) = (config.hidden_size, config.num_attention_heads);
            return Err(format!("hidden_size {d}: expected a multiple of num_attention_heads {heads}"));
        }
        let rates = [
            ("hidden_dropout_prob", config.hidden_dropout_prob),
            ("attention_probs_dropout_prob", config.attention_probs_dropout_prob),
            ("classifier_dropout", config.head_dropout()),
        ];
        for (name, rate) in rates {
            if !(0.0..1.0).contains(&rate) {
                return Err(format!("{name}: expected at least 0 and below 1, got {rate}"));
            }
        }
        if !(config.initializer_range.is_finite() && config.initializer_range > 0.0) {
            return Err(format!("initializer_range: expected above 0, got {}", config.initializer_range));
        }
        if config.layer_norm_eps.is_nan() || config.layer_norm_eps <= 0.0 {
            return Err(format!("layer_norm_eps: expected above 0, got {}", config.layer_norm_eps));
        }
        config.raw = raw;
        Ok(config)
    }

    /// The number of weights in the backbone.
    pub(crate) fn parameters(&self) -> u64 {
        let [v, p, s, d, i, m] = [
            self.vocab_size,
            self.max_position_embeddings,
            self.type_vocab_size,
            self.hidden_size,
            self.intermediate_size,
            self.num_hidden_layers,
        ]
        .map(|size| size as u64);
        // No overflow: sizes are at most 2^24, layers at most 2^10.
        let layer = 4 * (d * d + d) + 2 * d * i + d + i + 4 * d;
        (v + p + s + 2) * d + m * layer
    }

    /// Dropout before each classifier.
    pub fn head_dropout(&self) -> f64 {
        self.classifier_dropout.unwrap_or(self.hidden_dropout_prob)
    }

    /// The class names of `id2label`, where they are whole.
    pub(crate) fn labels(&self) -> Option<Vec<String>> {
        let map = self.raw.get("id2label")?.as_object()?;
        (0..map.len()).map(|i| Some(map.get(&i.to_string())?.as_str()?.to_owned())).collect()
    }

    /// What to write as `config.json`, with the class names.
    pub(crate) fn to_json(&self, labels: &[String]) -> Value {
        let mut raw = self.raw.clone();
        raw.insert("architectures".into(), json!(["BertModel"]));
        raw.remove("torch_dtype");
        raw.insert("dtype".into(), json!("float32"));
        raw.insert("vocab_size".into(), json!(self.vocab_size));
        let id2label: Map<String, Value> =
            labels.iter().enumerate().map(|(i, label)| (i.to_string(), json!(label))).collect();
        let label2id: Map<String, Value> =
            labels.iter().enumerate().map(|(i, label)| (label.clone(), json!(i))).collect();
        raw.insert("id2label".into(), Value::Object(id2label));
        raw.insert("label2id".into(), Value::Object(label2id));
        Value::Object(raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(change: impl Fn(&mut Map<String, Value>)) -> Result<BertConfig, String> {
        let Value::Object(mut raw) = json!({
            "model_type": "bert", "vocab_size": 10, "hidden_size": 8, "num_hidden_layers": 2,
            "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 12,
        }) else {
            unreachable!()
        };
        change(&mut raw);
        BertConfig::from_json(raw)
    }

    fn problem(key: &str, value: Value) -> String {
        config(|raw| _ = raw.insert(key.into(), value.clone())).unwrap_err()
    }

    #[test]
    fn a_wrong_file_is_told_what_is_wrong() {
        assert_eq!(config(|_| ()).unwrap().type_vocab_size, 2);
        assert_eq!(problem("model_type", json!("gpt2")), r#"model_type: expected "bert", got "gpt2""#);
        assert_eq!(
            problem("hidden_act", json!("relu")),
            r#"hidden_act: expected "gelu", "gelu_new" or "gelu_pytorch_tanh", got "relu""#
        );
        let tanh = config(|raw| _ = raw.insert("hidden_act".into(), json!("gelu_new"))).unwrap();
        assert_eq!(tanh.activation, Activation::GeluTanh);
        assert_eq!(problem("hidden_size", json!(7)), "hidden_size 7: expected a multiple of num_attention_heads 2");
        assert_eq!(problem("vocab_size", json!(0)), "vocab_size: expected 1 to 16777216, got 0");
        assert!(problem("hidden_dropout_prob", json!(1.0)).contains("below 1, got 1"));
        assert!(problem("hidden_size", json!(1 << 24)).contains("expected at most 2147483648 parameters"));
        assert!(problem("is_decoder", json!(true)).starts_with("is_decoder: expected false"));
        let missing = config(|raw| _ = raw.remove("hidden_size")).unwrap_err();
        assert_eq!(missing, "missing field `hidden_size`");
    }

    #[test]
    fn fields_it_does_not_know_are_kept() {
        let config = config(|raw| _ = raw.insert("gradient_checkpointing".into(), json!(false))).unwrap();
        let json = config.to_json(&["no".into(), "yes".into()]);
        assert_eq!(json["gradient_checkpointing"], json!(false));
        assert_eq!(json["id2label"]["1"], "yes");
        assert_eq!(json["label2id"]["no"], 0);
    }
}
