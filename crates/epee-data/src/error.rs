//! The error of a dataset or a file to import.

use std::path::{Path, PathBuf};

use epee_files::FileError;

/// A dataset or a file to import that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that cannot be read or written, or whose content is wrong.
    #[error(transparent)]
    File(#[from] FileError),
    /// A tokenizer or an image that cannot be used.
    #[error(transparent)]
    Input(#[from] epee_input::Error),
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
    /// A folder to write into is not empty.
    #[error("{} already holds something", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// Examples or labels that do not make a dataset.
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
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let error = FileError::io(action, path);
        move |source| Error::File(error(source))
    }

    pub(crate) fn line(path: &Path, line: u64, problem: impl Into<String>) -> Error {
        FileError::line(path, line, problem).into()
    }

    pub(crate) fn content(path: &Path, problem: impl Into<String>) -> Error {
        FileError::content(path, problem).into()
    }
}

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;
