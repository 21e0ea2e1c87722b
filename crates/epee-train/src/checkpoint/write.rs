//! Writing a checkpoint so that at every moment a whole one is on the disk.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use epee_files::{sync_folder, temporary};

use super::State;
use super::disk::Disk;
use super::format::{Digest, head, pieces, tensors};
use crate::Trainer;

/// Writes a checkpoint to `path` under a temporary name, syncs it, renames it, syncs the folder, then removes `old`. A write
/// that fails before the rename leaves nothing behind.
pub(super) fn put(disk: &mut Disk, path: &Path, state: &State, trainer: &Trainer, old: &[PathBuf]) -> io::Result<()> {
    disk.at("begin", path)?;
    disk.at("before-temporary", path)?;
    let temporary = temporary(path)?;
    let written = write(disk, &temporary, state, trainer);
    if let Err(error) = written.and_then(|()| fs::rename(&temporary, path)) {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    disk.at("rename", &temporary)?;
    disk.at("before-folder-sync", path)?;
    if let Some(folder) = path.parent() {
        sync_folder(folder)?;
        disk.at("sync folder", folder)?;
    }
    disk.at("before-pruning", path)?;
    for path in old {
        fs::remove_file(path)?;
        disk.at("remove", path)?;
    }
    disk.at("after-pruning", path)?;
    disk.at("end", path)
}

/// Writes the header, the values, and the header again with the digest, which another thread computes meanwhile.
fn write(disk: &mut Disk, path: &Path, state: &State, trainer: &Trainer) -> io::Result<()> {
    let state = serde_json::to_value(state)?;
    let text = state.to_string();
    let tensors = tensors(trainer);
    let mut file = File::create(path)?;
    disk.at("create", path)?;
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
                disk.at("mid-data", path)?;
            }
            pieces(tensor.data(), |bytes| file.write_all(bytes))?;
        }
        hasher.join().map_err(|_| io::Error::other("the digest's thread ended early"))?
    })?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&head(&state, sha256, &tensors)?)?;
    disk.at("before-sync", path)?;
    file.sync_all()?;
    disk.at("sync", path)?;
    disk.at("before-rename", path)
}
