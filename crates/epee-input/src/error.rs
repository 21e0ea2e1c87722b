//! The error of a tokenizer, an image or a text that cannot be used.

use std::path::Path;

use epee_files::FileError;

use crate::guard::LibraryFault;

/// An input or a preprocessing file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum Error {
    /// A file that cannot be read, or that has wrong content.
    #[error(transparent)]
    File(#[from] FileError),
    /// The `tokenizers` crate refused a file or a text.
    #[error("{input}: {problem}")]
    Tokenizer { input: String, problem: String },
    /// A library panicked on a file, or on a text with that file's tokenizer.
    #[error("{input}: {fault}")]
    Library { input: String, fault: LibraryFault },
    /// A tokenizer knows more ids than the model has embeddings.
    #[error(
        "the tokenizer does not fit the model: expected at most {expected} ids \
         (the model's vocabulary size), got {got}"
    )]
    Vocabulary { expected: usize, got: usize },
    /// An image that cannot be used.
    #[error("{0}")]
    Image(String),
    /// A length limit without room for a token.
    #[error("expected room for at least {expected} tokens, {special} of them special, got {got}")]
    Room { expected: usize, special: usize, got: usize },
}

impl Error {
    pub(crate) fn line(path: &Path, line: u64, problem: impl Into<String>) -> Error {
        FileError::line(path, line, problem).into()
    }

    pub(crate) fn content(path: &Path, problem: impl Into<String>) -> Error {
        FileError::content(path, problem).into()
    }
}

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;
