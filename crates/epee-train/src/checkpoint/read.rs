//! Reading a checkpoint. All of it is checked before any value is used.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::Metadata;

use super::format::{Digest, Envelope, KEY, Unusable, set_pieces, tensors_mut};
use super::{CHECKPOINT_FORMAT, State};
use crate::Trainer;

#[derive(Debug)]
pub(super) struct Found {
    pub(super) state: State,
    file: BufReader<File>,
    /// Where the values begin.
    body: u64,
    /// Name and shape, in the file's order.
    tensors: Vec<(String, Vec<usize>)>,
}

pub(super) fn open(path: &Path) -> Result<Found, Unusable> {
    let damaged = |error: io::Error| Unusable::Damaged(error.to_string());
    let file = File::open(path).map_err(damaged)?;
    let length = file.metadata().map_err(damaged)?.len();
    let mut file = BufReader::with_capacity(1 << 18, file);
    let (header, body) = header(&mut file, length).map_err(Unusable::Damaged)?;
    let envelope = header.metadata().as_ref().and_then(|map| map.get(KEY));
    let envelope: Envelope = envelope
        .ok_or_else(|| format!("no metadata {KEY}"))
        .and_then(|text| serde_json::from_str(text).map_err(|error| format!("metadata {KEY}: {error}")))
        .map_err(Unusable::Damaged)?;
    let found = check(file, length, body, &header, &envelope);
    // The digest covers all but the format number, so it tells a damaged number from another version's.
    match (envelope.format.unwrap_or(1), found) {
        (CHECKPOINT_FORMAT, found) => found.map_err(Unusable::Damaged),
        (_, Ok(_)) => Err(Unusable::Damaged("its format number was changed".to_owned())),
        (format, Err(_)) => Err(Unusable::Format(format)),
    }
}

/// The header, and the position of its end.
fn header(file: &mut impl Read, length: u64) -> Result<(Metadata, u64), String> {
    let mut size = [0; 8];
    file.read_exact(&mut size).map_err(|_| format!("expected a header, got {length} bytes"))?;
    let size = u64::from_le_bytes(size);
    let body = size.checked_add(8).filter(|&body| body <= length);
    let body = body.ok_or_else(|| format!("expected a header of {size} bytes, got {length} bytes in all"))?;
    let mut header = Vec::new();
    file.take(size).read_to_end(&mut header).map_err(|error| error.to_string())?;
    let header: Metadata = serde_json::from_slice(&header).map_err(|error| format!("header: {error}"))?;
    Ok((header, body))
}

/// Length, types and digest.
fn check(
    mut file: BufReader<File>,
    length: u64,
    body: u64,
    header: &Metadata,
    envelope: &Envelope,
) -> Result<Found, String> {
    let whole = body + header.data_len() as u64;
    if length != whole {
        return Err(format!("expected {whole} bytes, got {length}"));
    }
    let mut digest = Digest::new(&envelope.state.to_string());
    let mut tensors = Vec::new();
    let mut piece = vec![0; 1 << 16];
    for name in header.offset_keys() {
        let info = header.info(&name).ok_or_else(|| format!("no tensor {name}"))?;
        if info.dtype != Dtype::F32 {
            return Err(format!("{name}: expected F32, got {}", info.dtype));
        }
        digest.tensor(&name, &info.shape);
        let mut left = info.data_offsets.1 - info.data_offsets.0;
        while left > 0 {
            let n = left.min(piece.len());
            file.read_exact(&mut piece[..n]).map_err(|error| error.to_string())?;
            digest.bytes(&piece[..n]);
            left -= n;
        }
        tensors.push((name, info.shape.clone()));
    }
    let got = digest.hex();
    if got != envelope.sha256 {
        return Err(format!("expected digest sha256:{}, got sha256:{got}", envelope.sha256));
    }
    let state = serde_json::from_value(envelope.state.clone()).map_err(|error| format!("its state: {error}"))?;
    Ok(Found { state, file, body, tensors })
}

impl Found {
    /// Reads weights and moments into a trainer of the same shapes.
    pub(super) fn fill(&mut self, trainer: &mut Trainer) -> Result<(), String> {
        let mut expected = tensors_mut(trainer);
        let shapes: Vec<(String, Vec<usize>)> =
            expected.iter().map(|(name, tensor)| (name.clone(), tensor.shape().to_vec())).collect();
        if let Some(i) = (0..shapes.len().max(self.tensors.len())).find(|&i| shapes.get(i) != self.tensors.get(i)) {
            return Err(format!("expected tensor {:?}, got {:?}", shapes.get(i), self.tensors.get(i)));
        }
        let text = |error: io::Error| error.to_string();
        self.file.seek(SeekFrom::Start(self.body)).map_err(text)?;
        for tensor in expected.values_mut() {
            set_pieces(tensor.data_mut(), |bytes| self.file.read_exact(bytes)).map_err(text)?;
        }
        trainer.optimiser.steps = self.state.step;
        Ok(())
    }
}
