//! Files: atomic writes, digests, and one error that names the file and the line.
//!
//! Every other crate uses this one: the code that writes a file whole or not at all is here and nowhere else.
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
mod json;
mod read;

pub use atomic::{remove_temporaries, sync_folder, temporary, write_atomic};
pub use digest::{Sha256, hex, sha256, sha256_file, short};
pub use error::FileError;
pub use json::{json_kind, json_problem};
pub use read::{read_file, read_file_up_to, read_json_object, utf8};
