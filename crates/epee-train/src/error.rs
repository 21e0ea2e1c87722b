//! Errors of training.

use std::fmt;
use std::path::{Path, PathBuf};

use epee_files::FileError;

/// An error of a training run. Messages say what was expected and what was found; advice on what to do next depends on the
/// program, so the program adds it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option out of range, or one that contradicts another.
    #[error("{name}: expected {expected}, got {got}")]
    Option {
        /// The option's name in files.
        name: &'static str,
        /// The expected range.
        expected: String,
        /// The value.
        got: String,
    },
    /// A configuration file that is wrong.
    #[error("{}{}: {problem}", path.display(), line.map_or_else(String::new, |line| format!(", line {line}")))]
    Config {
        /// The file.
        path: PathBuf,
        /// The line, from 1, if one is known.
        line: Option<usize>,
        /// What was expected and what was found, with a hint on a line of its own if there is one.
        problem: String,
    },
    /// Data that cannot be trained on.
    #[error("{0}")]
    Data(String),
    /// The loss or the gradient is not finite.
    #[error("the {what} is {value} at step {step} (epoch {epoch}, batch of {batch}): {kept}")]
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
        /// The model that is left.
        kept: Box<LastGood>,
    },
    /// The mean loss of an epoch is far above that of guessing: the model is sure of wrong answers.
    #[error("the run diverged: the mean loss of epoch {epoch} is {loss:.3}, that of guessing {guess:.3}: {kept}")]
    Diverged {
        /// From 1.
        epoch: usize,
        /// The mean over its steps, in nats.
        loss: f64,
        /// `ln K`
        guess: f64,
        /// The model that is left.
        kept: Box<LastGood>,
    },
    /// A folder without checkpoints.
    #[error("{path}: no checkpoint to resume from")]
    NothingToResume {
        /// The folder where checkpoints were expected.
        path: PathBuf,
        /// True if the run's folder holds other files.
        occupied: bool,
    },
    /// A checkpoint that cannot be used, or a folder with none that can.
    #[error("{path}: {problem}")]
    Checkpoint {
        /// The file or folder.
        path: PathBuf,
        /// What was expected and what was found.
        problem: String,
    },
    /// A checkpoint in the format of another version.
    #[error("{path}: expected checkpoint format {expected}, got {got}")]
    CheckpointFormat {
        /// The file.
        path: PathBuf,
        /// This version's format.
        expected: u32,
        /// The file's format.
        got: u32,
    },
    /// A checkpoint of a run with other data, another model or other options.
    #[error("{path}: it belongs to another run: {part}: expected {expected}, got {got}")]
    OtherRun {
        /// The file.
        path: PathBuf,
        /// The part of the identity that differs, with the field if the part is an object.
        part: String,
        /// The checkpoint's.
        expected: String,
        /// This run's.
        got: String,
    },
    /// A checkpoint that could not be written; the one before is unchanged.
    #[error("cannot write the checkpoint {path}: {reason}")]
    Save {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: std::io::Error,
    },
    /// Another training writes into the folder.
    #[error("{folder}: another training{process} writes here")]
    Locked {
        /// The run's folder.
        folder: PathBuf,
        /// ` (process 123)` if it is known.
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
        /// The model that is left.
        kept: Box<LastGood>,
        /// The sample and the exit.
        source: epee_exit::TraceProblem,
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

    pub(crate) fn config(path: &Path, line: Option<usize>, problem: impl Into<String>) -> Error {
        Error::Config { path: path.to_owned(), line, problem: problem.into() }
    }
}

/// The model that is left of a run that ended early.
#[derive(Clone, Debug)]
pub struct LastGood {
    pub(crate) dir: PathBuf,
    pub(crate) best: Option<(usize, f64)>,
}

impl fmt::Display for LastGood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.best {
            Some((epoch, score)) => {
                write!(f, "the model of epoch {epoch}, {score:.3} on dev, is kept in {}", self.dir.display())
            }
            None => write!(f, "no model of this run was kept: it was the first epoch"),
        }
    }
}
