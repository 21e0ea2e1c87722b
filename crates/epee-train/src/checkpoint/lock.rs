//! A lock: one training per folder.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::Error;

/// A lock on the file `lock` of a folder. The operating system releases it when the process ends, also if it is killed.
pub(super) struct Lock(#[allow(dead_code, reason = "held, not read")] File);

impl Lock {
    /// Takes the lock of `folder`, which belongs to the run in `dir`, and writes the process id into the file.
    pub(super) fn take(dir: &Path, folder: &Path) -> Result<Lock, Error> {
        let path = folder.join(NAME);
        let mut file = open(&path, true).map_err(Error::write(&path))?;
        lock(&file, dir, &path)?;
        // The id is for a message only: a full disk is no reason to stop here.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Lock(file))
    }
}

/// Checks, before a model is loaded, that no other training writes into `dir`. Leaves nothing behind.
///
/// # Errors
/// [`Error::Locked`].
pub fn check_unlocked(dir: &Path) -> Result<(), Error> {
    let path = dir.join("checkpoints").join(NAME);
    match open(&path, false) {
        Ok(file) => lock(&file, dir, &path),
        Err(_) => Ok(()),
    }
}

const NAME: &str = "lock";

fn open(path: &PathBuf, create: bool) -> std::io::Result<File> {
    File::options().read(true).write(true).create(create).truncate(false).open(path)
}

fn lock(file: &File, dir: &Path, path: &Path) -> Result<(), Error> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let process = std::fs::read_to_string(path).unwrap_or_default();
            let process = process.trim().parse().map_or(String::new(), |id: u32| format!(" (process {id})"));
            Err(Error::Locked { folder: dir.to_owned(), process })
        }
        Err(TryLockError::Error(source)) => Err(Error::write(path)(source)),
    }
}
