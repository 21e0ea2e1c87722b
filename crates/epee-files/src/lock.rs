//! Locks on outputs: one process writes a file or a folder at a time, the second is refused.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::{Access, FileError, folder_of, open_options, temporary};

/// The lock of a folder, within it.
const FOLDER_LOCK: &str = ".epee.lock";

/// The right to write one output. While it is held, [`take`](OutputLock::take) refuses every other process, and this one too.
///
/// It is a locked file with the process id: `.epee.lock` in a folder, `.NAME.epee.lock` beside a file or a folder that does not exist
/// yet. The operating system releases the lock when the process ends, also if it is killed. A file system without locks has no
/// protection.
///
/// ```
/// let dir = tempfile::tempdir()?;
/// let lock = epee_files::OutputLock::take(&dir.path().join("a.csv"))?;
/// assert!(epee_files::OutputLock::take(&dir.path().join("a.csv")).unwrap_err().to_string().contains("another process"));
/// drop(lock);
/// epee_files::OutputLock::check(&dir.path().join("a.csv"))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "the lock is released when it is dropped"]
pub struct OutputLock {
    _file: File,
    path: PathBuf,
}

/// Processes that start together may remove each other's lock file before either holds it.
const ATTEMPTS: usize = 100;

impl OutputLock {
    /// Takes the lock on `output`, a file or a folder, existing or to be written. A symbolic link stands for its target.
    ///
    /// # Errors
    /// [`FileError::Busy`] if another process holds it; [`FileError::Io`] if its folder cannot be written into.
    pub fn take(output: &Path) -> Result<OutputLock, FileError> {
        let path = place(output);
        let fail = |source| FileError::Io { action: "write", path: output.to_owned(), source };
        for _ in 0..ATTEMPTS {
            match open_options(&path, Access::Usual).read(true).write(true).create_new(true).open(&path) {
                Ok(mut file) => {
                    let locked = !matches!(file.try_lock(), Err(TryLockError::WouldBlock));
                    if locked && is_at(&file, &path) {
                        // The id is for a message only: a full disk is no reason to stop here.
                        let _ = writeln!(file, "{}", std::process::id());
                        return Ok(OutputLock { _file: file, path });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    let Some(left) = open(&path)? else { continue };
                    match left.try_lock() {
                        Err(TryLockError::WouldBlock) => return Err(busy(output, &path)),
                        // A killed process left it.
                        Ok(()) if is_at(&left, &path) => fs::remove_file(&path).map_err(fail)?,
                        Ok(()) => {}
                        Err(TryLockError::Error(_)) => return Ok(OutputLock { _file: left, path }),
                    }
                }
                Err(error) => return Err(fail(error)),
            }
        }
        Err(busy(output, &path))
    }

    /// Checks that no process holds the lock on `output`, and leaves nothing behind.
    ///
    /// # Errors
    /// [`FileError::Busy`].
    pub fn check(output: &Path) -> Result<(), FileError> {
        let path = place(output);
        match open(&path)?.map(|file| file.try_lock_shared()) {
            Some(Err(TryLockError::WouldBlock)) => Err(busy(output, &path)),
            _ => Ok(()),
        }
    }
}

impl Drop for OutputLock {
    fn drop(&mut self) {
        // Before the lock is released: nobody else holds it, so the file is this one. A file that stays does no harm.
        let _ = fs::remove_file(&self.path);
    }
}

/// True if a folder holds nothing but what an interrupted or a waiting writer has put there: a lock and temporaries.
///
/// # Errors
/// A folder that cannot be read.
pub fn is_vacant(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if name != FOLDER_LOCK && !temporary::is_temporary(&name) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The path of an output's lock.
fn place(output: &Path) -> PathBuf {
    if output.is_dir() {
        return output.join(FOLDER_LOCK);
    }
    let target = fs::canonicalize(output).unwrap_or_else(|_| output.to_owned());
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    folder_of(&target).join(format!(".{name}.epee.lock"))
}

/// An existing lock file; none if there is none any more.
fn open(path: &Path) -> Result<Option<File>, FileError> {
    let Ok(found) = fs::symlink_metadata(path) else { return Ok(None) };
    if !found.is_file() {
        return Err(FileError::content(path, "expected the lock file of another process, got something else"));
    }
    match open_options(path, Access::Usual).read(true).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::io("read", path)(error)),
    }
}

fn busy(output: &Path, lock: &Path) -> FileError {
    let process = fs::read_to_string(lock).ok().and_then(|text| text.trim().parse().ok());
    FileError::Busy { path: output.to_owned(), process }
}

/// True if the file that is open is the one at `path`: another process may have removed it and made a new one.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |found: fs::Metadata| (found.dev(), found.ino());
    file.metadata().ok().map(id) == fs::symlink_metadata(path).ok().map(id)
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_many_threads_gets_the_lock_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let output = dir.path().join("rows.csv");
        fs::write(place(&output), "4711\n").unwrap();
        let writing = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        if let Ok(_lock) = OutputLock::take(&output) {
                            assert_eq!(
                                writing.fetch_add(1, std::sync::atomic::Ordering::SeqCst),
                                0,
                                "two hold the lock"
                            );
                            writing.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        drop(OutputLock::take(&output).unwrap());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_second_is_told_who_writes() {
        let dir = tempfile::tempdir().unwrap();
        for output in [dir.path().to_owned(), dir.path().join("new"), dir.path().join("rows.csv")] {
            let lock = OutputLock::take(&output).unwrap();
            let expected = format!("{}: another process ({}) is writing to it", output.display(), std::process::id());
            assert_eq!(OutputLock::take(&output).unwrap_err().to_string(), expected);
            assert_eq!(OutputLock::check(&output).unwrap_err().to_string(), expected);
            assert!(is_vacant(dir.path()).unwrap() || output != dir.path());
            drop(lock);
            OutputLock::check(&output).unwrap();
            drop(OutputLock::take(&output).unwrap());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_named_as_the_lock_is_refused_and_its_target_stays() {
        let dir = tempfile::tempdir().unwrap();
        let mine = dir.path().join("mine");
        fs::write(&mine, "mine").unwrap();
        std::os::unix::fs::symlink(&mine, dir.path().join(FOLDER_LOCK)).unwrap();
        let error = OutputLock::take(dir.path()).unwrap_err().to_string();
        assert!(error.contains(".epee.lock: expected the lock file"), "{error}");
        assert_eq!(fs::read(&mine).unwrap(), b"mine");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_and_its_target_are_one_output() {
        let dir = tempfile::tempdir().unwrap();
        let [real, link] = ["real", "link"].map(|name| dir.path().join(name));
        fs::write(&real, "x").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let _lock = OutputLock::take(&link).unwrap();
        assert!(matches!(OutputLock::take(&real), Err(FileError::Busy { .. })));
    }
}
