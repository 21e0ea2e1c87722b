//! Temporary files and folders beside their target: their names, and the removal of those that killed processes left.
//!
//! A process holds a lock on each of its temporaries, which the operating system releases when the process ends, however it ends.
//! So a temporary that can be locked is an orphan.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use tempfile::{Builder, NamedTempFile, TempDir};

use crate::{Access, folder_of, open_options};

/// Names are `.NAME.epee-RANDOM.tmp`. Version 0.1 wrote `.NAME.PROCESS.tmp`.
const MARK: &[u8] = b"epee-";

/// A new temporary file beside `target`.
pub(crate) fn file(target: &Path, access: Access) -> io::Result<NamedTempFile> {
    let folder = folder_of(target);
    let name = target.file_name().ok_or_else(no_name)?;
    remove_orphans(folder, name);
    loop {
        let create = |path: &Path| open_options(path, access).read(true).write(true).create_new(true).open(path);
        let file = Builder::new().prefix(&prefix(name)).suffix(".tmp").make_in(folder, create)?;
        if is_ours(file.as_file())? {
            return Ok(file);
        }
    }
}

/// A new temporary folder in `folder`, to become `name`, and the lock on it.
pub(crate) fn folder(folder: &Path, name: &OsStr) -> io::Result<(TempDir, Option<File>)> {
    remove_orphans(folder, name);
    let prefix = prefix(name);
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any new folder: the umask takes its part.
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    loop {
        let made = builder.tempdir_in(folder)?;
        // Not every system opens folders.
        let Ok(lock) = File::open(made.path()) else { return Ok((made, None)) };
        if is_ours(&lock)? {
            return Ok((made, Some(lock)));
        }
    }
}

/// Removes what killed processes left in a folder: every temporary file and folder that no process holds.
///
/// # Errors
/// A folder that cannot be read, an orphan that cannot be removed.
pub fn remove_temporaries(folder: &Path) -> io::Result<()> {
    remove(folder, &|name| is_temporary(name))
}

/// True for the name of a temporary file or folder, of any target.
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    target_of(name).is_some()
}

fn remove_orphans(folder: &Path, target: &OsStr) {
    // What is left of an earlier write, perhaps another user's, must not stop this one.
    let _ = remove(folder, &|name| target_of(name) == Some(target.as_encoded_bytes()));
}

fn remove(folder: &Path, wanted: &dyn Fn(&OsStr) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Opening a pipe of that name would block.
        let kind =
            entry.file_type().ok().filter(|kind| wanted(&entry.file_name()) && (kind.is_file() || kind.is_dir()));
        let Some(kind) = kind else { continue };
        let path = entry.path();
        let Ok(orphan) = open_options(&path, Access::Usual).read(true).open(&path) else { continue };
        if orphan.try_lock().is_ok() {
            let removed = if kind.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
        }
    }
    Ok(())
}

fn prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".epee-");
    prefix
}

/// The name of the target of a temporary, from its own name.
fn target_of(name: &OsStr) -> Option<&[u8]> {
    let inner = name.as_encoded_bytes().strip_prefix(b".")?.strip_suffix(b".tmp")?;
    let dot = inner.iter().rposition(|&byte| byte == b'.')?;
    let tag = &inner[dot + 1..];
    let ours = tag.starts_with(MARK) || (!tag.is_empty() && tag.iter().all(u8::is_ascii_digit));
    ours.then_some(&inner[..dot])
}

/// Locks a new temporary. False if a cleaning process was quicker, which has removed it or will.
fn is_ours(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(false),
        // Some file systems have no locks; cleaning leaves their files alone.
        Ok(()) | Err(TryLockError::Error(_)) => is_linked(file),
    }
}

#[cfg(unix)]
fn is_linked(file: &File) -> io::Result<bool> {
    Ok(std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) > 0)
}

#[cfg(not(unix))]
fn is_linked(_: &File) -> io::Result<bool> {
    Ok(true)
}

fn no_name() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "expected the path of a file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_write_left_is_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let live = file(&path("model.safetensors"), Access::Usual).unwrap();
        let name = live.path().file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with(".model.safetensors.epee-") && name.ends_with(".tmp"), "{name}");
        let (live_folder, _lock) = folder(dir.path(), OsStr::new("data")).unwrap();
        let left = [path(".model.safetensors.epee-aB3dE6.tmp"), path(".model.safetensors.77.tmp")];
        let others = ["a.tmp", ".a.tmp", ".a.b.tmp", ".a.backup.tmp", "a.1.tmp"].map(path);
        for path in left.iter().chain(&others) {
            fs::write(path, b"x").unwrap();
        }
        fs::create_dir(path(".data.epee-123456.tmp")).unwrap();
        fs::write(path(".data.epee-123456.tmp").join("train.jsonl"), b"half").unwrap();
        remove_temporaries(dir.path()).unwrap();
        assert!(left.iter().all(|path| !path.exists()) && !path(".data.epee-123456.tmp").exists());
        assert!(others.iter().all(|path| path.exists()));
        assert!(live.path().exists() && live_folder.path().exists(), "a live writer's temporary was removed");
    }

    #[test]
    fn the_next_write_removes_orphans_of_the_same_target_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for name in [".a.st.epee-aB3dE6.tmp", ".a.st.4711.tmp", ".b.st.epee-aB3dE6.tmp"] {
            fs::write(path(name), b"half").unwrap();
        }
        crate::write_atomic(&path("a.st"), &["whole"]).unwrap();
        let mut names: Vec<String> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, [".b.st.epee-aB3dE6.tmp", "a.st"]);
    }
}
