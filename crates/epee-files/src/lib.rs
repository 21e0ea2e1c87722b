//! Files: atomic writes, digests, and one error that names the file and the line.
//!
//! Every other crate may use this one, so that a file is written whole or not at all in one place only.
//!
//! ```
//! let dir = tempfile::tempdir()?;
//! let path = dir.path().join("note.txt");
//! epee_files::write_atomic(&path, &["zinc, ", "daily"])?;
//! assert_eq!(epee_files::read_file(&path)?, b"zinc, daily");
//! assert!(epee_files::sha256_file(&path)?.starts_with("sha256:"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod atomic;
mod digest;
mod error;
mod read;

pub use atomic::{remove_temporaries, sync_folder, temporary, write_atomic};
pub use digest::{Sha256, sha256, sha256_file, short};
pub use error::FileError;
pub use read::{read_file, read_json_object, utf8};
