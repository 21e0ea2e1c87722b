//! Reasons why a promise does not hold.

/// A reason why the promise of a certificate or of an abstention rule does not hold for a model as it runs.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum VoidReason {
    /// A file of another version of epee, which lacks what it would take to check it.
    #[error("it has the form of epee 0.1, which cannot be checked")]
    Outdated,
    /// It was given for something else than what runs.
    #[error("it was given for {what} {expected}, this is {got}")]
    Other { what: &'static str, expected: String, got: String },
    /// It does not name a part of its scope.
    #[error("it does not say for which {what} it was given")]
    Unnamed { what: &'static str },
    /// Someone changed the file after it was written.
    #[error("its file was changed after it was written")]
    Edited,
    /// A statement that does not follow from the counts.
    #[error("{field} in its file is not what the counts give")]
    Counts { field: String },
    /// The test that the counts describe does not pass.
    #[error("the test results of `{risk}` in its file do not support it")]
    Unsupported { risk: String },
    /// The signature is of other content, or by another key than it names.
    #[error("its signature does not fit its content")]
    Signature,
    /// A signature was asked for, and there is none.
    #[error("it is not signed")]
    NotSigned,
    /// Somebody else signed it.
    #[error("it is signed by the key {}, not by {}", epee_files::short(got), epee_files::short(expected))]
    OtherSigner { expected: String, got: String },
}

impl VoidReason {
    pub(super) fn counts(field: impl Into<String>) -> VoidReason {
        VoidReason::Counts { field: field.into() }
    }
}
