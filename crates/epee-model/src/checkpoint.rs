//! Reading weights from safetensors, under Hugging Face's names.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use epee_nn::{Parameters, Precision, Scalar, Tensor, in_pool};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use crate::bert::{Embeddings, layer_zeros};
use crate::{Backbone, Bert, BertConfig, Engine, Error, Exits, ExitsFile, Model, PoolerKind, Pooling, init};

/// A file of tensors, by the names the base model uses. Each is read when it is asked for: a file is never in memory whole.
struct Weights {
    path: PathBuf,
    file: File,
    /// Where the tensors begin in the file.
    data: u64,
    tensors: BTreeMap<String, TensorInfo>,
    left_out: Vec<String>,
    /// Whether the pooler of an exit may start from the model's one pooler.
    share_pooler: bool,
}

/// What happened to the names in a checkpoint.
#[derive(Clone, Debug, Default)]
pub struct LoadReport {
    /// Tensors known not to be needed: pretraining heads and buffers.
    pub left_out: Vec<String>,
    /// Parameters that start fresh: exits, and the pooler where the checkpoint has none.
    pub fresh: Vec<String>,
}

/// Bytes of the longest header that is read: what the `safetensors` crate allows.
const MOST_HEADER: u64 = 100_000_000;
/// Prefixes of tensors that belong to heads this project replaces.
const OTHER_HEADS: [&str; 4] = ["cls.", "classifier.", "qa_outputs.", "exits."];
/// Values read at once.
const PIECE: usize = 1 << 14;
/// Buffers that hold no weights.
const BUFFERS: [&str; 2] = ["embeddings.position_ids", "embeddings.token_type_ids"];

impl Weights {
    /// Opens `model.safetensors` of a directory and reads its table of contents.
    ///
    /// # Errors
    /// Where it is missing, damaged, or holds a tensor that is not of a floating-point type.
    fn open(dir: &Path) -> Result<Weights, Error> {
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
        let mut file = File::open(&path).map_err(Error::io("read", &path))?;
        let length = file.metadata().map_err(Error::io("read", &path))?.len();
        let damaged = |problem: String| Error::Damaged { path: path.clone(), problem };
        let mut size = [0; 8];
        file.read_exact(&mut size).map_err(|_| damaged(format!("it is {length} bytes long")))?;
        let size = u64::from_le_bytes(size);
        if size > length.saturating_sub(8).min(MOST_HEADER) {
            return Err(damaged(format!("its header claims {size} bytes, the file has {length}")));
        }
        let mut header = vec![0; size as usize];
        file.read_exact(&mut header).map_err(Error::io("read", &path))?;
        let metadata: Metadata = serde_json::from_slice(&header).map_err(|error| damaged(error.to_string()))?;
        let data = 8 + size;
        if metadata.data_len() as u64 != length - data {
            return Err(damaged(format!(
                "its header claims {} bytes of tensors, the file has {}",
                metadata.data_len(),
                length - data
            )));
        }
        let (tensors, left_out) = (BTreeMap::new(), Vec::new());
        let mut weights = Weights { path: path.clone(), file, data, tensors, left_out, share_pooler: false };
        for (name, info) in metadata.tensors() {
            let known = canonical(&name);
            if BUFFERS.contains(&known.as_str()) {
                weights.left_out.push(name);
                continue;
            }
            if !matches!(info.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
                return Err(Error::Dtype { path, name, got: format!("{:?}", info.dtype) });
            }
            if weights.tensors.insert(known, info.clone()).is_some() {
                return Err(damaged(format!("two tensors stand for {name}")));
            }
        }
        Ok(weights)
    }

    /// Reads a tensor into its place.
    ///
    /// # Errors
    /// Where the shape is another, or a value is not finite.
    fn read<T: Scalar>(&mut self, name: &str, info: &TensorInfo, tensor: &mut Tensor<T>) -> Result<(), Error> {
        if info.shape != tensor.shape() {
            let (expected, got) = (tensor.shape().to_vec(), info.shape.clone());
            return Err(Error::Shape { path: self.path.clone(), name: name.to_owned(), expected, got });
        }
        let (start, end) = info.data_offsets;
        self.file.seek(SeekFrom::Start(self.data + start as u64)).map_err(Error::io("read", &self.path))?;
        let size = if info.dtype == Dtype::F32 { 4 } else { 2 };
        let mut piece = vec![0; (end - start).min(size * PIECE)];
        for (i, values) in tensor.data_mut().chunks_mut(PIECE).enumerate() {
            let piece = &mut piece[..size * values.len()];
            self.file.read_exact(piece).map_err(Error::io("read", &self.path))?;
            for (j, (x, bytes)) in values.iter_mut().zip(piece.chunks_exact(size)).enumerate() {
                let value = float(info.dtype, bytes);
                if !value.is_finite() {
                    let (path, name) = (self.path.clone(), name.to_owned());
                    return Err(Error::NotFinite { path, name, value, index: i * PIECE + j });
                }
                *x = T::of(f64::from(value));
            }
        }
        Ok(())
    }

    /// Refuses a configuration that asks for far more weights than the file holds, before memory is asked for them.
    fn check_size(&self, config: &BertConfig) -> Result<(), Error> {
        let count = |info: &TensorInfo| info.shape.iter().map(|&n| n as u64).product::<u64>();
        let held: u64 = self.tensors.values().map(count).sum();
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

    /// Fills parameters; `may_be_fresh` says which of them need no tensor. Returns those that found none.
    fn fill<T: Scalar>(
        &mut self,
        parameters: Vec<(String, &mut Tensor<T>)>,
        may_be_fresh: impl Fn(&str) -> bool,
    ) -> Result<Vec<String>, Error> {
        let (mut fresh, mut missing, mut used) = (Vec::new(), Vec::new(), Vec::new());
        for (name, tensor) in parameters {
            let shared = name.split_once(".pooler.").map(|(_, rest)| format!("pooler.{rest}"));
            let shared = shared.filter(|_| self.share_pooler);
            let found = [Some(name.clone()), shared].into_iter().flatten().find(|name| self.tensors.contains_key(name));
            match found.and_then(|found| Some((self.tensors.get(&found)?.clone(), found))) {
                Some((info, found)) => {
                    self.read(&name, &info, tensor)?;
                    used.push(found);
                }
                None if may_be_fresh(&name) => fresh.push(name),
                None => missing.push(name),
            }
        }
        if !missing.is_empty() {
            let problem = format!("no tensor for {}", list(&missing));
            return Err(Error::Names { path: self.path.clone(), problem });
        }
        for name in used {
            // One tensor may have filled several poolers.
            self.tensors.remove(&name);
        }
        Ok(fresh)
    }

    /// Refuses tensors that nothing asked for; returns the names left out on purpose.
    fn finish(mut self, per_exit_poolers: bool) -> Result<Vec<String>, Error> {
        self.tensors.retain(|name, _| !(name.starts_with("pooler.") && per_exit_poolers));
        if !self.tensors.is_empty() {
            let unknown: Vec<String> = self.tensors.into_keys().collect();
            return Err(Error::Names { path: self.path, problem: format!("unknown tensors {}", list(&unknown)) });
        }
        self.left_out.sort();
        Ok(self.left_out)
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

fn float(dtype: Dtype, bytes: &[u8]) -> f32 {
    match (dtype, bytes) {
        (Dtype::BF16, &[a, b]) => f32::from_bits(u32::from(u16::from_le_bytes([a, b])) << 16),
        (Dtype::F16, &[a, b]) => half(u16::from_le_bytes([a, b])),
        (Dtype::F32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
        // `open` lets no other type in.
        _ => f32::NAN,
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
    let mut weights = Weights::open(dir)?;
    weights.check_size(config)?;
    weights.leave_out(&OTHER_HEADS);
    weights.share_pooler = true;
    let mut model = Model::zeros(config, classes, pooler, pooling);
    // Half a pooler is a damaged checkpoint, none is one that was trained without.
    let has_pooler = weights.tensors.keys().any(|name| name.starts_with("pooler."));
    let may_be_fresh = |name: &str| name.contains("classifier.") || !has_pooler && name.contains("pooler.");
    let fresh = weights.fill(model.parameters_mut(), may_be_fresh)?;
    let left_out = weights.finish(pooler == PoolerKind::PerExit)?;
    let mut normal = init::Normal::new(seed, config.initializer_range);
    model.visit_mut("", &mut |name, tensor| {
        if fresh.contains(&name) {
            normal.fill(&name, tensor);
        }
    });
    Ok((model, LoadReport { left_out, fresh }))
}

/// A model with all its weights, exits included, to be trained on or looked at.
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
    let mut weights = Weights::open(dir)?;
    weights.check_size(config)?;
    let mut model = Model::zeros(config, classes, pooler, pooling);
    weights.fill(model.parameters_mut(), |_| false)?;
    weights.finish(false)?;
    Ok(model)
}

/// Says whether a directory's weights are a whole file of about the configuration's size, without reading them.
///
/// # Errors
/// Where they are not.
pub(crate) fn check(dir: &Path, config: &BertConfig) -> Result<(), Error> {
    Weights::open(dir)?.check_size(config)
}

/// A model with all its weights packed, layer by layer: no more than one layer is ever there unpacked.
///
/// # Errors
/// As [`read_whole`].
pub(crate) fn read_engine(
    dir: &Path,
    config: &BertConfig,
    exits: &ExitsFile,
    precision: Precision,
) -> Result<Engine, Error> {
    let mut weights = Weights::open(dir)?;
    weights.check_size(config)?;
    let mut embeddings = Embeddings::zeros(config);
    weights.fill(backbone_names("embeddings", &mut embeddings), |_| false)?;
    let mut layers = Vec::with_capacity(config.num_hidden_layers);
    for m in 0..config.num_hidden_layers {
        let mut layer = layer_zeros(config);
        weights.fill(backbone_names(&format!("layers.{m}"), &mut layer), |_| false)?;
        layers.push(in_pool(|| layer.pack(precision)));
    }
    let (d, depth) = (config.hidden_size, config.num_hidden_layers);
    let mut heads = Exits::zeros(depth, d, exits.classes, exits.pooler, exits.pooling, 0.0);
    let names: Vec<String> = heads.parameters().iter().map(|(name, _)| heads.checkpoint_name(name)).collect();
    let parameters = names.into_iter().zip(heads.parameters_mut()).map(|(name, (_, tensor))| (name, tensor));
    weights.fill(parameters.collect(), |_| false)?;
    weights.finish(false)?;
    let heads = heads.pack();
    epee_nn::release_buffers();
    Ok(Engine::from_parts(embeddings, layers, heads, precision))
}

/// A block's parameters, by the names of the whole backbone's checkpoint.
fn backbone_names<'a, P: Parameters<f32>>(prefix: &str, block: &'a mut P) -> Vec<(String, &'a mut Tensor<f32>)> {
    let mut named = Vec::new();
    block.visit_mut(prefix, &mut |name, tensor| named.push((Bert::<f32>::checkpoint_name(&name), tensor)));
    named
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
