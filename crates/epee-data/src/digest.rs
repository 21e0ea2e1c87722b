//! SHA-256 of bytes, as text.

use sha2::{Digest, Sha256};

/// `sha256:` and 64 hexadecimal digits.
///
/// ```
/// assert!(epee_data::sha256(b"abc").starts_with("sha256:ba7816bf8f01cfea"));
/// ```
pub fn sha256(bytes: &[u8]) -> String {
    let mut text = String::from("sha256:");
    for byte in Sha256::digest(bytes) {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
