//! Writing a checkpoint so that at every moment a whole one is on the disk.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use epee_files::{sync_folder, temporary};

use super::State;
use super::format::{Digest, head, pieces, tensors};
use super::points::{self, Points};
use crate::Trainer;

/// The calls to the file system whose order matters.
pub(super) trait Disk {
    /// Makes a file, or empties it.
    fn create(&mut self, path: &Path) -> io::Result<File>;
    /// Brings a file's content to the disk.
    fn sync(&mut self, file: &File, path: &Path) -> io::Result<()>;
    /// Puts a file in another's place.
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;
    /// Brings a folder's names to the disk.
    fn sync_folder(&mut self, folder: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&mut self, path: &Path) -> io::Result<()>;
}

/// The file system.
pub(super) struct System;

impl Disk for System {
    fn create(&mut self, path: &Path) -> io::Result<File> {
        File::create(path)
    }
    fn sync(&mut self, file: &File, _: &Path) -> io::Result<()> {
        file.sync_all()
    }
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }
    fn sync_folder(&mut self, folder: &Path) -> io::Result<()> {
        sync_folder(folder)
    }
    fn remove(&mut self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

/// Writes a checkpoint to `path`: beside it, synced, renamed, the folder synced; then `old` is removed. A write that
/// fails before the renaming leaves nothing behind.
pub(super) fn put(
    disk: &mut impl Disk,
    points: &mut Points,
    path: &Path,
    state: &State,
    trainer: &Trainer,
    old: &[PathBuf],
) -> io::Result<()> {
    points.log("begin")?;
    points.at(points::BEFORE_TEMPORARY)?;
    let temporary = temporary(path)?;
    let written = write(disk, points, &temporary, state, trainer);
    if let Err(error) = written.and_then(|()| disk.rename(&temporary, path)) {
        // The first error is the one to report.
        let _ = disk.remove(&temporary);
        return Err(error);
    }
    points.at(points::BEFORE_FOLDER_SYNC)?;
    if let Some(folder) = path.parent() {
        disk.sync_folder(folder)?;
    }
    points.at(points::BEFORE_PRUNING)?;
    old.iter().try_for_each(|path| disk.remove(path))?;
    points.at(points::AFTER_PRUNING)?;
    points.log("end")
}

/// Head, values, and the head again once the digest is known, which another thread computes from memory meanwhile.
fn write(disk: &mut impl Disk, points: &mut Points, path: &Path, state: &State, trainer: &Trainer) -> io::Result<()> {
    let state = serde_json::to_value(state)?;
    let text = state.to_string();
    let tensors = tensors(trainer);
    let mut file = disk.create(path)?;
    let sha256 = std::thread::scope(|scope| -> io::Result<String> {
        let hasher = std::thread::Builder::new().spawn_scoped(scope, || -> io::Result<String> {
            let mut digest = Digest::new(&text);
            for (name, tensor) in &tensors {
                digest.tensor(name, tensor.shape());
                pieces(tensor.data(), |bytes| {
                    digest.bytes(bytes);
                    Ok(())
                })?;
            }
            Ok(digest.hex())
        })?;
        file.write_all(&head(&state, "0".repeat(64), &tensors)?)?;
        for (i, tensor) in tensors.values().enumerate() {
            if i == tensors.len() / 2 {
                points.at(points::MID_DATA)?;
            }
            pieces(tensor.data(), |bytes| file.write_all(bytes))?;
        }
        hasher.join().map_err(|_| io::Error::other("the digest's thread ended early"))?
    })?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&head(&state, sha256, &tensors)?)?;
    points.at(points::BEFORE_SYNC)?;
    disk.sync(&file, path)?;
    points.at(points::BEFORE_RENAME)
}
