//! The digest that names a model.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::Error;
use crate::files::read;

/// SHA-256 over weights, configuration and tokenizer of a model directory, not over `exits.json`.
///
/// # Errors
/// Where one of the files cannot be read.
pub fn model_digest(dir: &Path) -> Result<String, Error> {
    let mut all = Sha256::new();
    for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        let bytes = read(&dir.join(name))?;
        all.update(name.as_bytes());
        all.update((bytes.len() as u64).to_le_bytes());
        all.update(&bytes);
    }
    let digits: String = all.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("sha256:{digits}"))
}
