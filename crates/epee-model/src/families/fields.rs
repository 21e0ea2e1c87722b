//! The fields of a `config.json`, with their checks.

use epee_nn::Activation;
use serde_json::{Map, Value, json};

const MOST: usize = 1 << 24;
/// The most layers of a model.
pub(crate) const MOST_LAYERS: usize = 1024;

/// The fields of a `config.json`. Each method checks a field's value; errors say what was expected and what was found.
pub(crate) struct Fields<'a>(pub(crate) &'a Map<String, Value>);

impl Fields<'_> {
    fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    /// A size. It is required if there is no default.
    pub(crate) fn size(&self, key: &str, default: Option<usize>) -> Result<usize, String> {
        self.up_to(key, default, MOST)
    }

    /// A number of layers. It is required if there is no default.
    pub(crate) fn layers(&self, key: &str, default: Option<usize>) -> Result<usize, String> {
        self.up_to(key, default, MOST_LAYERS)
    }

    fn up_to(&self, key: &str, default: Option<usize>, most: usize) -> Result<usize, String> {
        let value = match (self.get(key), default) {
            (Some(value), _) => value,
            (None, Some(default)) => return Ok(default),
            (None, None) => return Err(format!("missing field {key}: expected a number from 1 to {most}")),
        };
        match value.as_u64().map(usize::try_from) {
            Some(Ok(size)) if (1..=most).contains(&size) => Ok(size),
            _ => Err(format!("{key}: expected 1 to {most}, got {value}")),
        }
    }

    /// A number of heads, which must divide the width. It is required if there is no default.
    pub(crate) fn heads(
        &self,
        key: &str,
        default: Option<usize>,
        width_key: &str,
        width: usize,
    ) -> Result<usize, String> {
        let heads = self.size(key, default)?;
        let fits = width.is_multiple_of(heads);
        fits.then_some(heads).ok_or_else(|| format!("{width_key} {width}: expected a multiple of {key} {heads}"))
    }

    /// Height and width: one size for both, or a list of two.
    pub(crate) fn pair(&self, key: &str, default: usize) -> Result<[usize; 2], String> {
        let Some(Value::Array(list)) = self.get(key) else {
            return Ok([self.size(key, Some(default))?; 2]);
        };
        let sizes: Option<Vec<usize>> = list.iter().map(|value| usize::try_from(value.as_u64()?).ok()).collect();
        match sizes.as_deref() {
            Some(&[a, b]) if [a, b].iter().all(|size| (1..=MOST).contains(size)) => Ok([a, b]),
            _ => Err(format!("{key}: expected a size or a list of two, got {}", Value::Array(list.clone()))),
        }
    }

    pub(crate) fn rate(&self, key: &str, default: f64) -> Result<f64, String> {
        self.number(key, default, "at least 0 and below 1", |rate| (0.0..1.0).contains(&rate))
    }

    pub(crate) fn positive(&self, key: &str, default: f64) -> Result<f64, String> {
        self.number(key, default, "above 0", |x| x.is_finite() && x > 0.0)
    }

    fn number(&self, key: &str, default: f64, expected: &str, fits: impl Fn(f64) -> bool) -> Result<f64, String> {
        let Some(value) = self.get(key) else { return Ok(default) };
        value.as_f64().filter(|&x| fits(x)).ok_or_else(|| format!("{key}: expected {expected}, got {value}"))
    }

    pub(crate) fn flag(&self, key: &str, default: bool) -> Result<bool, String> {
        let Some(value) = self.get(key) else { return Ok(default) };
        value.as_bool().ok_or_else(|| format!("{key}: expected true or false, got {value}"))
    }

    /// An optional string with only one accepted value.
    pub(crate) fn only(&self, key: &str, expected: &str) -> Result<(), String> {
        match self.get(key) {
            Some(value) if value != expected => Err(format!("{key}: expected \"{expected}\", got {value}")),
            _ => Ok(()),
        }
    }

    /// An activation, by its name in Transformers.
    pub(crate) fn activation(&self, key: &str, default: &str) -> Result<Activation, String> {
        let value = self.get(key).cloned().unwrap_or_else(|| json!(default));
        match value.as_str() {
            Some("gelu") => Ok(Activation::Gelu),
            Some("gelu_new" | "gelu_pytorch_tanh") => Ok(Activation::GeluTanh),
            _ => Err(format!("{key}: expected \"gelu\", \"gelu_new\" or \"gelu_pytorch_tanh\", got {value}")),
        }
    }
}
