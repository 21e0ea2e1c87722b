//! A trace as one safetensors file.

use std::path::Path;

use rayon::prelude::*;
use safetensors::tensor::Dtype;

use epee_files::{read_file, write_private};

use super::header::{self, Entry, Opened};
use super::provenance::{IDS, list};
use super::{Provenance, Trace, TraceError, TraceParts, TraceProblem};

impl Trace {
    /// Reads a trace: a safetensors file with
    ///
    /// | tensor | type | shape | |
    /// |---|---|---|---|
    /// | `logits` | f32 | `[N, M, K]` | required |
    /// | `labels` | i64 (i32 is read too) | `[N]` | -1 for unknown; all unknown if absent |
    /// | `tokens` | i64 (i32 is read too) | `[N]` | optional |
    /// | `scores` | f32 | `[N, M]` | optional |
    ///
    /// and metadata under the names of the fields of [`Provenance`] and `ids`, all of them optional. Other tensors are
    /// ignored: a file of another tool is a trace if it has `logits`.
    ///
    /// # Errors
    /// A file that cannot be read, is truncated or is no safetensors file; a tensor that is missing
    /// or has another type or shape; anything [`Trace::new`] refuses.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, TraceError> {
        let path = path.as_ref();
        let bytes = read_file(path)?;
        Trace::from_bytes(&bytes).map_err(|problem| TraceError::invalid(path, problem))
    }

    /// Reads a trace from the bytes of its file.
    ///
    /// # Errors
    /// As [`Trace::load`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TraceProblem> {
        let file = header::open(bytes)?;
        let metadata = file.header.metadata().clone().unwrap_or_default();
        let mut metadata = metadata.into_iter().collect();
        let logits = file.f32("logits")?.ok_or_else(|| file.missing("logits"))?;
        let &[samples, exits, classes] = logits.shape.as_slice() else {
            return Err(logits.misshaped("[N, M, K]"));
        };
        let labels = file.integers("labels")?.map(|labels| labels.shaped(&[samples])).transpose()?;
        let tokens = file.integers("tokens")?.map(|tokens| tokens.shaped(&[samples])).transpose()?;
        let scores = file.f32("scores")?.map(|s| s.shaped(&[samples, exits])).transpose()?;
        Trace::new(TraceParts {
            exits,
            classes,
            logits: logits.values,
            labels: labels.unwrap_or_else(|| vec![-1; samples]),
            ids: list(IDS, "strings", &mut metadata)?,
            tokens: tokens.unwrap_or_default(),
            scores,
            provenance: Provenance::from_metadata(metadata)?,
        })
    }

    /// Writes the trace to a file beside `path`, flushes it to the disk and renames it. A write that
    /// fails leaves nothing behind, and whatever was at `path` as it was. A new file is [private](epee_files::Access::Private): logits
    /// tell about texts.
    ///
    /// # Errors
    /// A file that cannot be written, for example on a full disk.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), TraceError> {
        let path = path.as_ref();
        let parts = self.to_tensors().map_err(|problem| TraceError::invalid(path, problem))?;
        Ok(write_private(path, &parts)?)
    }

    /// The file's parts, in order: the header, then each tensor's bytes.
    fn to_tensors(&self) -> Result<Vec<Vec<u8>>, TraceProblem> {
        let TraceParts { exits, classes, ref ids, .. } = self.parts;
        let samples = self.samples();
        let mut metadata = self.parts.provenance.clone().into_metadata();
        if !ids.is_empty() {
            metadata.insert(IDS.to_owned(), serde_json::json!(ids).to_string());
        }
        let integers = |values: &[i64]| values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let floats = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect();
        // The wider type first, so that every tensor is aligned.
        let mut tensors: Vec<Entry> = vec![("labels", Dtype::I64, vec![samples], integers(self.labels()))];
        if !self.tokens().is_empty() {
            tensors.push(("tokens", Dtype::I64, vec![samples], integers(self.tokens())));
        }
        let shape = vec![samples, exits, classes];
        tensors.push(("logits", Dtype::F32, shape, floats(self.logits())));
        if let Some(scores) = self.scores() {
            tensors.push(("scores", Dtype::F32, vec![samples, exits], floats(scores)));
        }
        let mut parts = vec![header::write(&metadata, &tensors)?];
        parts.extend(tensors.into_iter().map(|(.., bytes)| bytes));
        Ok(parts)
    }
}

impl Opened<'_> {
    /// The bytes of a tensor, its type and its shape; `None` if the file has no such tensor.
    fn tensor(&self, name: &str) -> Option<(&[u8], Dtype, Vec<usize>)> {
        let info = self.header.info(name)?;
        let (start, end) = info.data_offsets;
        Some((self.data.get(start..end)?, info.dtype, info.shape.clone()))
    }

    fn missing(&self, tensor: &'static str) -> TraceProblem {
        let mut got = self.header.offset_keys();
        got.sort_unstable();
        TraceProblem::Missing { tensor, got }
    }

    fn f32(&self, name: &'static str) -> Result<Option<Tensor<f32>>, TraceProblem> {
        let Some((bytes, dtype, shape)) = self.tensor(name) else { return Ok(None) };
        if dtype != Dtype::F32 {
            return Err(TraceProblem::tensor(name, "type F32", dtype));
        }
        let words = bytes.as_chunks().0.par_iter().with_min_len(1 << 16);
        Ok(Some(Tensor { name, values: words.map(|w| f32::from_le_bytes(*w)).collect(), shape }))
    }

    fn integers(&self, name: &'static str) -> Result<Option<Tensor<i64>>, TraceProblem> {
        let Some((bytes, dtype, shape)) = self.tensor(name) else { return Ok(None) };
        let values = match dtype {
            Dtype::I64 => bytes.as_chunks().0.iter().map(|w| i64::from_le_bytes(*w)).collect(),
            Dtype::I32 => bytes.as_chunks().0.iter().map(|w| i32::from_le_bytes(*w).into()).collect(),
            _ => return Err(TraceProblem::tensor(name, "type I64", dtype)),
        };
        Ok(Some(Tensor { name, values, shape }))
    }
}

/// The values of a tensor and the shape the file gives it.
struct Tensor<T> {
    name: &'static str,
    values: Vec<T>,
    shape: Vec<usize>,
}

impl<T> Tensor<T> {
    fn shaped(self, shape: &[usize]) -> Result<Vec<T>, TraceProblem> {
        if self.shape == shape { Ok(self.values) } else { Err(self.misshaped(&format!("{shape:?}"))) }
    }

    fn misshaped(&self, expected: &str) -> TraceProblem {
        TraceProblem::tensor(self.name, format!("shape {expected}"), format!("{:?}", self.shape))
    }
}
