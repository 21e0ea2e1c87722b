//! The error of a dataset or a file to import.

use std::path::{Path, PathBuf};

use epee_files::FileError;

/// A dataset or a file to import that cannot be used.
///
/// No message holds what a sample's text, label or id is, or the names of columns and keys that a file has: a file without a
/// header has a sample in their place. Messages name the file, the line, what was expected and the kind of what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum Error {
    /// A file that cannot be read or written, or that has wrong content.
    #[error(transparent)]
    File(#[from] FileError),
    /// A tokenizer or an image that cannot be used.
    #[error(transparent)]
    Input(#[from] epee_input::Error),
    /// A row with more or fewer columns than the others.
    #[error("{}:{line}: expected {expected} columns, got {got}", path.display())]
    Columns { path: PathBuf, line: u64, expected: usize, got: usize },
    /// A file without a column of this name. The first row may be a sample, so the error does not show it.
    #[error("{}: no column `{column}` among the {got} of the first row", path.display())]
    NoColumn { path: PathBuf, column: String, got: usize },
    /// A quote that would swallow the rest of the file.
    #[error("{}:{line}: a quote is opened and never closed", path.display())]
    OpenQuote { path: PathBuf, line: u64 },
    /// A folder to write into is not empty.
    #[error("{} already holds something", path.display())]
    NotEmpty { path: PathBuf },
    /// No importer has this name.
    #[error("no importer `{name}`, expected one of {}", have.join(", "))]
    Importer { name: String, have: Vec<&'static str> },
    /// An option that the importer does not take.
    #[error("`{importer}` has no option `{option}`; it is for {takers}")]
    Option { option: String, importer: String, takers: String },
    /// Examples, labels or values that cannot be used.
    #[error("{0}")]
    Invalid(String),
    /// A dataset has no such split.
    #[error("{} has no split `{split}`, it has {have}", path.display())]
    NoSplit { path: PathBuf, split: String, have: String },
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
