//! The digest of a model: every file and field that inference reads.

use std::fs;
use std::path::Path;

use epee_files::{FileError, Sha256, hex};
use epee_input::TextTokenizer;

use crate::{Config, Error, ExitsFile, InputShape, exits_file};

/// The form of the digests. Those of epee 0.1, which left files and fields out, begin with `sha256:`.
const FORM: &str = "v2:";

/// True for a digest as epee 0.1 made them: it does not cover all that inference reads.
pub fn is_outdated(digest: &str) -> bool {
    !digest.starts_with(FORM)
}

/// The names of the files of a model directory that inference reads whole; of `exits.json` it reads fields.
///
/// # Errors
/// A directory without a tokenizer, for a model that reads text.
pub fn inference_files(dir: &Path, config: &Config) -> Result<Vec<&'static str>, Error> {
    let mut files = vec!["config.json", "model.safetensors"];
    match config.shape.input {
        InputShape::Text(_) => files.extend(TextTokenizer::files(dir)?),
        InputShape::Image(_) => files.push("preprocessor_config.json"),
    }
    Ok(files)
}

/// SHA-256 over the names and contents of [`inference_files`] and over the fields of `exits.json` that inference reads: all but
/// those that calibration writes. `exits` is `None` for a backbone without exits.
///
/// # Errors
/// If a file cannot be read.
pub(crate) fn digest(dir: &Path, config: &Config, exits: Option<&ExitsFile>) -> Result<String, Error> {
    let mut all = Sha256::default();
    for name in inference_files(dir, config)? {
        let path = dir.join(name);
        let length = fs::metadata(&path).map_err(FileError::io("read", &path))?.len();
        begin(&mut all, name, length);
        all.update_file(&path)?;
    }
    if let Some(exits) = exits {
        let fields = exits.inference_fields();
        begin(&mut all, exits_file::NAME, fields.len() as u64);
        all.update(fields);
    }
    Ok(format!("{FORM}{}", hex(&all.bytes())))
}

/// Adds a name and a length, so that no other list of files has the same bytes.
fn begin(all: &mut Sha256, name: &str, length: u64) {
    all.update((name.len() as u64).to_le_bytes());
    all.update(name);
    all.update(length.to_le_bytes());
}

/// The digest of a directory, with its exits if it has some: see [`ModelDir::digest`](crate::ModelDir::digest).
///
/// # Errors
/// If a file is missing or damaged.
pub fn model_digest(dir: &Path) -> Result<String, Error> {
    let config = Config::read(&dir.join("config.json"))?;
    let exits = dir.join(exits_file::NAME).exists().then(|| ExitsFile::load(dir)).transpose()?;
    digest(dir, &config, exits.as_ref())
}
