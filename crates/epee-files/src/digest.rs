//! SHA-256 of bytes and files, written `sha256:` and 64 hexadecimal digits.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::Digest;

use crate::FileError;

/// A digest under construction.
#[derive(Clone, Debug, Default)]
pub struct Sha256(sha2::Sha256);

impl Sha256 {
    /// Adds bytes.
    pub fn update(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.update(bytes.as_ref());
    }

    /// Adds a file's content in pieces, so that a large file is never in memory whole.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn update_file(&mut self, path: &Path) -> Result<(), FileError> {
        let mut file = File::open(path).map_err(FileError::io("read", path))?;
        let mut piece = vec![0; 1 << 18];
        loop {
            match file.read(&mut piece).map_err(FileError::io("read", path))? {
                0 => return Ok(()),
                n => self.update(&piece[..n]),
            }
        }
    }

    /// The digest: `sha256:` and 64 hexadecimal digits.
    pub fn finish(self) -> String {
        format!("sha256:{}", hex(&self.bytes()))
    }

    /// The digest as bytes.
    pub fn bytes(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// Bytes as lower-case hexadecimal digits.
///
/// ```
/// assert_eq!(epee_files::hex(&[0x0F, 0xA1]), "0fa1");
/// ```
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digest of bytes.
///
/// ```
/// assert!(epee_files::sha256(b"abc").starts_with("sha256:ba7816bf8f01cfea"));
/// ```
pub fn sha256(bytes: &[u8]) -> String {
    let mut digest = Sha256::default();
    digest.update(bytes);
    digest.finish()
}

/// The digest of a file's content.
///
/// # Errors
/// A file that cannot be read.
pub fn sha256_file(path: &Path) -> Result<String, FileError> {
    let mut digest = Sha256::default();
    digest.update_file(path)?;
    Ok(digest.finish())
}

/// A digest cut to its first 12 digits, for display.
///
/// ```
/// assert_eq!(epee_files::short(&epee_files::sha256(b"abc")), "sha256:ba7816bf8f01");
/// assert_eq!(epee_files::short("d1"), "d1");
/// ```
pub fn short(digest: &str) -> &str {
    let end = digest.find(':').map_or(0, |colon| colon + 1) + 12;
    digest.get(..end).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_larger_than_a_piece_has_the_digest_of_its_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large");
        let bytes: Vec<u8> = (0..600_000_u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(sha256_file(&path).unwrap(), sha256(&bytes));
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), empty);
        let missing = sha256_file(&dir.path().join("no")).unwrap_err();
        assert!(missing.to_string().starts_with("cannot read "), "{missing}");
    }
}
