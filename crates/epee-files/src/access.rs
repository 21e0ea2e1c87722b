//! Permissions of new files, and the options that every file is opened for writing with.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use crate::folder_of;

/// Permissions of a new file. A file that is replaced keeps its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everyone whom the umask allows.
    Usual,
    /// The owner alone: for texts, labels and logits of samples. In a folder that is shared by choice, its group too, if the umask
    /// allows. A folder is shared by choice if its group may write into it or its setgid bit is set, unless it is sticky as `/tmp`.
    Private,
}

impl Access {
    /// The permission bits of a new file in `folder`, before the umask.
    #[cfg(unix)]
    fn mode(self, folder: &Path) -> u32 {
        use std::os::unix::fs::MetadataExt;
        let shared =
            || fs::metadata(folder).is_ok_and(|found| found.mode() & 0o2020 != 0 && found.mode() & 0o1000 == 0);
        match self {
            Access::Usual => 0o666,
            Access::Private if shared() => 0o660,
            Access::Private => 0o600,
        }
    }
}

/// Options to open the file at `path` that follow no symbolic link at its end; a file that they create gets the mode of `access`.
/// Every file that is not written by [`AtomicFile`](crate::AtomicFile) is opened with them.
///
/// ```
/// use std::io::Write;
/// let dir = tempfile::tempdir()?;
/// let log = dir.path().join("run.log");
/// epee_files::open_options(&log, epee_files::Access::Usual).create(true).append(true).open(&log)?.write_all(b"started\n")?;
/// assert_eq!(epee_files::read_file(&log)?, b"started\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(not(unix), allow(unused_variables))]
pub fn open_options(path: &Path, access: Access) -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(access.mode(folder_of(path))).custom_flags(nix::libc::O_NOFOLLOW);
    }
    options
}

/// Gives a new file the mode of the regular file that it will replace, and its group if that is allowed.
pub(crate) fn keep_mode(file: &File, replaced: &Path) -> io::Result<()> {
    let Some(old) = fs::symlink_metadata(replaced).ok().filter(fs::Metadata::is_file) else { return Ok(()) };
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        if file.metadata()?.gid() != old.gid() {
            // Only a member of the group may.
            let _ = fchown(file, None, Some(old.gid()));
        }
    }
    file.set_permissions(old.permissions())
}
