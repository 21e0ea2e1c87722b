//! The content of a checkpoint file, and the digest over it.

use std::collections::{BTreeMap, HashMap};
use std::io;

use epee_files::Sha256;
use epee_nn::{Parameters, Tensor};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::{Deserialize, Serialize};

use super::CHECKPOINT_FORMAT;
use crate::Trainer;

pub(super) const KEY: &str = "epee";

/// Number of values converted to bytes at a time.
const PIECE: usize = 1 << 14;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Envelope {
    /// `None` in format 1.
    pub(super) format: Option<u32>,
    #[serde(default)]
    pub(super) sha256: String,
    #[serde(default)]
    pub(super) state: serde_json::Value,
}

/// The reason why a file cannot be used.
#[derive(Debug, PartialEq)]
pub(super) enum Unusable {
    Damaged(String),
    Format(u32),
}

/// SHA-256 over the state and every tensor's name, shape and bytes, each preceded by its length, in the file's order.
pub(super) struct Digest(Sha256);

impl Digest {
    pub(super) fn new(state: &str) -> Digest {
        let mut digest = Digest(Sha256::default());
        digest.text(state);
        digest
    }

    fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text);
    }

    /// Before the bytes of a tensor.
    pub(super) fn tensor(&mut self, name: &str, shape: &[usize]) {
        self.text(name);
        self.0.update((shape.len() as u64).to_le_bytes());
        for &size in shape {
            self.0.update((size as u64).to_le_bytes());
        }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// 64 hexadecimal digits.
    pub(super) fn hex(self) -> String {
        self.0.finish().trim_start_matches("sha256:").to_owned()
    }
}

/// Weights and moments by name, in the file's order.
pub(super) fn tensors(trainer: &Trainer) -> BTreeMap<String, &Tensor<f32>> {
    let parts = [("model", &trainer.model), ("m", &trainer.optimiser.m), ("v", &trainer.optimiser.v)];
    let mut all = BTreeMap::new();
    for (part, model) in parts {
        all.extend(model.parameters().into_iter().map(|(name, tensor)| (format!("{part}.{name}"), tensor)));
    }
    all
}

/// The same, to be changed.
pub(super) fn tensors_mut(trainer: &mut Trainer) -> BTreeMap<String, &mut Tensor<f32>> {
    let parts = [("model", &mut trainer.model), ("m", &mut trainer.optimiser.m), ("v", &mut trainer.optimiser.v)];
    let mut all = BTreeMap::new();
    for (part, model) in parts {
        all.extend(model.parameters_mut().into_iter().map(|(name, tensor)| (format!("{part}.{name}"), tensor)));
    }
    all
}

/// The head of a safetensors file: the header's length, the header. Its size does not depend on the digest.
pub(super) fn head(
    state: &serde_json::Value,
    sha256: String,
    tensors: &BTreeMap<String, &Tensor<f32>>,
) -> io::Result<Vec<u8>> {
    let envelope = Envelope { format: Some(CHECKPOINT_FORMAT), sha256, state: state.clone() };
    let metadata = HashMap::from([(KEY.to_owned(), serde_json::to_string(&envelope)?)]);
    let mut end = 0;
    let infos = tensors.iter().map(|(name, tensor)| {
        let start = end;
        end += 4 * tensor.len();
        (name.clone(), TensorInfo { dtype: Dtype::F32, shape: tensor.shape().to_vec(), data_offsets: (start, end) })
    });
    let header = Metadata::new(Some(metadata), infos.collect()).map_err(io::Error::other)?;
    let mut header = serde_json::to_vec(&header)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut head = (header.len() as u64).to_le_bytes().to_vec();
    head.extend(header);
    Ok(head)
}

/// Calls `f` with the values' little-endian bytes, piece by piece.
pub(super) fn pieces(values: &[f32], mut f: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut bytes = vec![0; 4 * PIECE.min(values.len())];
    for values in values.chunks(PIECE) {
        let bytes = &mut bytes[..4 * values.len()];
        for (bytes, x) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(values) {
            *bytes = x.to_le_bytes();
        }
        f(bytes)?;
    }
    Ok(())
}

/// Sets the values from their little-endian bytes, piece by piece; `f` fills each piece.
pub(super) fn set_pieces(values: &mut [f32], mut f: impl FnMut(&mut [u8]) -> io::Result<()>) -> io::Result<()> {
    let mut bytes = vec![0; 4 * PIECE.min(values.len())];
    for values in values.chunks_mut(PIECE) {
        let bytes = &mut bytes[..4 * values.len()];
        f(bytes)?;
        for (bytes, x) in bytes.as_chunks::<4>().0.iter().zip(values) {
            *x = f32::from_le_bytes(*bytes);
        }
    }
    Ok(())
}
