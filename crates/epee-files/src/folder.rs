//! Folders that are written whole: all files in a temporary folder first, then put in place.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::access::keep_mode;
use crate::{Access, FileError, OutputLock, folder_of, open_options, sync_folder, temporary};

/// A folder in the making. Its files are written into a temporary folder on the same file system, and [`commit`](Self::commit)
/// puts them in place: by one rename if the folder does not exist, else file by file, in the order they were written; other files
/// stay. If it is dropped before, nothing is left of it.
///
/// ```
/// use epee_files::{Access, StagedFolder};
/// let dir = tempfile::tempdir()?;
/// let figures = dir.path().join("figures");
/// let mut staged = StagedFolder::begin(&figures, Access::Usual)?;
/// staged.write("exits.svg", b"<svg/>")?;
/// assert!(!figures.exists());
/// staged.commit()?;
/// assert!(figures.join("exits.svg").exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct StagedFolder {
    staging: TempDir,
    _held: Option<File>,
    dir: PathBuf,
    exists: bool,
    access: Access,
    names: Vec<String>,
    // The last to be dropped.
    _lock: OutputLock,
}

impl StagedFolder {
    /// Takes the lock on `dir`, creates the folders above it, and begins the temporary folder.
    ///
    /// # Errors
    /// [`FileError::Busy`] if another process writes into `dir`; a file in its place; a folder that cannot be written into.
    pub fn begin(dir: &Path, access: Access) -> Result<StagedFolder, FileError> {
        let exists = dir.exists();
        if exists && !dir.is_dir() {
            return Err(FileError::content(dir, "expected a folder, got a file"));
        }
        let parent = if exists { dir } else { folder_of(dir) };
        fs::create_dir_all(parent).map_err(FileError::io("create", parent))?;
        let lock = OutputLock::take(dir)?;
        let name = dir.file_name().unwrap_or(OsStr::new("folder"));
        let (staging, held) = temporary::folder(parent, name).map_err(FileError::io("write into", parent))?;
        Ok(StagedFolder { staging, _held: held, dir: dir.to_owned(), exists, access, names: Vec::new(), _lock: lock })
    }

    /// Creates a file of the folder, to be written and synced by the caller.
    ///
    /// # Errors
    /// [`FileError::Io`] with the path that the file will have.
    pub fn create(&mut self, name: &str) -> Result<File, FileError> {
        self.open(name).map_err(FileError::io("write", &self.dir.join(name)))
    }

    /// Writes and syncs a file of the folder.
    ///
    /// # Errors
    /// [`FileError::Io`] with the path that the file will have.
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), FileError> {
        let mut write = || {
            let mut file = self.open(name)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(FileError::io("write", &self.dir.join(name)))
    }

    fn open(&mut self, name: &str) -> io::Result<File> {
        // The rule for private files looks at the folder that they end in, not at the temporary one.
        let folder = if self.exists { &self.dir } else { folder_of(&self.dir) };
        let mut options = open_options(&folder.join(name), self.access);
        let file = options.write(true).create_new(true).open(self.staged(name))?;
        self.names.push(name.to_owned());
        Ok(file)
    }

    /// The path of a file of the folder until it is put in place.
    pub fn staged(&self, name: &str) -> PathBuf {
        self.staging.path().join(name)
    }

    /// Checks that each file can be put in place, where nothing but a regular file or a link may be, and gives it the mode of the
    /// file that it replaces. [`commit`](Self::commit) does so too; a caller that removes files before calls it first.
    ///
    /// # Errors
    /// [`FileError::Content`] with the path of a folder or a device.
    pub fn prepare(&self) -> Result<(), FileError> {
        for name in self.names.iter().filter(|_| self.exists) {
            let to = self.dir.join(name);
            if fs::symlink_metadata(&to).is_ok_and(|found| !(found.is_file() || found.is_symlink())) {
                return Err(FileError::content(&to, "expected a regular file, got a folder or a device"));
            }
            let kept = File::open(self.staged(name)).and_then(|file| keep_mode(&file, &to));
            kept.map_err(FileError::io("write", &to))?;
        }
        Ok(())
    }

    /// Puts the files in place.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare), before anything is changed; a rename that fails.
    pub fn commit(self) -> Result<(), FileError> {
        if !self.exists {
            let done = fs::rename(self.staging.path(), &self.dir).and_then(|()| sync_folder(folder_of(&self.dir)));
            return done.map_err(FileError::io("create", &self.dir));
        }
        self.prepare()?;
        for name in &self.names {
            let to = self.dir.join(name);
            fs::rename(self.staged(name), &to).map_err(FileError::io("write", &to))?;
        }
        sync_folder(&self.dir).map_err(FileError::io("write", &self.dir))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_the_way_of_one_file_leaves_the_others_as_they_were() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.svg"), "old").unwrap();
        fs::create_dir(dir.path().join("b.svg")).unwrap();
        let mut staged = StagedFolder::begin(dir.path(), Access::Usual).unwrap();
        for name in ["a.svg", "b.svg"] {
            staged.write(name, b"new").unwrap();
        }
        let error = staged.commit().unwrap_err().to_string();
        assert!(error.ends_with("b.svg: expected a regular file, got a folder or a device"), "{error}");
        assert_eq!(fs::read(dir.path().join("a.svg")).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "a temporary is left");
    }

    #[test]
    fn the_second_writer_is_refused_and_orphans_go() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        fs::create_dir(dir.path().join(".data.epee-aB3dE6.tmp")).unwrap();
        let mut first = StagedFolder::begin(&data, Access::Private).unwrap();
        assert!(matches!(StagedFolder::begin(&data, Access::Private), Err(FileError::Busy { .. })));
        first.write("train.jsonl", b"{}").unwrap();
        first.commit().unwrap();
        let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["data"]);
    }
}
