//! The digest that names a model.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::Error;

/// What may prepare a model's inputs: the tokenizer of a text model, the processor of one that reads pictures.
pub const INPUT_FILES: [&str; 2] = ["tokenizer.json", "preprocessor_config.json"];

/// SHA-256 over weights, configuration and tokenizer or image processor of a model directory, not over `exits.json`.
///
/// # Errors
/// Where one of the files cannot be read.
pub fn model_digest(dir: &Path) -> Result<String, Error> {
    let mut all = Sha256::new();
    let mut piece = vec![0; 1 << 18];
    let inputs = INPUT_FILES.into_iter().filter(|name| dir.join(name).exists());
    for name in ["config.json", "model.safetensors"].into_iter().chain(inputs) {
        let path = dir.join(name);
        let mut file = File::open(&path).map_err(Error::io("read", &path))?;
        let length = file.metadata().map_err(Error::io("read", &path))?.len();
        all.update(name.as_bytes());
        all.update(length.to_le_bytes());
        // Piece by piece: a file of weights is never in memory whole.
        loop {
            let n = file.read(&mut piece).map_err(Error::io("read", &path))?;
            if n == 0 {
                break;
            }
            all.update(&piece[..n]);
        }
    }
    let digits: String = all.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("sha256:{digits}"))
}
