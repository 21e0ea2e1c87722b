//! Errors of traces and their files.

use std::path::{Path, PathBuf};

use epee_files::FileError;

/// A trace file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum TraceError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file was read, but is not a trace.
    #[error("{}: {problem}", path.display())]
    Invalid { path: PathBuf, problem: TraceProblem },
}

impl TraceError {
    pub(super) fn invalid(path: &Path, problem: TraceProblem) -> Self {
        TraceError::Invalid { path: path.to_owned(), problem }
    }
}

/// The reason why data is not a trace.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum TraceProblem {
    /// No sample, exit or class.
    #[error(
        "expected at least 1 sample, 1 exit and 1 class, got {samples} samples, {exits} exits and \
         {classes} classes"
    )]
    Empty { samples: usize, exits: usize, classes: usize },
    /// A part has another length, type, shape or content.
    #[error("{part}: expected {expected}, got {got}")]
    Mismatch { part: String, expected: String, got: String },
    /// A label is not a class.
    #[error("sample {sample}: expected a label from 0 to {}, or -1 if unknown, got {got}", classes - 1)]
    Label { sample: String, classes: usize, got: i64 },
    /// A value is NaN or infinite.
    #[error("sample {sample}, exit {exit}: expected finite {tensor}, got {value}")]
    NonFinite { tensor: &'static str, sample: String, exit: usize, value: f32 },
    /// The file ends before its content does, or goes on after it.
    #[error("the header describes {expected} bytes of tensors, the file has {got}")]
    Size { expected: u64, got: u64 },
    /// The header is not a safetensors header.
    #[error("not a safetensors file: {0}")]
    Header(String),
    /// A tensor is missing.
    #[error("expected a tensor `{tensor}`, got {}", names(.got))]
    Missing { tensor: &'static str, got: Vec<String> },
}

impl TraceProblem {
    pub(super) fn mismatch(part: impl ToString, expected: impl ToString, got: impl ToString) -> TraceProblem {
        TraceProblem::Mismatch { part: part.to_string(), expected: expected.to_string(), got: got.to_string() }
    }

    pub(super) fn tensor(name: &str, expected: impl ToString, got: impl ToString) -> TraceProblem {
        TraceProblem::mismatch(format!("tensor `{name}`"), expected, got)
    }
}

fn names(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}
