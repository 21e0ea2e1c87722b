//! An open safetensors file, read tensor by tensor under the names of the base model.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use epee_nn::{Scalar, Tensor};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use crate::names::Place;
use crate::{Config, Error};

/// An open file of tensors, by their names in the base model. Tensors are read one at a time, so the whole file is never in memory.
pub(super) struct Weights {
    path: PathBuf,
    file: File,
    /// The file offset of the tensors.
    data: u64,
    pub(super) tensors: BTreeMap<String, TensorInfo>,
    left_out: Vec<String>,
    /// True if a parameter can be initialized from another tensor: an exit's pooler from the model's pooler.
    pub(super) may_start: bool,
}

/// The most bytes of a header, as in the `safetensors` crate.
const MOST_HEADER: u64 = 100_000_000;
const PIECE: usize = 1 << 14;

impl Weights {
    /// Opens `model.safetensors` of a directory and reads its header.
    pub(super) fn open(dir: &Path, config: &Config) -> Result<Weights, Error> {
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
                    format!(
                        "\nhint: this checkpoint is split into shards; save it as one file: python -c \"from transformers import \
                         AutoModel; AutoModel.from_pretrained('{0}').save_pretrained('{0}-whole', max_shard_size='100GB')\"",
                        dir.display()
                    )
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
        let mut weights = Weights { path: path.clone(), file, data, tensors, left_out, may_start: false };
        for (name, info) in metadata.tensors() {
            let known = config.canonical(&name);
            // The name of a head may have no prefix.
            if config.leaves_out(&known) || config.leaves_out(&name) {
                weights.left_out.push(known);
                continue;
            }
            if !matches!(info.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
                return Err(tensor_error(&path, &name, format!(": expected F32, F16 or BF16, got {:?}", info.dtype)));
            }
            if weights.tensors.insert(known, info.clone()).is_some() {
                return Err(damaged(format!("two tensors stand for {name}")));
            }
        }
        weights.check_size(config)?;
        Ok(weights)
    }

    /// Reads a tensor, or a part of it, into a parameter.
    fn read<T: Scalar>(&mut self, place: &Place, info: &TensorInfo, tensor: &mut Tensor<T>) -> Result<(), Error> {
        if info.shape != place.shape {
            let problem = format!(": expected shape {:?}, got {:?}", place.shape, info.shape);
            return Err(tensor_error(&self.path, &place.name, problem));
        }
        let (start, end) = info.data_offsets;
        self.file.seek(SeekFrom::Start(self.data + start as u64)).map_err(Error::io("read", &self.path))?;
        let size = if info.dtype == Dtype::F32 { 4 } else { 2 };
        let mut piece = vec![0; (end - start).min(size * PIECE)];
        let values = (end - start) / size;
        let layout = Layout::of(place);
        let data = tensor.data_mut();
        for first in (0..values).step_by(PIECE) {
            let piece = &mut piece[..size * PIECE.min(values - first)];
            self.file.read_exact(piece).map_err(Error::io("read", &self.path))?;
            for (index, bytes) in (first..).zip(piece.chunks_exact(size)) {
                let value = float(info.dtype, bytes);
                if !value.is_finite() {
                    let problem = format!(" holds {value} at index {index}: expected finite numbers");
                    return Err(tensor_error(&self.path, &place.name, problem));
                }
                if let Some(at) = layout.ours(index) {
                    data[at] = T::of(f64::from(value));
                }
            }
        }
        Ok(())
    }

    /// Rejects a configuration with far more weights than the file, before memory is allocated for them.
    fn check_size(&self, config: &Config) -> Result<(), Error> {
        let count = |info: &TensorInfo| info.shape.iter().map(|&n| n as u64).product::<u64>();
        let held: u64 = self.tensors.values().map(count).sum();
        let needed = config.parameters();
        if needed > 2 * held + (1 << 22) {
            let problem = format!("config.json asks for {needed} weights, this file holds {held}");
            return Err(Error::content(&self.path, problem));
        }
        Ok(())
    }

    pub(super) fn leave_out(&mut self, prefix: &str) {
        let names: Vec<String> = self.tensors.keys().filter(|name| name.starts_with(prefix)).cloned().collect();
        for name in names {
            self.tensors.remove(&name);
            self.left_out.push(name);
        }
    }

    /// Fills parameters. `may_be_fresh` selects those that need no tensor. Returns the names of those without a tensor.
    pub(super) fn fill<T: Scalar>(
        &mut self,
        parameters: Vec<(Place, &mut Tensor<T>)>,
        may_be_fresh: impl Fn(&str) -> bool,
    ) -> Result<Vec<String>, Error> {
        let (mut fresh, mut missing, mut used) = (Vec::new(), Vec::new(), Vec::new());
        for (place, tensor) in parameters {
            let start = place.start.as_ref().filter(|_| self.may_start);
            let found = [Some(&place.name), start].into_iter().flatten().find(|name| self.tensors.contains_key(*name));
            match found.and_then(|found| Some((self.tensors.get(found)?.clone(), found.clone()))) {
                Some((info, found)) => {
                    self.read(&place, &info, tensor)?;
                    used.push(found);
                }
                None if may_be_fresh(&place.name) => fresh.push(place.name),
                None => missing.push(place.name),
            }
        }
        if !missing.is_empty() {
            missing.dedup();
            let problem = format!("no tensor for {}", list(&missing));
            return Err(Error::content(&self.path, problem));
        }
        for name in used {
            // One tensor can fill several parameters.
            self.tensors.remove(&name);
        }
        Ok(fresh)
    }

    /// Rejects unknown tensors. Returns the names of those that are not needed.
    pub(super) fn finish(mut self) -> Result<Vec<String>, Error> {
        if !self.tensors.is_empty() {
            let unknown: Vec<String> = self.tensors.into_keys().collect();
            return Err(Error::content(&self.path, format!("unknown tensors {}", list(&unknown))));
        }
        self.left_out.sort();
        Ok(self.left_out)
    }
}

fn tensor_error(path: &Path, name: &str, problem: String) -> Error {
    Error::content(path, format!("tensor {name}{problem}"))
}

/// Maps the index of a value in a stored tensor to its index in the parameter.
pub(super) struct Layout {
    /// The stored tensor's columns, if it is transposed.
    cols: Option<usize>,
    rows: usize,
    /// The parameter's outputs among the stored outputs.
    outputs: std::ops::Range<usize>,
    /// Values per output, if it is not transposed.
    width: usize,
}

impl Layout {
    pub(super) fn of(place: &Place) -> Layout {
        let (i, n) = place.part;
        let stored = if place.transposed { place.shape[1] } else { place.shape.first().copied().unwrap_or(1) };
        let each = stored / n;
        Layout {
            cols: place.transposed.then_some(stored),
            rows: place.shape.first().copied().unwrap_or(1),
            outputs: i * each..(i + 1) * each,
            width: place.shape.iter().skip(1).product(),
        }
    }

    /// The index in the parameter; none if the value belongs to another part.
    pub(super) fn ours(&self, index: usize) -> Option<usize> {
        match self.cols {
            Some(cols) => {
                let (input, output) = (index / cols, index % cols);
                self.outputs.contains(&output).then(|| (output - self.outputs.start) * self.rows + input)
            }
            None => {
                let first = self.outputs.start * self.width;
                (first..self.outputs.end * self.width).contains(&index).then(|| index - first)
            }
        }
    }
}

fn float(dtype: Dtype, bytes: &[u8]) -> f32 {
    match (dtype, bytes) {
        (Dtype::BF16, &[a, b]) => f32::from_bits(u32::from(u16::from_le_bytes([a, b])) << 16),
        (Dtype::F16, &[a, b]) => half(u16::from_le_bytes([a, b])),
        (Dtype::F32, &[a, b, c, d]) => f32::from_le_bytes([a, b, c, d]),
        // `open` rejects all other types.
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
}
