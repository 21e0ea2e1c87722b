//! SHA-256 of bytes and files, as text.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

/// `sha256:` and 64 hexadecimal digits.
///
/// ```
/// assert!(epee_data::sha256(b"abc").starts_with("sha256:ba7816bf8f01cfea"));
/// ```
pub fn sha256(bytes: &[u8]) -> String {
    text(Sha256::digest(bytes).as_slice())
}

/// That of a file's content, read piece by piece.
pub(crate) fn sha256_file(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut state = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(text(state.finalize().as_slice())),
            n => state.update(&piece[..n]),
        }
    }
}

fn text(digest: &[u8]) -> String {
    let mut text = String::from("sha256:");
    for byte in digest {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
