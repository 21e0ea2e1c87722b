//! The one error type of this crate: a sentence each, and what to do about it.

use std::path::{Path, PathBuf};

use crate::digest::Algorithm;

/// What can go wrong between a name and a file.
///
/// What the operating system says is in [`source`](std::error::Error::source), not repeated in the message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text that no model or dataset can be called.
    #[error("`{text}`: expected a hub id, NAME or OWNER/NAME, with @REVISION or without, got {got}")]
    Id {
        /// What was given.
        text: String,
        /// What is wrong with it.
        got: String,
    },
    /// A variable of the environment that makes no sense.
    #[error("{name}: {problem}")]
    Setting {
        /// The variable.
        name: &'static str,
        /// What was expected and what was got.
        problem: String,
    },
    /// An address that cannot be asked.
    #[error("`{url}`: {problem}")]
    Url {
        /// What was given, or what a server pointed to.
        url: String,
        /// What was expected and what was got.
        problem: String,
    },
    /// 404: nothing of that name.
    #[error("no {what} `{id}` at {endpoint}{}", hint(*token))]
    NotFound {
        /// `model`, `dataset`, or what of it is not there.
        what: String,
        /// The id.
        id: String,
        /// The hub that was asked.
        endpoint: String,
        /// Whether a token was sent.
        token: bool,
    },
    /// 404: an address without a file.
    #[error("{url}: no such file (404)")]
    Gone {
        /// The address.
        url: String,
    },
    /// 401 or 403: no access.
    #[error("`{id}` is private or gated, or does not exist: {endpoint} answered {status}{}", access(*token, endpoint, id))]
    Denied {
        /// The id.
        id: String,
        /// The hub that was asked.
        endpoint: String,
        /// 401 or 403.
        status: u16,
        /// Whether a token was sent.
        token: bool,
    },
    /// A repository without a file that is needed.
    #[error("`{id}` has no {file}{}", pickle(file, have))]
    NoFile {
        /// The id.
        id: String,
        /// The file.
        file: String,
        /// The files it has.
        have: Vec<String>,
    },
    /// The network may not be used, and the cache does not have it.
    #[error(
        "`{id}` is not in the cache, {} lacks {missing}, and HF_HUB_OFFLINE forbids to fetch it\n\
         hint: unset HF_HUB_OFFLINE, or give the path of a folder",
        cache.display()
    )]
    Offline {
        /// The id.
        id: String,
        /// The first file that is not there.
        missing: String,
        /// The cache.
        cache: PathBuf,
    },
    /// No answer.
    #[error(
        "cannot reach {url}: {reason}\nhint: a path needs no network, and a hub id none with HF_HUB_OFFLINE=1 if the cache has it"
    )]
    Unreachable {
        /// The address.
        url: String,
        /// The reason given.
        reason: Box<ureq::Error>,
    },
    /// The connection ended before the file did.
    #[error(
        "the connection was lost after {have} of {} of {url}\n\
         hint: {} is kept; run the same command again to go on from there",
        size.map_or("an unknown number of bytes".to_owned(), |size| format!("{size} bytes")),
        partial.display()
    )]
    Lost {
        /// The address.
        url: String,
        /// Bytes that are there.
        have: u64,
        /// Bytes of the whole, where the server said so.
        size: Option<u64>,
        /// The file that holds them.
        partial: PathBuf,
    },
    /// Other bytes than published.
    #[error(
        "{url}: expected {algorithm} {expected}, got {got}\n\
         hint: what arrived was deleted; run the same command again, and report it if it stays so"
    )]
    Digest {
        /// The address.
        url: String,
        /// What was computed.
        algorithm: Algorithm,
        /// As published.
        expected: String,
        /// Of what arrived.
        got: String,
    },
    /// A file that is there already is another one.
    #[error("{}: expected {algorithm} {expected}, got {got}\nhint: move it away and run again", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What was computed.
        algorithm: Algorithm,
        /// As published.
        expected: String,
        /// Of the file.
        got: String,
    },
    /// Another process is at it.
    #[error("{}: another process writes to it\nhint: wait until it has ended", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// An answer that is neither a file nor a known refusal.
    #[error("{url} answered {status}\nhint: {}", busy(*status))]
    Status {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// An answer that does not follow the hub's protocol.
    #[error("{url}: {problem}")]
    Protocol {
        /// The address.
        url: String,
        /// What was expected and what was got.
        problem: String,
    },
    /// The operating system refused.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was tried: `read`, `write`, `create`, …
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The reason given.
        source: std::io::Error,
    },
}

impl Error {
    /// A failure of the operating system on `path`; made for `map_err`.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { doing, path, source }
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
    if status == 429 || status >= 500 { "try again in a while" } else { "check the address (HF_ENDPOINT)" }
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
