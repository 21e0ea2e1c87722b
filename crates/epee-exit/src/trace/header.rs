//! The header of a safetensors file: read with every size checked, and written.
//!
//! The `safetensors` crate parses and checks it; the sizes it names are compared here with the
//! size of the file, before anything is sliced.

use std::collections::BTreeMap;

use safetensors::tensor::{Dtype, Metadata};
use serde_json::{Map, Value, json};

use super::TraceProblem;
use epee_files::json_problem;

/// Length of the field in front of the header.
const PREFIX: usize = 8;
/// The format's own bound.
const MOST: usize = 100_000_000;

/// A file taken apart: its header and its data.
pub(super) struct Opened<'a> {
    pub(super) header: Metadata,
    pub(super) data: &'a [u8],
}

pub(super) fn open(bytes: &[u8]) -> Result<Opened<'_>, TraceProblem> {
    let Some((prefix, rest)) = bytes.split_first_chunk::<PREFIX>() else {
        return Err(TraceProblem::Header(format!("expected at least {PREFIX} bytes, got {}", bytes.len())));
    };
    let announced = u64::from_le_bytes(*prefix);
    let header =
        usize::try_from(announced).ok().filter(|&n| n <= MOST).and_then(|n| rest.get(..n)).ok_or_else(|| {
            TraceProblem::Header(format!(
                "the file has {} bytes, fewer than the length of the header that it begins with",
                bytes.len()
            ))
        })?;
    let data = &rest[header.len()..];
    let header: Metadata =
        serde_json::from_slice(header).map_err(|error| TraceProblem::Header(json_problem(&error)))?;
    let (expected, got) = (header.data_len() as u64, data.len() as u64);
    if expected != got {
        return Err(TraceProblem::Size { expected, got });
    }
    Ok(Opened { header, data })
}

/// A tensor to write: name, type, shape, bytes (little-endian).
pub(super) type Entry = (&'static str, Dtype, Vec<usize>, Vec<u8>);

/// The length field and the header for these tensors, written one after another. The same content
/// gives the same bytes.
pub(super) fn write(metadata: &BTreeMap<String, String>, tensors: &[Entry]) -> Result<Vec<u8>, TraceProblem> {
    let mut header = Map::new();
    if !metadata.is_empty() {
        header.insert("__metadata__".to_owned(), json!(metadata));
    }
    let mut start = 0;
    for (name, dtype, shape, bytes) in tensors {
        let end = start + bytes.len();
        let info = json!({"dtype": dtype, "shape": shape, "data_offsets": [start, end]});
        header.insert((*name).to_owned(), info);
        start = end;
    }
    let mut text = Value::Object(header).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(PREFIX), b' ');
    if text.len() > MOST {
        let got = text.len();
        return Err(TraceProblem::Header(format!(
            "expected a header of at most {MOST} bytes, got {got}\nhint: shorten the sample ids"
        )));
    }
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.append(&mut text);
    Ok(bytes)
}
