//! Files that are written whole or not at all.

use std::path::Path;

use crate::Error;

/// Writes a file beside its place, syncs it to disk and renames it there: a reader sees the old file or the new one.
///
/// # Errors
/// [`Error::Io`] with the path, for instance on a full disk; the old file is untouched then.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    epee_exit::write_atomic(path, &[bytes]).map_err(Error::io("write", path))
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(Error::io("read", path))
}

/// Reads a JSON object.
pub(crate) fn read_json(path: &Path) -> Result<serde_json::Map<String, serde_json::Value>, Error> {
    let bytes = read(path)?;
    let value: serde_json::Value = serde_json::from_slice(&bytes)
        .map_err(|error| Error::Json { path: path.to_owned(), problem: format!("not JSON: {error}") })?;
    match value {
        serde_json::Value::Object(map) => Ok(map),
        other => Err(Error::Json { path: path.to_owned(), problem: format!("expected a JSON object, got {other}") }),
    }
}
