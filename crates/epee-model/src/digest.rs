//! The digest that identifies a model.

use std::fs;
use std::path::Path;

use epee_files::{FileError, Sha256};

use crate::Error;

/// The files that prepare a model's inputs: the tokenizer of a text model, the processor of an image model.
pub const INPUT_FILES: [&str; 2] = ["tokenizer.json", "preprocessor_config.json"];

/// SHA-256 over the weights, the configuration and the tokenizer or image processor of a model directory; `exits.json` is not in it.
///
/// # Errors
/// A file that cannot be read.
pub fn model_digest(dir: &Path) -> Result<String, Error> {
    let mut all = Sha256::default();
    let inputs = INPUT_FILES.into_iter().filter(|name| dir.join(name).exists());
    for name in ["config.json", "model.safetensors"].into_iter().chain(inputs) {
        let path = dir.join(name);
        let length = fs::metadata(&path).map_err(FileError::io("read", &path))?.len();
        all.update(name);
        all.update(length.to_le_bytes());
        all.update_file(&path)?;
    }
    Ok(all.finish())
}
