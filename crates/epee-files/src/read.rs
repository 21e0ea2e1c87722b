//! Reading whole files, with the line of what is wrong in them.

use std::path::Path;

use serde_json::{Map, Value};

use crate::FileError;

/// The bytes of a file.
///
/// # Errors
/// [`FileError::Io`].
pub fn read_file(path: &Path) -> Result<Vec<u8>, FileError> {
    std::fs::read(path).map_err(FileError::io("read", path))
}

/// The bytes of the file `path` as text, without a byte order mark.
///
/// # Errors
/// UTF-16, and the line of the first byte that is not UTF-8.
pub fn utf8<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str, FileError> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(FileError::content(path, "expected UTF-8, got UTF-16"));
    }
    let bytes = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|e| {
        let good = &bytes[..e.valid_up_to()];
        let line = 1 + good.iter().filter(|&&byte| byte == b'\n').count() as u64;
        let byte = bytes[e.valid_up_to()];
        FileError::line(path, line, format!("expected UTF-8, got byte 0x{byte:02X}"))
    })
}

/// A file that holds one JSON object.
///
/// # Errors
/// A file that cannot be read, is not JSON, or holds another JSON value.
pub fn read_json_object(path: &Path) -> Result<Map<String, Value>, FileError> {
    let value = serde_json::from_slice(&read_file(path)?)
        .map_err(|error| FileError::content(path, format!("not JSON: {error}")))?;
    match value {
        Value::Object(map) => Ok(map),
        other => Err(FileError::content(path, format!("expected a JSON object, got {other}"))),
    }
}
