//! One repository's folder in the cache, as `huggingface_hub` lays it out.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use epee_files::{Access, open_options, write_atomic};

use crate::digest::Expected;
use crate::error::Error;
use crate::id::{Id, Kind, is_hex};

pub(crate) struct Folder {
    path: PathBuf,
    locks: PathBuf,
    revision: String,
    fixed: bool,
}

impl Folder {
    pub(crate) fn new(cache: &Path, id: &Id, kind: Kind) -> Folder {
        let name = format!("{}s--{}", kind.name(), id.name.replace('/', "--"));
        Folder {
            path: cache.join(&name),
            locks: cache.join(".locks").join(name),
            revision: id.revision.clone(),
            fixed: id.is_commit(),
        }
    }

    /// The commit of the revision when it was last fetched.
    pub(crate) fn commit(&self) -> Option<String> {
        if self.fixed {
            return Some(self.revision.clone());
        }
        let text = fs::read_to_string(self.reference()).ok()?;
        Some(text.trim().to_owned()).filter(|commit| is_hex(commit, 40))
    }

    /// Remembers the commit; the revision may be one itself.
    pub(crate) fn set_commit(&self, commit: &str) -> Result<(), Error> {
        if self.fixed {
            return Ok(());
        }
        let path = self.reference();
        make_parent(&path)?;
        Ok(write_atomic(&path, &[commit])?)
    }

    fn reference(&self) -> PathBuf {
        self.path.join("refs").join(&self.revision)
    }

    pub(crate) fn snapshot(&self, commit: &str) -> PathBuf {
        self.path.join("snapshots").join(commit)
    }

    pub(crate) fn has(&self, commit: &str, file: &str) -> bool {
        self.snapshot(commit).join(file).exists()
    }

    /// True if the commit is known to have no such file.
    pub(crate) fn lacks(&self, commit: &str, file: &str) -> bool {
        self.absent(commit, file).exists()
    }

    pub(crate) fn set_lacks(&self, commit: &str, file: &str) -> Result<(), Error> {
        let path = self.absent(commit, file);
        make_parent(&path)?;
        let mut options = open_options(&path, Access::Usual);
        options.write(true).create(true).open(&path).map(drop).map_err(Error::io("write", &path))
    }

    fn absent(&self, commit: &str, file: &str) -> PathBuf {
        self.path.join(".no_exist").join(commit).join(file)
    }

    /// The paths of the bytes, complete and partial.
    pub(crate) fn blob(&self, digest: &Expected) -> Result<(PathBuf, PathBuf), Error> {
        let blob = self.path.join("blobs").join(&digest.hex);
        make_parent(&blob)?;
        let partial = blob.with_extension("incomplete");
        Ok((blob, partial))
    }

    /// Keeps other processes, including Python's, from fetching the same file; calls `waiting` before it blocks.
    pub(crate) fn lock(&self, digest: &Expected, waiting: impl FnOnce()) -> Result<File, Error> {
        let path = self.locks.join(format!("{}.lock", digest.hex));
        make_parent(&path)?;
        let mut options = open_options(&path, Access::Usual);
        let file = options.write(true).create(true).open(&path).map_err(Error::io("write", &path))?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            waiting();
            file.lock().map_err(Error::io("lock", &path))?;
        }
        Ok(file)
    }

    pub(crate) fn link(&self, commit: &str, file: &str, digest: &Expected) -> Result<(), Error> {
        let path = self.snapshot(commit).join(file);
        make_parent(&path)?;
        // A link whose blob was deleted.
        if path.symlink_metadata().is_ok() && !path.exists() {
            fs::remove_file(&path).map_err(Error::io("delete", &path))?;
        }
        if path.exists() {
            return Ok(());
        }
        let up = "../".repeat(file.split('/').count() + 1);
        show(Path::new(&format!("{up}blobs/{}", digest.hex)), &path).map_err(Error::io("create", &path))
    }
}

#[cfg(unix)]
fn show(blob: &Path, path: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(blob, path)
}

/// Symbolic links need privileges on Windows, so the file is copied.
#[cfg(not(unix))]
fn show(blob: &Path, path: &Path) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::copy(folder.join(blob), path).map(drop)
}

fn make_parent(path: &Path) -> Result<(), Error> {
    let Some(parent) = path.parent() else { return Ok(()) };
    fs::create_dir_all(parent).map_err(Error::io("create", parent))
}
