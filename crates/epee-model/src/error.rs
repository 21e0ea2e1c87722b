//! What can go wrong with a model directory.

use std::path::PathBuf;

/// An error that names the file, what was expected and what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("cannot {action} {path}")]
    Io {
        /// `read`, `write`, …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
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
    /// A JSON file does not say what it should.
    #[error("{path}: {problem}")]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong, with expected and found.
        problem: String,
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
    /// Logits a policy cannot judge.
    #[error("sample {sample} of the batch")]
    Evidence {
        /// The sample's place in the batch.
        sample: usize,
        /// What the policy found.
        source: epee_exit::EvidenceError,
    },
    /// A policy that never answers.
    #[error("the policy gave no answer at the last exit")]
    NoAnswer,
}

impl Error {
    /// The same of a whole batch, of which a part that begins with sample `first` was run.
    pub(crate) fn of_part(self, first: usize) -> Error {
        match self {
            Error::Evidence { sample, source } => Error::Evidence { sample: first + sample, source },
            other => other,
        }
    }

    pub(crate) fn io(action: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Error {
        move |source| Error::Io { action, path: path.to_owned(), source }
    }
}
