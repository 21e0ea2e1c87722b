//! What can go wrong in training.

use std::path::{Path, PathBuf};

use epee_files::FileError;

use crate::LastGood;

/// An error of a training run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option out of range.
    #[error("{name}: expected {expected}, got {got}")]
    Option {
        /// The option.
        name: &'static str,
        /// Its range.
        expected: String,
        /// What was given.
        got: String,
    },
    /// Data that cannot be trained on.
    #[error("{0}")]
    Data(String),
    /// The loss or the gradient is not finite any more.
    #[error(
        "the {what} is {value} at step {step} (epoch {epoch}, batch of {batch}): {kept}\nhint: a lower \
         --learning-rate, a longer --warmup or a lower --clip, with --force or another --out"
    )]
    NotFinite {
        /// `loss` or `gradient norm`.
        what: &'static str,
        /// `NaN` or `inf`.
        value: f64,
        /// From 1.
        step: u64,
        /// From 1.
        epoch: usize,
        /// The first ids of the batch.
        batch: String,
        /// What is left.
        kept: Box<LastGood>,
    },
    /// The loss is that of a model that is sure of wrong answers.
    #[error(
        "the run diverged: the mean loss of epoch {epoch} is {loss:.3}, that of guessing {guess:.3}: {kept}\nhint: a lower \
         --learning-rate, a longer --warmup or a lower --clip, with --force or another --out"
    )]
    Diverged {
        /// From 1.
        epoch: usize,
        /// The mean over its steps, in nats.
        loss: f64,
        /// `ln K`
        guess: f64,
        /// What is left.
        kept: Box<LastGood>,
    },
    /// A checkpoint that cannot be gone on from.
    #[error("{path}: {problem}")]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Expected and found.
        problem: String,
    },
    /// A checkpoint whose format is another build's.
    #[error(
        "{path}: expected checkpoint format {expected}, got {got}\nhint: go on with the version of epee that wrote \
         it, or start over with --force in place of --resume"
    )]
    CheckpointFormat {
        /// The file.
        path: PathBuf,
        /// This build's.
        expected: u32,
        /// The file's.
        got: u32,
    },
    /// A checkpoint of a run with other data, another model or other options.
    #[error(
        "{path}: it belongs to another run: {part}: expected {expected}, got {got}\nhint: resume with the data, model \
         and options it was written with, or start over with --force in place of --resume"
    )]
    OtherRun {
        /// The file.
        path: PathBuf,
        /// What differs: a part of the identity, and where it is an object the field.
        part: String,
        /// The checkpoint's.
        expected: String,
        /// This run's.
        got: String,
    },
    /// A checkpoint that could not be written; the one before is as it was.
    #[error("cannot write the checkpoint {path}: {reason}\nhint: {} and run again with --resume", mend(reason))]
    Save {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: std::io::Error,
    },
    /// Another training writes into the folder.
    #[error("{folder}: another training{process} writes here")]
    Locked {
        /// The run's folder.
        folder: PathBuf,
        /// ` (process 123)` where it is known.
        process: String,
    },
    /// The model's files.
    #[error(transparent)]
    Model(#[from] epee_model::Error),
    /// Logits that are not finite in evaluation.
    #[error("evaluation after epoch {epoch} ({kept})")]
    Evaluation {
        /// From 1.
        epoch: usize,
        /// What is left.
        kept: Box<LastGood>,
        /// Which sample and exit.
        source: epee_exit::TraceProblem,
    },
    /// A folder could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The folder.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A file that cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Error {
    pub(crate) fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let error = FileError::io("write", path);
        move |source| Error::File(error(source))
    }

    pub(crate) fn option(name: &'static str, expected: &str, got: String) -> Error {
        Error::Option { name, expected: expected.to_owned(), got }
    }
}

/// What the user does about a failed write.
fn mend(reason: &std::io::Error) -> &'static str {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    match reason.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => "free space",
        _ => "mend it",
    }
}
