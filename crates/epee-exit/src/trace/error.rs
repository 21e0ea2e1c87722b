//! What can be wrong with a trace and with its file.

use std::path::{Path, PathBuf};

use epee_files::FileError;

/// A trace file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file was read, but is no trace.
    #[error("{}: {problem}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: TraceProblem,
    },
}

impl TraceError {
    pub(super) fn invalid(path: &Path, problem: TraceProblem) -> Self {
        TraceError::Invalid { path: path.to_owned(), problem }
    }
}

/// What keeps data from being a trace.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TraceProblem {
    /// Nothing to look at.
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
    /// A part has the wrong number of values.
    #[error("{tensor}: expected {expected} values, got {got}")]
    Length {
        /// The part.
        tensor: &'static str,
        /// How many values it should have.
        expected: usize,
        /// How many it has.
        got: usize,
    },
    /// A label is no class.
    #[error("sample {sample}: expected a label from 0 to {}, or -1 where unknown, got {got}", classes - 1)]
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
        /// What the header says.
        expected: u64,
        /// What the file has.
        got: u64,
    },
    /// The header is no safetensors header.
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
    /// A tensor has another type.
    #[error("tensor `{tensor}`: expected type {expected}, got {got}")]
    Dtype {
        /// The tensor.
        tensor: &'static str,
        /// The types that can be read.
        expected: &'static str,
        /// Its type.
        got: String,
    },
    /// A tensor has another shape.
    #[error("tensor `{tensor}`: expected shape {expected}, got {got:?}")]
    Shape {
        /// The tensor.
        tensor: &'static str,
        /// The shape it should have.
        expected: String,
        /// Its shape.
        got: Vec<usize>,
    },
    /// An entry of the metadata cannot be read, or does not fit.
    #[error("{key}: expected {expected}, got {got}")]
    Metadata {
        /// Its key.
        key: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        got: String,
    },
}

fn names(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}
