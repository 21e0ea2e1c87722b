//! Writing a checkpoint so that at every moment a whole one is on the disk.
//!
//! There are named points between the file-system calls, at which a test can pause, fail or look.
//! The environment has a say with the feature `fault-injection` only, which the tests of `epee-cli` switch on:
//! `EPEE_FAULT=pause:20ms` pauses at each point; `EPEE_FAULT=fail:POINT` fails at one as a full disk does. With
//! `EPEE_FAULT_LOG=FILE` beside it, a line is appended there when a write begins, at each point, after each call, and when the
//! write has ended, so that a test that kills the process can tell how far it was.

use std::fs;
#[cfg(any(test, feature = "fault-injection"))]
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use epee_files::{Access, AtomicFile, sync_folder};

use super::State;
use super::format::{Digest, head, pieces, tensors};
use crate::{Error, Trainer};

/// Writes a checkpoint to `path` under a temporary name, syncs it, renames it, syncs the folder, then removes `old`. A write
/// that fails before the rename leaves nothing behind.
pub(super) fn put(disk: &mut Disk, path: &Path, state: &State, trainer: &Trainer, old: &[PathBuf]) -> io::Result<()> {
    disk.at("begin", path)?;
    disk.at("before-temporary", path)?;
    let file = write(disk, path, state, trainer)?;
    let temporary = file.temporary().to_owned();
    file.rename()?;
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
fn write(disk: &mut Disk, path: &Path, state: &State, trainer: &Trainer) -> io::Result<AtomicFile> {
    let state = serde_json::to_value(state)?;
    let text = state.to_string();
    let tensors = tensors(trainer);
    let mut file = AtomicFile::create(path, Access::Usual)?;
    let temporary = file.temporary().to_owned();
    disk.at("create", &temporary)?;
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
                disk.at("mid-data", &temporary)?;
            }
            pieces(tensor.data(), |bytes| file.write_all(bytes))?;
        }
        hasher.join().map_err(|_| io::Error::other("the digest's thread ended early"))?
    })?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&head(&state, sha256, &tensors)?)?;
    disk.at("before-sync", &temporary)?;
    file.sync()?;
    disk.at("sync", &temporary)?;
    disk.at("before-rename", &temporary)?;
    Ok(file)
}

/// The points of a write, in order.
#[cfg(any(test, feature = "fault-injection"))]
pub(super) const POINTS: [&str; 7] = [
    "before-temporary",
    "mid-data",
    "before-sync",
    "before-rename",
    "before-folder-sync",
    "before-pruning",
    "after-pruning",
];

/// Called with the name of a point or a call, and the file or folder.
type Hook = Box<dyn FnMut(&str, &Path) -> io::Result<()> + Send>;

/// The points of a write, and a hook for tests.
#[derive(Default)]
pub(super) struct Disk(pub(super) Option<Hook>);

impl Disk {
    /// A point, or the end of a call.
    pub(super) fn at(&mut self, point: &str, path: &Path) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), |hook| hook(point, path))
    }

    #[cfg(not(feature = "fault-injection"))]
    pub(super) fn from_env() -> Result<Disk, Error> {
        Ok(Disk::default())
    }

    #[cfg(feature = "fault-injection")]
    pub(super) fn from_env() -> Result<Disk, Error> {
        let Some(fault) = std::env::var_os("EPEE_FAULT") else { return Ok(Disk::default()) };
        let log = std::env::var_os("EPEE_FAULT_LOG").map(PathBuf::from);
        let open = |path: &PathBuf| epee_files::open_options(path, Access::Usual).create(true).append(true).open(path);
        let log = log.map(|path| open(&path).map_err(Error::write(&path))).transpose()?;
        Disk::parse(&fault.to_string_lossy(), log)
    }

    /// A disk that pauses or fails as `EPEE_FAULT` says.
    #[cfg(any(test, feature = "fault-injection"))]
    pub(super) fn parse(fault: &str, mut log: Option<File>) -> Result<Disk, Error> {
        let (kind, text) = fault.split_once(':').unwrap_or_default();
        let pause = text.strip_suffix("ms").and_then(|text| text.parse().ok()).filter(|_| kind == "pause");
        let fail = POINTS.into_iter().find(|&point| kind == "fail" && point == text);
        if pause.is_none() && fail.is_none() {
            let points = POINTS.join(", ");
            let problem = format!("EPEE_FAULT: expected pause:Nms or fail:POINT, one of {points}; got `{fault}`");
            return Err(Error::Data(problem));
        }
        Ok(Disk(Some(Box::new(move |point, _| {
            if let Some(log) = &mut log {
                log.write_all(format!("{point}\n").as_bytes())?;
            }
            if let Some(milliseconds) = pause.filter(|_| POINTS.contains(&point)) {
                std::thread::sleep(std::time::Duration::from_millis(milliseconds));
            }
            if fail == Some(point) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }))))
    }
}
