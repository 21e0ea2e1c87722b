//! Digests of downloads, computed as the bytes arrive.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use epee_files::hex;
use md5::Md5;
use sha1::Sha1;
use sha2::digest::DynDigest;
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::id::is_hex;

/// A digest algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-256 of the bytes: large files of the hub.
    Sha256,
    /// SHA-1 of a header with the size, then the bytes: git's name of a file, small files of the hub.
    Git,
    /// MD5 of the bytes: what MedMNIST publishes.
    Md5,
}

impl std::fmt::Display for Algorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Git => "git SHA-1",
            Algorithm::Md5 => "MD5",
        })
    }
}

/// A digest that was published, in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) algorithm: Algorithm,
    pub(crate) hex: String,
}

impl Expected {
    /// The digest an entity tag of the hub is: 64 digits for a large file, 40 for one that git holds.
    pub(crate) fn of_etag(etag: &str) -> Option<Expected> {
        let hex = etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"').to_ascii_lowercase();
        let algorithm = match hex.len() {
            64 => Algorithm::Sha256,
            40 => Algorithm::Git,
            _ => return None,
        };
        is_hex(&hex, hex.len()).then_some(Expected { algorithm, hex })
    }
}

/// A digest under construction; `None` if no digest was published.
pub(crate) struct Hasher(Option<Box<dyn DynDigest>>);

impl Hasher {
    /// `size` is for git, whose digest begins with it.
    pub(crate) fn new(algorithm: Option<Algorithm>, size: Option<u64>) -> Hasher {
        Hasher(algorithm.map(|algorithm| -> Box<dyn DynDigest> {
            match algorithm {
                Algorithm::Sha256 => Box::new(Sha256::new()),
                Algorithm::Git => Box::new(Sha1::new_with_prefix(format!("blob {}\0", size.unwrap_or_default()))),
                Algorithm::Md5 => Box::new(Md5::new()),
            }
        }))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        if let Some(hasher) = &mut self.0 {
            hasher.update(bytes);
        }
    }

    pub(crate) fn hex(self) -> String {
        self.0.map(|hasher| hex(&hasher.finalize())).unwrap_or_default()
    }

    /// Adds a file's content and returns its length.
    pub(crate) fn file(&mut self, file: &mut File, path: &Path) -> Result<u64, Error> {
        let mut buffer = vec![0; 1 << 16];
        let mut len = 0;
        loop {
            let read = file.read(&mut buffer).map_err(Error::io("read", path))?;
            if read == 0 {
                return Ok(len);
            }
            self.update(&buffer[..read]);
            len += read as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(algorithm: Algorithm, bytes: &[u8]) -> String {
        let mut hasher = Hasher::new(Some(algorithm), Some(bytes.len() as u64));
        hasher.update(bytes);
        hasher.hex()
    }

    /// The values that `sha256sum`, `git hash-object` and `md5sum` print.
    #[test]
    fn digests_are_those_of_the_tools() {
        let text = b"hello\n";
        assert_eq!(digest(Algorithm::Sha256, text), "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
        assert_eq!(digest(Algorithm::Git, text), "ce013625030ba8dba906f756967f9e9ca394464a");
        assert_eq!(digest(Algorithm::Md5, text), "b1946ac92492d2347c6235b4d2611184");
    }

    #[test]
    fn an_entity_tag_is_a_digest_or_nothing() {
        let sha1 = "ce013625030ba8dba906f756967f9e9ca394464a";
        for tag in [format!("\"{sha1}\""), format!("W/\"{sha1}\""), sha1.to_uppercase()] {
            assert_eq!(Expected::of_etag(&tag), Some(Expected { algorithm: Algorithm::Git, hex: sha1.to_owned() }));
        }
        assert_eq!(Expected::of_etag(&"5".repeat(64)).unwrap().algorithm, Algorithm::Sha256);
        let none = ["", "\"\"", "\"../../x\"", "d41d8cd98f00b204e9800998ecf8427e", &"z".repeat(40), &"/".repeat(64)];
        assert!(none.iter().all(|tag| Expected::of_etag(tag).is_none()));
    }
}
