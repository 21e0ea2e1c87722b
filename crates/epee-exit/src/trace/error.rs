//! Errors of traces and their files.

use std::path::{Path, PathBuf};

use epee_files::FileError;

/// A trace file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file was read, but is not a trace.
    #[error("{}: {problem}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The problem with it.
        problem: TraceProblem,
    },
}

impl TraceError {
    pub(super) fn invalid(path: &Path, problem: TraceProblem) -> Self {
        TraceError::Invalid { path: path.to_owned(), problem }
    }
}

/// The reason why data is not a trace.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TraceProblem {
    /// No sample, exit or class.
    #[error(
        "expected at least 1 sample, 1 exit and 1 class, got {samples} samples, {exits} exits and \
         {classes} classes"
    )]
    Empty {
        /// N.
        samples: usize,
        /// M.
        exits: usize,
        /// K.
        classes: usize,
    },
    /// A part has another length, type, shape or content.
    #[error("{part}: expected {expected}, got {got}")]
    Mismatch {
        /// The tensor or metadata key.
        part: String,
        /// The length, type, shape or content it should have.
        expected: String,
        /// Its own.
        got: String,
    },
    /// A label is not a class.
    #[error("sample {sample}: expected a label from 0 to {}, or -1 if unknown, got {got}", classes - 1)]
    Label {
        /// The sample's id, or its index from 0.
        sample: String,
        /// K.
        classes: usize,
        /// The label.
        got: i64,
    },
    /// A value is NaN or infinite.
    #[error("sample {sample}, exit {exit}: expected finite {tensor}, got {value}")]
    NonFinite {
        /// `logits` or `scores`.
        tensor: &'static str,
        /// The sample's id, or its index from 0.
        sample: String,
        /// The exit, from 1.
        exit: usize,
        /// The value.
        value: f32,
    },
    /// The file ends before its content does, or goes on after it.
    #[error("the header describes {expected} bytes of tensors, the file has {got}")]
    Size {
        /// The size by the header.
        expected: u64,
        /// The size of the file.
        got: u64,
    },
    /// The header is not a safetensors header.
    #[error("not a safetensors file: {0}")]
    Header(String),
    /// A tensor is missing.
    #[error("expected a tensor `{tensor}`, got {}", names(.got))]
    Missing {
        /// The tensor.
        tensor: &'static str,
        /// The tensors there are.
        got: Vec<String>,
    },
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
