//! Errors of reports.

/// A report that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum ReportError {
    /// A setting of the standard grid does not fit the trace, for example because it has one class only.
    #[error("the trace cannot be replayed: {0}")]
    Replay(String),
    /// A figure cannot be drawn as PNG.
    #[error("figure {figure}: cannot write it as PNG: {problem}")]
    Png { figure: String, problem: String },
}

impl ReportError {
    pub(crate) fn replay(error: impl std::fmt::Display) -> ReportError {
        ReportError::Replay(error.to_string())
    }
}
