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

    /// Adds a file's content, piece by piece: a file of weights is never in memory whole.
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
        let digits: String = self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{digits}")
    }
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

/// A digest with its first 12 digits only, enough to tell two apart on a screen.
///
/// ```
/// assert_eq!(epee_files::short(&epee_files::sha256(b"abc")), "sha256:ba7816bf8f01");
/// assert_eq!(epee_files::short("d1"), "d1");
/// ```
pub fn short(digest: &str) -> &str {
    let end = digest.find(':').map_or(0, |colon| colon + 1) + 12;
    digest.get(..end).unwrap_or(digest)
}
