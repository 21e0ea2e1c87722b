//! What can go wrong with a model directory.

use std::path::{Path, PathBuf};

use epee_files::FileError;

/// An error that names the file, what was expected and what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that cannot be read or written, or whose content is wrong.
    #[error(transparent)]
    File(#[from] FileError),
    /// A directory lacks a file.
    #[error("{path} not found: expected a Hugging Face model directory with {expected}{hint}")]
    Missing {
        /// The file.
        path: PathBuf,
        /// What the directory should hold.
        expected: &'static str,
        /// A hint on a line of its own, or nothing.
        hint: String,
    },
    /// A safetensors file is damaged.
    #[error("{path} is not a whole safetensors file: {problem}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the reader found.
        problem: String,
    },
    /// A tensor has another shape than the configuration asks for.
    #[error("{path}: tensor {name}: expected shape {expected:?}, got {got:?}")]
    Shape {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// From the configuration.
        expected: Vec<usize>,
        /// From the file.
        got: Vec<usize>,
    },
    /// A tensor has a number type that is not read.
    #[error("{path}: tensor {name}: expected F32, F16 or BF16, got {got}")]
    Dtype {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// From the file.
        got: String,
    },
    /// A tensor holds a value that is not finite.
    #[error("{path}: tensor {name} holds {value} at index {index}: expected finite numbers")]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The first such value.
        value: f32,
        /// Where it stands.
        index: usize,
    },
    /// Tensors that belong nowhere, or parameters without a tensor.
    #[error("{path}: {problem}")]
    Names {
        /// The file.
        path: PathBuf,
        /// Which names.
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
    /// Logits a policy cannot judge.
    #[error("sample {sample} of the batch")]
    ExitOutput {
        /// The sample's place in the batch.
        sample: usize,
        /// What the policy found.
        source: epee_exit::ExitOutputError,
    },
    /// A policy that never answers.
    #[error("the policy gave no answer at the last exit")]
    NoAnswer,
}

impl Error {
    /// The same of a whole batch, of which a part that begins with sample `first` was run.
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
