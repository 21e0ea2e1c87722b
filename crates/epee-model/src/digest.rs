//! The digest that names a model.

use std::fs::{self, File};
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
    let inputs = INPUT_FILES.into_iter().filter(|name| dir.join(name).exists());
    for name in ["config.json", "model.safetensors"].into_iter().chain(inputs) {
        let path = dir.join(name);
        let length = fs::metadata(&path).map_err(Error::io("read", &path))?.len();
        all.update(name.as_bytes());
        all.update(length.to_le_bytes());
        add_file(&mut all, &path)?;
    }
    Ok(text(all))
}

/// SHA-256 of a file's bytes.
///
/// # Errors
/// Where it cannot be read.
pub fn file_digest(path: &Path) -> Result<String, Error> {
    let mut all = Sha256::new();
    add_file(&mut all, path)?;
    Ok(text(all))
}

/// Piece by piece: a file of weights is never in memory whole.
fn add_file(all: &mut Sha256, path: &Path) -> Result<(), Error> {
    let mut file = File::open(path).map_err(Error::io("read", path))?;
    let mut piece = vec![0; 1 << 18];
    loop {
        let n = file.read(&mut piece).map_err(Error::io("read", path))?;
        if n == 0 {
            return Ok(());
        }
        all.update(&piece[..n]);
    }
}

fn text(all: Sha256) -> String {
    let digits: String = all.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}
