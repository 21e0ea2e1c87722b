//! Reading weights from safetensors, under Hugging Face's names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use epee_nn::{Parameters, Scalar, Tensor};
use safetensors::{Dtype, SafeTensors};

use crate::files::read;
use crate::{BertConfig, Error, Model, PoolerKind, Pooling, init};

/// The tensors of one file, by the names the base model uses.
struct Weights {
    path: PathBuf,
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    left_out: Vec<String>,
}

/// What happened to the names in a checkpoint.
#[derive(Clone, Debug, Default)]
pub struct LoadReport {
    /// Tensors known not to be needed: pretraining heads and buffers.
    pub left_out: Vec<String>,
    /// Parameters that start fresh: exits, and the pooler where the checkpoint has none.
    pub fresh: Vec<String>,
}

/// Prefixes of tensors that belong to heads this project replaces.
const OTHER_HEADS: [&str; 4] = ["cls.", "classifier.", "qa_outputs.", "exits."];
/// Buffers that hold no weights.
const BUFFERS: [&str; 2] = ["embeddings.position_ids", "embeddings.token_type_ids"];

impl Weights {
    /// Reads `model.safetensors` of a directory.
    ///
    /// # Errors
    /// Where it is missing, damaged, or holds a tensor that is not of a floating-point type or not finite.
    fn read(dir: &Path) -> Result<Weights, Error> {
        let path = dir.join("model.safetensors");
        if !path.exists() {
            let pickle = ["pytorch_model.bin", "model.bin"].iter().find(|name| dir.join(name).exists());
            let hint = match pickle {
                Some(name) => format!(
                    "\nhint: {name} is a pickle, which can run code when it is read, so it is refused; convert it once: python -c \
                     \"from transformers import AutoModel; AutoModel.from_pretrained('{0}').save_pretrained('{0}')\"",
                    dir.display()
                ),
                None if dir.join("model.safetensors.index.json").exists() => {
                    "\nhint: this checkpoint is split into shards; save it as one file".to_owned()
                }
                None => String::new(),
            };
            return Err(Error::Missing { path, expected: "config.json and model.safetensors", hint });
        }
        let bytes = read(&path)?;
        let damaged = |problem: String| Error::Damaged { path: path.clone(), problem };
        let file = SafeTensors::deserialize(&bytes).map_err(|error| damaged(error.to_string()))?;
        let mut weights = Weights { path: path.clone(), tensors: BTreeMap::new(), left_out: Vec::new() };
        for (name, view) in file.iter() {
            let known = canonical(name);
            if BUFFERS.contains(&known.as_str()) {
                weights.left_out.push(name.to_owned());
                continue;
            }
            let values = floats(view.dtype(), view.data()).ok_or_else(|| Error::Dtype {
                path: path.clone(),
                name: name.to_owned(),
                got: format!("{:?}", view.dtype()),
            })?;
            if let Some((index, &value)) = values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
                return Err(Error::NotFinite { path, name: name.to_owned(), value, index });
            }
            if weights.tensors.insert(known, (view.shape().to_vec(), values)).is_some() {
                return Err(damaged(format!("two tensors stand for {name}")));
            }
        }
        Ok(weights)
    }

    /// Refuses a configuration that asks for far more weights than the file holds, before memory is asked for them.
    fn check_size(&self, config: &BertConfig) -> Result<(), Error> {
        let held: u64 = self.tensors.values().map(|(_, values)| values.len() as u64).sum();
        let asked = config.parameters();
        if asked > 2 * held + (1 << 22) {
            let problem = format!("config.json asks for {asked} weights, this file holds {held}");
            return Err(Error::Names { path: self.path.clone(), problem });
        }
        Ok(())
    }

    /// Moves the tensors that begin with one of the prefixes to those left out.
    fn leave_out(&mut self, prefixes: &[&str]) {
        let names: Vec<String> = self
            .tensors
            .keys()
            .filter(|name| prefixes.iter().any(|prefix| name.starts_with(prefix)))
            .cloned()
            .collect();
        for name in names {
            self.tensors.remove(&name);
            self.left_out.push(name);
        }
    }

    /// Fills a model; `may_be_fresh` says which parameters need no tensor.
    fn fill<T: Scalar>(
        mut self,
        model: &mut Model<T>,
        may_be_fresh: impl Fn(&str) -> bool,
    ) -> Result<LoadReport, Error> {
        let mut report = LoadReport::default();
        let mut missing = Vec::new();
        for (name, tensor) in model.parameters_mut() {
            // A pooler of one exit starts from the model's one pooler.
            let shared = name.split_once(".pooler.").map(|(_, rest)| format!("pooler.{rest}"));
            let found = self.tensors.get(&name).or_else(|| self.tensors.get(&shared?));
            match found {
                Some((shape, values)) => {
                    if shape != tensor.shape() {
                        let (expected, got) = (tensor.shape().to_vec(), shape.clone());
                        return Err(Error::Shape { path: self.path, name, expected, got });
                    }
                    for (x, &value) in tensor.data_mut().iter_mut().zip(values) {
                        *x = T::of(f64::from(value));
                    }
                }
                None if may_be_fresh(&name) => report.fresh.push(name),
                None => missing.push(name),
            }
        }
        if !missing.is_empty() {
            return Err(Error::Names { path: self.path, problem: format!("no tensor for {}", list(&missing)) });
        }
        for (name, _) in model.parameters() {
            self.tensors.remove(&name);
        }
        self.tensors.retain(|name, _| !(name.starts_with("pooler.") && model.exits.poolers.len() > 1));
        if !self.tensors.is_empty() {
            let unknown: Vec<String> = self.tensors.into_keys().collect();
            return Err(Error::Names { path: self.path, problem: format!("unknown tensors {}", list(&unknown)) });
        }
        report.left_out = self.left_out;
        report.left_out.sort();
        Ok(report)
    }
}

/// The base model's name: without `bert.`, and with the names norms have had since 2019.
fn canonical(name: &str) -> String {
    let name = name.strip_prefix("bert.").unwrap_or(name);
    match (name.strip_suffix(".gamma"), name.strip_suffix(".beta")) {
        (Some(stem), _) => format!("{stem}.weight"),
        (_, Some(stem)) => format!("{stem}.bias"),
        _ => name.to_owned(),
    }
}

fn floats(dtype: Dtype, data: &[u8]) -> Option<Vec<f32>> {
    let pairs = || data.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]]));
    match dtype {
        Dtype::F32 => Some(data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()),
        Dtype::BF16 => Some(pairs().map(|bits| f32::from_bits(u32::from(bits) << 16)).collect()),
        Dtype::F16 => Some(pairs().map(half).collect()),
        _ => None,
    }
}

/// IEEE 754 half precision: 1 sign, 5 exponent, 10 mantissa bits.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, mantissa) = (i32::from(bits >> 10) & 31, f32::from(bits & 0x3ff));
    sign * match exponent {
        0 => mantissa * 2f32.powi(-24),
        31 if mantissa == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + mantissa / 1024.0) * 2f32.powi(exponent - 15),
    }
}

/// Up to eight names.
fn list(names: &[String]) -> String {
    let shown = names.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > 8 { format!("{shown} and {} more", names.len() - 8) } else { shown }
}

/// A model with the backbone of a Hugging Face directory and fresh exits.
///
/// # Errors
/// Where a file is missing or damaged, a tensor has the wrong shape, finds no place, or a parameter finds no tensor.
pub fn read_backbone(
    dir: &Path,
    config: &BertConfig,
    classes: usize,
    pooler: PoolerKind,
    pooling: Pooling,
    seed: u64,
) -> Result<(Model<f32>, LoadReport), Error> {
    let mut weights = Weights::read(dir)?;
    weights.check_size(config)?;
    weights.leave_out(&OTHER_HEADS);
    let mut model = Model::zeros(config, classes, pooler, pooling);
    // Half a pooler is a damaged checkpoint, none is one that was trained without.
    let pooler = weights.tensors.keys().any(|name| name.starts_with("pooler."));
    let report =
        weights.fill(&mut model, |name| name.contains("classifier.") || !pooler && name.contains("pooler."))?;
    let mut normal = init::Normal::new(seed, config.initializer_range);
    model.visit_mut("", &mut |name, tensor| {
        if report.fresh.contains(&name) {
            normal.fill(&name, tensor);
        }
    });
    Ok((model, report))
}

/// A model with all its weights, exits included.
///
/// # Errors
/// As [`read_backbone`], and where an exit finds no tensor.
pub fn read_whole(
    dir: &Path,
    config: &BertConfig,
    classes: usize,
    pooler: PoolerKind,
    pooling: Pooling,
) -> Result<Model<f32>, Error> {
    let weights = Weights::read(dir)?;
    weights.check_size(config)?;
    let mut model = Model::zeros(config, classes, pooler, pooling);
    weights.fill(&mut model, |_| false)?;
    Ok(model)
}

/// Weights by name, as the bytes of a safetensors file.
pub(crate) fn to_bytes(parameters: &[(String, &Tensor<f32>)]) -> Result<Vec<u8>, String> {
    let bytes: Vec<Vec<u8>> =
        parameters.iter().map(|(_, tensor)| tensor.data().iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let views: Result<Vec<_>, _> = parameters
        .iter()
        .zip(&bytes)
        .map(|((name, tensor), bytes)| {
            safetensors::tensor::TensorView::new(Dtype::F32, tensor.shape().to_vec(), bytes).map(|view| (name, view))
        })
        .collect();
    // Transformers asks for this entry before it opens a file.
    let metadata = std::collections::HashMap::from([("format".to_owned(), "pt".to_owned())]);
    views.and_then(|views| safetensors::serialize(views, Some(metadata))).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_has_its_published_values() {
        let values =
            [(0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (0x0001, 5.960_464_5e-8), (0x3555, 0.333_251_95)];
        for (bits, expected) in values {
            assert_eq!(half(bits), expected);
        }
        assert!(half(0x7c00).is_infinite() && half(0x7e00).is_nan());
    }

    #[test]
    fn old_and_prefixed_names_are_known() {
        assert_eq!(canonical("bert.embeddings.LayerNorm.gamma"), "embeddings.LayerNorm.weight");
        assert_eq!(canonical("encoder.layer.0.output.LayerNorm.beta"), "encoder.layer.0.output.LayerNorm.bias");
        assert_eq!(canonical("cls.predictions.bias"), "cls.predictions.bias");
    }
}
