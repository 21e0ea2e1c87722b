//! Files: atomic writes, locks on outputs, digests, and one error that names the file and the line.
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

mod access;
mod atomic;
mod digest;
mod error;
mod folder;
mod json;
mod lock;
mod read;
mod temporary;

use std::path::Path;

pub use access::{Access, open_options};
pub use atomic::{AtomicFile, check_output, sync_folder, write_atomic, write_private};
pub use digest::{Sha256, hex, sha256, sha256_file, short};
pub use error::FileError;
pub use folder::StagedFolder;
pub use json::{json_kind, json_problem};
pub use lock::{OutputLock, is_vacant};
pub use read::{read_file, read_file_up_to, read_json_object, utf8};
pub use temporary::remove_temporaries;

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
