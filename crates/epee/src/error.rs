//! The error of this crate: it names the file or the example, what was expected and what was found.

use std::path::{Path, PathBuf};

use epee_files::FileError;

/// An error of loading, predicting, recording, calibrating or training.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum Error {
    /// A file that cannot be read or written, or whose content is wrong.
    #[error(transparent)]
    File(#[from] FileError),
    /// A model directory or its weights.
    #[error(transparent)]
    Model(#[from] epee_model::Error),
    /// A tokenizer, an image or a text.
    #[error(transparent)]
    Input(#[from] epee_input::Error),
    /// A policy that does not fit the model.
    #[error(transparent)]
    Policy(#[from] epee_exit::PolicyError),
    /// A trace file, or logits that are not a trace.
    #[error(transparent)]
    Trace(#[from] epee_exit::TraceError),
    /// Logits that do not make a trace.
    #[error(transparent)]
    Logits(#[from] epee_exit::TraceProblem),
    /// A dataset folder.
    #[cfg(feature = "data")]
    #[error(transparent)]
    Data(#[from] epee_data::Error),
    /// A download.
    #[cfg(feature = "hub")]
    #[error("{id}: no such path here, so it was taken for the hub id of a {kind}")]
    Hub { id: String, kind: &'static str, source: epee_hub::Error },
    /// A training run.
    #[cfg(feature = "train")]
    #[error(transparent)]
    Train(#[from] epee_train::Error),
    /// A split of the dataset that is not the one a run's checkpoint was trained on.
    #[cfg(feature = "train")]
    #[error("{}: the {split} split changed since the checkpoint: expected digest {expected}, got {got}", path.display())]
    ChangedSplit { path: PathBuf, split: String, expected: String, got: String },
    /// A training option that does not fit the model.
    #[cfg(feature = "train")]
    #[error("{name}: {problem}")]
    TrainOption { name: &'static str, problem: String },
    /// No folder where a model directory should be.
    #[error("{}: no such folder: expected a model directory", path.display())]
    NoModel { path: PathBuf },
    /// A tokenizer or an image processor that does not fit the model.
    #[error("{0}")]
    Preprocessor(String),
    /// An image processor that makes images of another size than the model reads.
    #[error(
        "expected images of {} x {} pixels as config.json does, got {} x {}",
        expected[0], expected[1], got[0], got[1]
    )]
    ImageSize { expected: [usize; 2], got: [usize; 2] },
    /// An error in one file.
    #[error("{}", path.display())]
    At { path: PathBuf, source: Box<Error> },
    /// One example that the model cannot read.
    #[error("example {id}: {problem}")]
    Example { id: String, problem: String },
    /// One example whose logits are not finite.
    #[error("example {id}")]
    ExitOutput { id: String, source: epee_exit::ExitOutputError },
    /// A dataset with other classes than the model's.
    #[error("{}: expected the model's classes ({}), got {}", path.display(), expected.join(", "), got.join(", "))]
    Labels { path: PathBuf, expected: Vec<String>, got: Vec<String> },
    /// A split without examples.
    #[error("{}: the {split} split holds no example", path.display())]
    EmptySplit { path: PathBuf, split: String },
    /// A model whose promises were to be signed, and that has none.
    #[error("{}: expected a signed certificate, got a model without one", path.display())]
    NoPromise { path: PathBuf },
    /// A promise that was to be signed and to hold.
    #[error("{}: the {promise} is void: {reason}", path.display())]
    VoidPromise { path: PathBuf, promise: crate::certificates::Promise, reason: epee_exit::VoidReason },
    /// A key file.
    #[error(transparent)]
    Key(#[from] crate::certificates::KeyError),
    /// A calibration that cannot be made.
    #[error(transparent)]
    Calibrate(#[from] crate::calibration::CalibrateError),
}

impl Error {
    pub(crate) fn content(path: &Path, problem: impl Into<String>) -> Error {
        FileError::content(path, problem).into()
    }

    pub(crate) fn at(self, path: &Path) -> Error {
        Error::At { path: path.to_owned(), source: Box::new(self) }
    }
}
