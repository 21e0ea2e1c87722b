//! Models and datasets from the Hugging Face hub, and published archives by URL, into a local cache.
//!
//! The cache has the layout of Python's `huggingface_hub`, so the two share their downloads.
//!
//! ```text
//! HF_HUB_CACHE/models--OWNER--NAME/refs/main                  the commit of a branch
//!                                  snapshots/COMMIT/FILE  ──► a link to its blob
//!                                  blobs/DIGEST               a file's bytes; DIGEST.incomplete while they arrive
//!                                  .no_exist/COMMIT/FILE      the commit has no such file
//! ```
//!
//! Every file is checked against the digest in its blob's name, a lost connection is resumed, and the token is sent to the
//! endpoint only.
//!
//! Why not the `hf-hub` crate: version 0.5 checks no digest, appends a whole file to a partial one if a server ignores the
//! requested range, and uses the server's entity tag as a path unchecked; 1.0 depends on two hundred crates. Both have
//! dependencies with licences that this project does not allow (`deny.toml`).
//!
//! This crate knows nothing about models, tensors or the content of the files.

mod archive;
mod cache;
mod digest;
mod error;
mod hub;
mod id;
mod remote;
mod settings;
mod transfer;

pub use archive::download;
pub use error::Error;
pub use hub::{Hub, Wanted};
pub use id::{Id, Kind, looks_like_id};
pub use settings::Settings;
pub use transfer::Progress;
