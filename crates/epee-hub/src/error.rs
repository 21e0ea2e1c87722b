//! The error type of this crate. Messages say what to do about it.

use std::path::{Path, PathBuf};

use epee_files::FileError;

use crate::digest::Algorithm;

/// A model, dataset or archive that cannot be fetched.
///
/// The operating system's reason is in [`source`](std::error::Error::source), not repeated in the message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum Error {
    /// A text that is no hub id.
    #[error("`{text}`: expected a hub id, NAME or OWNER/NAME, with @REVISION or without, got {got}")]
    Id { text: String, got: String },
    /// An environment variable with a value that cannot be used.
    #[error("{name}: {problem}")]
    Setting { name: &'static str, problem: String },
    /// An address that cannot be requested.
    #[error("`{url}`: {problem}")]
    Url { url: String, problem: String },
    /// 404: nothing of that name.
    #[error("no {what} `{id}` at {endpoint}{}", hint(*token))]
    NotFound { what: String, id: String, endpoint: String, token: bool },
    /// 404: an address without a file.
    #[error("{url}: no such file (404)")]
    Gone { url: String },
    /// 401 or 403: no access.
    #[error("`{id}` is private or gated, or does not exist: {endpoint} answered {status}{}", access(*token, endpoint, id))]
    Denied { id: String, endpoint: String, status: u16, token: bool },
    /// A repository without a file that is needed.
    #[error("`{id}` has no {file}{}", pickle(file, have))]
    NoFile { id: String, file: String, have: Vec<String> },
    /// The network may not be used, and the cache lacks a file.
    #[error(
        "`{id}` is not in the cache, {} lacks {missing}, and HF_HUB_OFFLINE forbids fetching it\n\
         hint: unset HF_HUB_OFFLINE, or give the path of a folder",
        cache.display()
    )]
    Offline { id: String, missing: String, cache: PathBuf },
    /// No answer from the server.
    #[error(
        "cannot reach {url}: {reason}\nhint: a path needs no network; neither does a hub id that is in the cache, with HF_HUB_OFFLINE=1"
    )]
    Unreachable { url: String, reason: Box<ureq::Error> },
    /// The connection ended before the file did.
    #[error(
        "the connection was lost after {have} of {} of {url}\n\
         hint: {} is kept; run the same command again to resume",
        size.map_or("an unknown number of bytes".to_owned(), |size| format!("{size} bytes")),
        partial.display()
    )]
    Lost { url: String, have: u64, size: Option<u64>, partial: PathBuf },
    /// The bytes that arrived are not those that were published.
    #[error(
        "{url}: expected {algorithm} {expected}, got {got}\n\
         hint: the file was deleted; run the same command again, and report it if it happens again"
    )]
    Digest { url: String, algorithm: Algorithm, expected: String, got: String },
    /// An existing file is not the one that was published.
    #[error("{}: expected {algorithm} {expected}, got {got}\nhint: move it away and run again", path.display())]
    Other { path: PathBuf, algorithm: Algorithm, expected: String, got: String },
    /// Another process is writing the file.
    #[error("{}: another process is writing to it\nhint: wait until it has finished", path.display())]
    Busy { path: PathBuf },
    /// An answer that is neither a file nor a known refusal.
    #[error("{url} answered {status}\nhint: {}", busy(*status))]
    Status { url: String, status: u16 },
    /// An answer that does not follow the hub's protocol.
    #[error("{url}: {problem}")]
    Protocol { url: String, problem: String },
    /// A file that cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Error {
    /// An operating system error on `path`, for `map_err`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let error = FileError::io(action, path);
        move |source| Self::File(error(source))
    }

    pub(crate) fn protocol(url: &str, problem: impl Into<String>) -> Self {
        Self::Protocol { url: url.to_owned(), problem: problem.into() }
    }
}

fn hint(token: bool) -> &'static str {
    if token { "" } else { "\nhint: check the name; a private one needs HF_TOKEN" }
}

fn access(token: bool, endpoint: &str, id: &str) -> String {
    if token {
        format!("\nhint: the token in use has no access; accept the terms at {endpoint}/{id}, or set another HF_TOKEN")
    } else {
        format!("\nhint: check the name, accept the terms at {endpoint}/{id}, and set HF_TOKEN to a token with access")
    }
}

fn busy(status: u16) -> &'static str {
    if status == 429 || status >= 500 { "try again later" } else { "check the address (HF_ENDPOINT)" }
}

fn pickle(file: &str, have: &[String]) -> String {
    let holds = |name: &str| have.iter().any(|have| have == name);
    if file == "model.safetensors" && holds("model.safetensors.index.json") {
        "; its weights are in several files\nhint: save it with save_pretrained(max_shard_size=\"100GB\")".to_owned()
    } else if file == "model.safetensors" && holds("pytorch_model.bin") {
        ", only pytorch_model.bin, a pickle\nhint: load it with Transformers and save_pretrained it".to_owned()
    } else {
        String::new()
    }
}
