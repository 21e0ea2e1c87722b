//! What can go wrong.

/// A report that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum ReportError {
    /// A setting of the standard grid does not fit the trace, such as a threshold where there is one class.
    #[error("the trace cannot be replayed: {0}")]
    Replay(String),
    /// A figure cannot be drawn.
    #[error("figure {figure}: {problem}")]
    Draw { figure: String, problem: String },
    /// A figure cannot be made into a picture.
    #[error("figure {figure}: cannot make a PNG of it: {problem}")]
    Png { figure: String, problem: String },
}
