//! Errors of model directories and of inference.

use std::path::{Path, PathBuf};

use epee_files::FileError;

/// An error that names the file, what was expected and what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read or written, or has wrong content.
    #[error(transparent)]
    File(#[from] FileError),
    /// A directory does not have a required file.
    #[error("{path} not found: expected a Hugging Face model directory with {expected}{hint}")]
    Missing {
        /// The file.
        path: PathBuf,
        /// The expected files.
        expected: &'static str,
        /// A hint on a separate line, or nothing.
        hint: String,
    },
    /// A directory has a `config.json` but no `exits.json`.
    #[error("{path} not found: this is a backbone without exits")]
    NoExits {
        /// The missing file.
        path: PathBuf,
    },
    /// A safetensors file is damaged.
    #[error("{path} is not a whole safetensors file: {problem}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The damage.
        problem: String,
    },
    /// A policy that cannot be stored.
    #[error("{path}")]
    Policy {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: epee_exit::PolicyError,
    },
    /// A policy cannot use the logits or the score of a sample.
    #[error("sample {sample} of the batch")]
    ExitOutput {
        /// The sample's index in the batch.
        sample: usize,
        /// The policy's error.
        source: epee_exit::ExitOutputError,
    },
    /// The policy gave no answer at the last exit.
    #[error("the policy gave no answer at the last exit")]
    NoAnswer,
}

impl Error {
    /// Converts the error of a part of a batch, which begins with sample `first`, to one of the whole batch.
    pub(crate) fn of_part(self, first: usize) -> Error {
        match self {
            Error::ExitOutput { sample, source } => Error::ExitOutput { sample: first + sample, source },
            other => other,
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let error = FileError::io(action, path);
        move |source| Error::File(error(source))
    }

    pub(crate) fn content(path: &Path, problem: impl Into<String>) -> Error {
        FileError::content(path, problem).into()
    }
}
