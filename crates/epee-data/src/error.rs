//! The one error type of this crate: what was expected, what was got, where.

use std::path::{Path, PathBuf};

/// What can go wrong between a file and a batch.
///
/// Causes are in [`source`](std::error::Error::source), not repeated in the message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused: no such file, no permission, a full disk.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was tried: `read`, `write`, `create`, …
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The reason given.
        source: std::io::Error,
    },
    /// One line of a file is not as it should be.
    #[error("{}:{line}: {problem}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// The line, from 1, on which the record starts.
        line: u64,
        /// What was expected and what was got.
        problem: String,
    },
    /// A row with more or fewer columns than the others.
    #[error("{}:{line}: expected {expected} columns, got {got}", path.display())]
    Columns {
        /// The file.
        path: PathBuf,
        /// The line, from 1, on which the row starts.
        line: u64,
        /// Columns of the first row.
        expected: usize,
        /// Columns of this one.
        got: usize,
    },
    /// A quote that would swallow the rest of the file.
    #[error("{}:{line}: a quote is opened and never closed", path.display())]
    OpenQuote {
        /// The file.
        path: PathBuf,
        /// The line, from 1, on which the row starts.
        line: u64,
    },
    /// A file as a whole is not as it should be.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What was expected and what was got.
        problem: String,
    },
    /// A folder to write into holds something already.
    #[error("{} already holds something", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// Examples or labels do not make a dataset.
    #[error("{0}")]
    Invalid(String),
    /// A dataset has no such split.
    #[error("{} has no split `{split}`, it has {have}", path.display())]
    NoSplit {
        /// The dataset's folder.
        path: PathBuf,
        /// The split asked for.
        split: String,
        /// The splits that exist, as text.
        have: String,
    },
    /// The `tokenizers` crate refused a file or a text.
    #[error("{what}: {problem}")]
    Tokenizer {
        /// The file or the text.
        what: String,
        /// What it said.
        problem: String,
    },
    /// A tokenizer knows more ids than the model has embeddings.
    #[error(
        "the tokenizer does not fit the model: expected at most {expected} ids \
         (the model's vocabulary size), got {got}"
    )]
    Vocabulary {
        /// The model's vocabulary size.
        expected: usize,
        /// The tokenizer's highest id plus one.
        got: usize,
    },
}

impl Error {
    /// A failure of the operating system on `path`; made for `map_err`.
    pub fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { doing, path, source }
    }

    /// A problem on one line of a file.
    pub fn row(path: &Path, line: u64, problem: impl Into<String>) -> Self {
        Self::Row { path: path.to_path_buf(), line, problem: problem.into() }
    }

    /// A problem of a whole file.
    pub fn file(path: &Path, problem: impl Into<String>) -> Self {
        Self::File { path: path.to_path_buf(), problem: problem.into() }
    }
}

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;
