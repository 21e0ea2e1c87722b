//! Signatures of promises: ed25519, with keys in the PEM files that OpenSSL writes.

use std::path::{Path, PathBuf};

use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey};
use ed25519_dalek::{Signature as Ed25519, Signer};
use epee_exit::{Sealed, Signature};
use epee_files::{FileError, hex, read_file};

/// A key file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum KeyError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file holds something else. Its content is not repeated: it may be another secret.
    #[error("{}: expected {expected} in PEM form", path.display())]
    Content { path: PathBuf, expected: &'static str },
}

/// A secret key that signs promises.
///
/// `openssl genpkey -algorithm ed25519 -out key.pem` makes one.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

/// A public key, to check who signed a promise.
///
/// `openssl pkey -in key.pem -pubout -out public.pem` takes it out of a secret one.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey of {:?}", self.public())
    }
}

impl SigningKey {
    /// Reads a private key in PKCS #8 PEM form.
    ///
    /// # Errors
    /// A file that cannot be read, or holds something else.
    pub fn read(path: &Path) -> Result<SigningKey, KeyError> {
        let text = read_file(path)?;
        let key = std::str::from_utf8(&text).ok().and_then(|pem| ed25519_dalek::SigningKey::from_pkcs8_pem(pem).ok());
        let expected = "an ed25519 private key (PKCS #8)";
        key.map(SigningKey).ok_or_else(|| KeyError::Content { path: path.to_owned(), expected })
    }

    /// Its public key.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// The promise with this key's signature, in place of any other.
    #[must_use]
    pub(super) fn sign<P: Sealed>(&self, promise: &P) -> P {
        let value = hex(&self.0.sign(&promise.signed_bytes()).to_bytes());
        promise.with(promise.seal().to_owned(), Some(Signature { public_key: self.public().hex(), value }))
    }
}

impl PublicKey {
    /// Reads a public key in PEM form.
    ///
    /// # Errors
    /// A file that cannot be read, or holds something else.
    pub fn read(path: &Path) -> Result<PublicKey, KeyError> {
        let text = read_file(path)?;
        let key =
            std::str::from_utf8(&text).ok().and_then(|pem| ed25519_dalek::VerifyingKey::from_public_key_pem(pem).ok());
        let expected = "an ed25519 public key";
        key.map(PublicKey).ok_or_else(|| KeyError::Content { path: path.to_owned(), expected })
    }

    /// The key as 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        hex(self.0.as_bytes())
    }
}

/// True if a promise has a signature, and it is of this content by the key that it names.
pub(super) fn fits<P: Sealed>(promise: &P) -> bool {
    let Some(Signature { public_key, value }) = promise.signature() else { return false };
    let key = bytes(public_key).and_then(|key| ed25519_dalek::VerifyingKey::from_bytes(&key).ok());
    let signature = bytes(value).map(|value| Ed25519::from_bytes(&value));
    let fits = |(key, signature): (ed25519_dalek::VerifyingKey, Ed25519)| {
        key.verify_strict(&promise.signed_bytes(), &signature).is_ok()
    };
    key.zip(signature).is_some_and(fits)
}

/// Hexadecimal digits as bytes, if there are exactly as many.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
    }
    (digits.len() == 2 * N).then_some(bytes)
}
