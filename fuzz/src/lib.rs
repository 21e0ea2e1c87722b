//! What fuzz targets share: a folder in memory, and inputs of several parts.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Stands between the parts of an input.
const MARK: &[u8] = b"\n====\n";

/// The process's own folder, in memory where the system has such a place.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = base.join(format!("epee-fuzz-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for the inputs");
        folder
    })
}

/// Writes a file into the folder; its path.
pub fn put(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).expect("a folder for the input");
    }
    fs::write(&path, bytes).expect("a file for the input");
    path
}

/// The `N` parts of an input; those that it lacks are empty.
pub fn parts<const N: usize>(data: &[u8]) -> [&[u8]; N] {
    let mut rest = data;
    std::array::from_fn(|i| match rest.windows(MARK.len()).position(|window| window == MARK) {
        Some(at) if i + 1 < N => {
            let part = &rest[..at];
            rest = &rest[at + MARK.len()..];
            part
        }
        _ => std::mem::take(&mut rest),
    })
}

/// A safetensors file with this header, and as many zeros as it asks for, up to a megabyte.
pub fn safetensors(header: &[u8]) -> Vec<u8> {
    let end = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(header).map_or(0, |header| {
        let ends = header.values().filter_map(|tensor| tensor.get("data_offsets")?.get(1)?.as_u64());
        ends.max().unwrap_or(0).min(1 << 20)
    });
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.resize(file.len() + end as usize, 0);
    file
}
