//! Reading whole files; an error names the line.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value};

use crate::{FileError, json_kind, json_problem};

/// The bytes of a file.
///
/// # Errors
/// [`FileError::Io`].
pub fn read_file(path: &Path) -> Result<Vec<u8>, FileError> {
    std::fs::read(path).map_err(FileError::io("read", path))
}

/// The bytes of a file of at most `most` bytes; of a larger one, or one without an end, no more than that is read.
///
/// # Errors
/// [`FileError::Io`], and [`FileError::Content`] if the file is larger.
pub fn read_file_up_to(path: &Path, most: u64) -> Result<Vec<u8>, FileError> {
    let file = File::open(path).map_err(FileError::io("read", path))?;
    let stated = file.metadata().map_or(0, |found| found.len());
    let mut bytes = Vec::with_capacity(stated.min(most) as usize);
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(FileError::io("read", path))?;
    if bytes.len() as u64 > most {
        return Err(FileError::content(path, format!("expected at most {most} bytes, got more")));
    }
    Ok(bytes)
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
        .map_err(|error| FileError::content(path, format!("not JSON: {}", json_problem(&error))))?;
    match value {
        Value::Object(map) => Ok(map),
        other => Err(FileError::content(path, format!("expected a JSON object, got {}", json_kind(&other)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_utf8_without_its_mark_and_a_bad_byte_is_named_with_its_line() {
        let path = Path::new("a.txt");
        assert_eq!(utf8(path, b"\xEF\xBB\xBFzinc\n").unwrap(), "zinc\n");
        let error = |bytes: &[u8]| utf8(path, bytes).unwrap_err().to_string();
        assert_eq!(error(b"one\ntw\xFF\n"), "a.txt:2: expected UTF-8, got byte 0xFF");
        assert_eq!(error(b"\xFF\xFEz\0"), "a.txt: expected UTF-8, got UTF-16");
    }

    #[test]
    fn no_more_is_read_than_may_be() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        std::fs::write(&path, b"zinc").unwrap();
        assert_eq!(read_file_up_to(&path, 4).unwrap(), b"zinc");
        let error = read_file_up_to(&path, 3).unwrap_err().to_string();
        assert!(error.ends_with("a.txt: expected at most 3 bytes, got more"), "{error}");
        if Path::new("/dev/zero").exists() {
            assert!(read_file_up_to(Path::new("/dev/zero"), 1 << 16).is_err());
        }
    }

    #[test]
    fn a_json_file_holds_one_object() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read_json_object(&path).map_err(|error| error.to_string().replace(&path.display().to_string(), "a.json"))
        };
        assert_eq!(read("{\"a\": 1}").unwrap()["a"], 1);
        assert_eq!(read("[1]").unwrap_err(), "a.json: expected a JSON object, got an array");
        assert!(read("{").unwrap_err().starts_with("a.json: not JSON: EOF"));
    }
}
