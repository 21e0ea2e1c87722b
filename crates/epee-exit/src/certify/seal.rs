//! The seal and the signature of a promise in `exits.json`.

use epee_files::sha256;
use serde::{Deserialize, Serialize};

use super::{Abstention, Certificate};

/// An ed25519 signature of a promise. [`Sealed::signed_bytes`] are what it signs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The public key, 64 hexadecimal digits.
    pub public_key: String,
    /// The signature, 128 hexadecimal digits.
    pub value: String,
}

/// A promise that carries a digest of itself, and may be signed.
///
/// The digest shows an edit by somebody who does not know of it; only a signature shows one by somebody who does.
pub trait Sealed: Clone + PartialEq + Serialize {
    /// The digest of all other fields but the signature.
    fn seal(&self) -> &str;

    /// The same promise with another seal and signature.
    #[must_use]
    fn with(&self, seal: String, signature: Option<Signature>) -> Self;

    /// The signature, if it is signed.
    fn signature(&self) -> Option<&Signature>;

    /// The bytes that a signature signs: the promise as JSON, without seal and signature.
    ///
    /// Empty for a policy of the caller's own, which no file can hold.
    fn signed_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.with(String::new(), None)).unwrap_or_default()
    }

    /// The promise, sealed.
    #[must_use]
    fn sealed(&self) -> Self {
        self.with(sha256(&self.signed_bytes()), None)
    }

    /// True if nothing was changed since it was sealed.
    fn is_sealed(&self) -> bool {
        self.seal() == sha256(&self.signed_bytes())
    }
}

macro_rules! sealed {
    ($Promise:ident) => {
        impl Sealed for $Promise {
            fn seal(&self) -> &str {
                &self.seal
            }

            fn with(&self, seal: String, signature: Option<Signature>) -> Self {
                $Promise { seal, signature, ..self.clone() }
            }

            fn signature(&self) -> Option<&Signature> {
                self.signature.as_ref()
            }
        }
    };
}

sealed!(Certificate);
sealed!(Abstention);
