//! Atomic writes: a file is written whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::FileError;

/// Puts a file in place in one step: writes the parts beside it, syncs them to the disk and renames. A write that fails
/// leaves nothing behind, and whatever was at `path` as it was. A symbolic link is followed.
///
/// # Errors
/// [`FileError::Io`] with the path: a full disk, or something other than a regular file at `path`.
pub fn write_atomic<P: AsRef<[u8]>>(path: &Path, parts: &[P]) -> Result<(), FileError> {
    replace(path, parts).map_err(FileError::io("write", path))
}

fn replace<P: AsRef<[u8]>>(path: &Path, parts: &[P]) -> io::Result<()> {
    let target = resolve(path)?;
    let temporary = temporary(&target)?;
    let done = write_parts(&temporary, parts).and_then(|()| fs::rename(&temporary, &target));
    if done.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
        return done;
    }
    sync_folder(folder_of(&target))
}

/// Temporary path of a file before it is renamed into place: `.NAME.PROCESS.tmp` beside it.
///
/// # Errors
/// A path that ends in no name.
pub fn temporary(path: &Path) -> io::Result<PathBuf> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "expected the path of a file"));
    };
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.tmp", std::process::id()));
    Ok(path.with_file_name(hidden))
}

/// Removes what killed writes left in a folder: every file named as [`temporary`] names them. No other process may be
/// writing there.
///
/// # Errors
/// A folder that cannot be read, a file that cannot be removed.
pub fn remove_temporaries(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix('.')?.strip_suffix(".tmp")?.rsplit_once('.'));
        if process.is_some_and(|(_, process)| process.parse::<u32>().is_ok()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The path that the bytes go to: a link's target; a device or a folder is refused.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let Ok(found) = fs::symlink_metadata(path) else {
        return Ok(path.to_owned());
    };
    let (target, kind) = if found.is_symlink() {
        let target = fs::canonicalize(path)?;
        let kind = fs::metadata(&target)?;
        (target, kind)
    } else {
        (path.to_owned(), found)
    };
    if kind.is_file() {
        return Ok(target);
    }
    let got = if kind.is_dir() { "a folder" } else { "a device or a pipe" };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("expected a regular file, got {got}")))
}

fn write_parts<P: AsRef<[u8]>>(path: &Path, parts: &[P]) -> io::Result<()> {
    let mut file = File::create(path)?;
    write_all(&mut file, parts)?;
    file.sync_all()
}

fn write_all<P: AsRef<[u8]>>(target: &mut impl Write, parts: &[P]) -> io::Result<()> {
    parts.iter().try_for_each(|part| target.write_all(part.as_ref()))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
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
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_write_left_is_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let left = temporary(&path("model.safetensors")).unwrap();
        assert_eq!(left, path(&format!(".model.safetensors.{}.tmp", std::process::id())));
        for path in [&left, &path("a.tmp"), &path(".a.tmp"), &path(".a.b.tmp"), &path("a.1.tmp")] {
            fs::write(path, b"x").unwrap();
        }
        remove_temporaries(dir.path()).unwrap();
        assert!(!left.exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4);
    }

    #[test]
    fn a_full_disk_is_an_error() {
        // The device that is always full.
        let Ok(mut full) = File::options().write(true).open("/dev/full") else {
            println!("skipped: a_full_disk_is_an_error needs /dev/full");
            return;
        };
        let error = write_all(&mut full, &[vec![0; 16]]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_refused_and_a_link_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let made = std::process::Command::new("mkfifo").arg(path("pipe")).status();
        if made.is_ok_and(|status| status.success()) {
            let error = replace(&path("pipe"), &[b"x"]).unwrap_err().to_string();
            assert_eq!(error, "expected a regular file, got a device or a pipe");
        }
        assert!(replace(dir.path(), &[b"x"]).unwrap_err().to_string().contains("got a folder"));
        fs::write(path("real"), b"old").unwrap();
        std::os::unix::fs::symlink(path("real"), path("link")).unwrap();
        write_atomic(&path("link"), &[&b"n"[..], b"ew"]).unwrap();
        assert_eq!(fs::read(path("real")).unwrap(), b"new");
        assert!(fs::symlink_metadata(path("link")).unwrap().is_symlink());
        std::os::unix::fs::symlink(path("nothing"), path("dangling")).unwrap();
        assert!(write_atomic(&path("dangling"), &[b"x"]).is_err());
        assert_eq!(
            fs::read_dir(dir.path())
                .unwrap()
                .filter(|e| e.as_ref().is_ok_and(|e| e.path().extension().is_some_and(|x| x == "tmp")))
                .count(),
            0
        );
    }
}
