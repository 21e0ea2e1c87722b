//! Errors of training.

use std::fmt;
use std::path::{Path, PathBuf};

use epee_files::FileError;

/// An error of a training run. Messages say what was expected and what was found; advice on what to do next depends on the
/// program, so the program adds it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum Error {
    /// An option out of range, or one that contradicts another.
    #[error("{name}: expected {expected}, got {got}")]
    Option { name: &'static str, expected: String, got: String },
    /// A configuration file that is wrong.
    #[error("{}{}: {problem}", path.display(), line.map_or_else(String::new, |line| format!(", line {line}")))]
    Config { path: PathBuf, line: Option<usize>, problem: String },
    /// Data that cannot be trained on.
    #[error("{0}")]
    Data(String),
    /// The loss or the gradient is not finite.
    #[error("the {what} is {value} at step {step} (epoch {epoch}, batch of {batch}): {kept}")]
    NotFinite { what: &'static str, value: f64, step: u64, epoch: usize, batch: String, kept: Box<LastGood> },
    /// The mean loss of an epoch is far above that of guessing: the model is sure of wrong answers.
    #[error("the run diverged: the mean loss of epoch {epoch} is {loss:.3}, that of guessing {guess:.3}: {kept}")]
    Diverged { epoch: usize, loss: f64, guess: f64, kept: Box<LastGood> },
    /// A folder without checkpoints.
    #[error("{path}: no checkpoint to resume from")]
    NothingToResume { path: PathBuf, occupied: bool },
    /// A checkpoint that cannot be used, or a folder with none that can.
    #[error("{path}: {problem}")]
    Checkpoint { path: PathBuf, problem: String },
    /// A checkpoint in the format of another version.
    #[error("{path}: expected checkpoint format {expected}, got {got}")]
    CheckpointFormat { path: PathBuf, expected: u32, got: u32 },
    /// A checkpoint of a run with other data, another model or other options.
    #[error("{path}: it belongs to another run: {part}: expected {expected}, got {got}")]
    OtherRun { path: PathBuf, part: String, expected: String, got: String },
    /// A checkpoint that could not be written; the one before is unchanged.
    #[error("cannot write the checkpoint {path}: {reason}")]
    Save { path: PathBuf, reason: std::io::Error },
    /// The model's files.
    #[error(transparent)]
    Model(#[from] epee_model::Error),
    /// Logits that are not finite in evaluation.
    #[error("evaluation after epoch {epoch} ({kept})")]
    Evaluation { epoch: usize, kept: Box<LastGood>, source: epee_exit::TraceProblem },
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
