//! The error of a file: its path, the line if there is one, what was expected and what was found.

use std::path::{Path, PathBuf};

/// A file that cannot be used.
///
/// The operating system's reason is in [`source`](std::error::Error::source), not repeated in the message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum FileError {
    /// The operating system refused: no such file, no permission, a full disk.
    #[error("cannot {action} {}", path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
    /// One line of a file is wrong.
    #[error("{}:{line}: {problem}", path.display())]
    Line { path: PathBuf, line: u64, problem: String },
    /// A file as a whole is wrong.
    #[error("{}: {problem}", path.display())]
    Content { path: PathBuf, problem: String },
    /// Another process writes this output.
    #[error("{}: another process{} is writing to it", path.display(), process.map_or(String::new(), |id| format!(" ({id})")))]
    Busy { path: PathBuf, process: Option<u32> },
}

impl FileError {
    /// An operating system error on `path`, for `map_err`.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> FileError {
        move |source| FileError::Io { action, path: path.to_owned(), source }
    }

    /// A problem on one line of a file.
    pub fn line(path: &Path, line: u64, problem: impl Into<String>) -> FileError {
        FileError::Line { path: path.to_owned(), line, problem: problem.into() }
    }

    /// A problem of a whole file.
    pub fn content(path: &Path, problem: impl Into<String>) -> FileError {
        FileError::Content { path: path.to_owned(), problem: problem.into() }
    }
}
