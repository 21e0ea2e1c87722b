//! Atomic writes: a file is written whole or not at all.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::access::keep_mode;
use crate::{Access, FileError, folder_of, temporary};

/// Puts a file in place in one step: writes the parts beside it, syncs them to the disk and renames. A write that fails
/// leaves nothing behind, and whatever was at `path` as it was. A symbolic link is followed. A file that is replaced keeps its mode.
///
/// # Errors
/// [`FileError::Io`] with the path: a full disk, or something other than a regular file at `path`.
pub fn write_atomic<P: AsRef<[u8]>>(path: &Path, parts: &[P]) -> Result<(), FileError> {
    replace(path, parts, Access::Usual).map_err(FileError::io("write", path))
}

/// As [`write_atomic`], for texts, labels and logits: a new file is [private](Access::Private).
///
/// # Errors
/// As [`write_atomic`].
pub fn write_private<P: AsRef<[u8]>>(path: &Path, parts: &[P]) -> Result<(), FileError> {
    replace(path, parts, Access::Private).map_err(FileError::io("write", path))
}

fn replace<P: AsRef<[u8]>>(path: &Path, parts: &[P], access: Access) -> io::Result<()> {
    let mut file = AtomicFile::create(path, access)?;
    parts.iter().try_for_each(|part| file.write_all(part.as_ref()))?;
    file.commit()
}

/// A file that is written in pieces and put in place in one step. If it is dropped before, nothing is left of it.
///
/// The temporary file beside its place is new (`O_EXCL`, `O_NOFOLLOW`) and has a random name, so that any number of threads and
/// processes can write the same path; the last to commit wins. [`OutputLock`](crate::OutputLock) refuses a second writer.
#[derive(Debug)]
pub struct AtomicFile {
    file: NamedTempFile,
    target: PathBuf,
}

impl AtomicFile {
    /// Begins the file that will be at `path`, and removes what killed writes of it left.
    ///
    /// # Errors
    /// Something other than a regular file at `path`, a folder that cannot be written into.
    pub fn create(path: &Path, access: Access) -> io::Result<AtomicFile> {
        let target = resolve(path)?;
        let file = temporary::file(&target, access)?;
        keep_mode(file.as_file(), &target)?;
        Ok(AtomicFile { file, target })
    }

    /// The path of the temporary file.
    pub fn temporary(&self) -> &Path {
        self.file.path()
    }

    /// Syncs what was written to the disk.
    ///
    /// # Errors
    /// A disk that fails.
    pub fn sync(&self) -> io::Result<()> {
        self.file.as_file().sync_all()
    }

    /// Renames the file into place, without a sync.
    ///
    /// # Errors
    /// A rename that fails.
    pub fn rename(self) -> io::Result<()> {
        self.file.persist(&self.target).map(drop).map_err(|error| error.error)
    }

    /// Syncs the file, renames it into place and syncs its folder.
    ///
    /// # Errors
    /// A disk that fails, a rename that fails.
    pub fn commit(self) -> io::Result<()> {
        self.sync()?;
        let folder = folder_of(&self.target).to_owned();
        self.rename()?;
        sync_folder(&folder)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.as_file_mut().seek(to)
    }
}

/// Checks that an output can be put at `path`: nothing, a regular file, or a link to one is there.
///
/// # Errors
/// [`FileError::Io`] with the path: a folder, a device, a pipe, a link to nothing.
pub fn check_output(path: &Path) -> Result<(), FileError> {
    resolve(path).map(drop).map_err(FileError::io("write", path))
}

/// The path that the bytes go to: a link's target; a device or a folder is refused.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let invalid =
        |got: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("expected a regular file, got {got}"));
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(path.to_owned());
    };
    let (target, kind) = if found.is_symlink() {
        let target = fs::canonicalize(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => invalid("a symbolic link to nothing"),
            _ => error,
        })?;
        let kind = fs::metadata(&target)?;
        (target, kind)
    } else {
        (path.to_owned(), found)
    };
    if kind.is_file() {
        return Ok(target);
    }
    Err(invalid(if kind.is_dir() { "a folder" } else { "a device or a pipe" }))
}

/// Syncs a folder, so that a rename in it survives a power cut. Systems that cannot open or sync folders are ignored.
///
/// # Errors
/// A sync that was tried and failed.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error)
            if !matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied
            ) =>
        {
            Err(error)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
