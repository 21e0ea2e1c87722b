//! Errors of model directories and of inference.

use std::path::{Path, PathBuf};

use epee_files::FileError;

/// An error that names the file, what was expected and what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum Error {
    /// A file cannot be read or written, or has wrong content.
    #[error(transparent)]
    File(#[from] FileError),
    /// A directory whose tokenizer cannot be found.
    #[error(transparent)]
    Input(#[from] epee_input::Error),
    /// A directory does not have a required file.
    #[error("{path} not found: expected a Hugging Face model directory with {expected}{hint}")]
    Missing { path: PathBuf, expected: &'static str, hint: String },
    /// A directory has a `config.json` but no `exits.json`.
    #[error("{path} not found: this is a backbone without exits")]
    NoExits { path: PathBuf },
    /// A safetensors file is damaged.
    #[error("{path} is not a whole safetensors file: {problem}")]
    Damaged { path: PathBuf, problem: String },
    /// A policy that cannot be stored.
    #[error("{path}")]
    Policy { path: PathBuf, source: epee_exit::PolicyError },
    /// A policy cannot use the logits or the score of a sample.
    #[error("sample {sample} of the batch")]
    ExitOutput { sample: usize, source: epee_exit::ExitOutputError },
    /// A layer that is too wide for a precision.
    #[error("a layer")]
    Width(#[from] epee_nn::WidthError),
    /// The policy gave no answer at the last exit.
    #[error("the policy gave no answer at the last exit")]
    NoAnswer,
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let error = FileError::io(action, path);
        move |source| Error::File(error(source))
    }

    pub(crate) fn content(path: &Path, problem: impl Into<String>) -> Error {
        FileError::content(path, problem).into()
    }
}
