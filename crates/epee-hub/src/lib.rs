//! Models and datasets from the Hugging Face hub, and published archives by URL, into a local cache.
//!
//! The cache is `huggingface_hub`'s: what Python has fetched is found here, what is fetched here Python finds.
//!
//! ```text
//! HF_HUB_CACHE/models--OWNER--NAME/refs/main                  the commit that a branch stood at
//!                                  snapshots/COMMIT/FILE  ──► a link to its blob
//!                                  blobs/DIGEST               a file's bytes; DIGEST.incomplete while they come
//!                                  .no_exist/COMMIT/FILE      the commit has no such file
//! ```
//!
//! Each byte that arrives is checked against the name of its blob, a connection that broke off is gone on with, and the
//! token is shown to the endpoint alone.
//!
//! Why not the `hf-hub` crate: version 0.5 checks no digest, appends a whole file to a partial one where a server ignores the
//! range asked for, and takes the server's entity tag for a path as it comes; 1.0 brings two hundred crates. Both bring
//! licences that this project does not admit (`deny.toml`).
//!
//! What this crate must not hold: models, tensors, anything that reads what it fetched.

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
