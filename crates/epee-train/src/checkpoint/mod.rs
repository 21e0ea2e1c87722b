//! Checkpoints: the state of a run on disk. A run that resumes from one ends with the same bits as one never stopped.
//!
//! `checkpoints/step-000000120.safetensors` holds weights and both moments (tensors `model.*`, `m.*`, `v.*`) and, as
//! metadata, the [`State`] with a SHA-256 over all of it (`format`). The last two are kept. A file is written under a
//! temporary name, synced and renamed, the folder is synced, and only then the oldest is removed (`write`): at every moment
//! a whole checkpoint is on the disk. A damaged file is skipped with a warning (`read`).
//!
//! No random state is stored because there is none: batch order depends on (seed, epoch), dropout on (seed, step).

mod format;
mod identity;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use epee_files::{FileError, OutputLock, remove_temporaries};
use serde::{Deserialize, Serialize};

pub use self::identity::RunIdentity;

use self::format::Unusable;
use self::write::Disk;
use crate::{Error, LinearSchedule, Trainer};

/// The version of the file format. Format 1 was `last.safetensors`, without a digest.
pub const CHECKPOINT_FORMAT: u32 = 2;

/// The progress of a run; weights and moments are stored beside it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Identifies the run: options, data, and the model it started from.
    pub run: RunIdentity,
    /// Steps taken.
    pub step: u64,
    /// The current epoch, from 0: the number of epochs evaluated.
    pub epoch: usize,
    /// Batches of the epoch taken; all of them if its evaluation comes next.
    pub batch: usize,
    /// Sum of the losses of those batches.
    pub epoch_loss: f64,
    /// Seed of order and dropout.
    pub seed: u64,
    /// The best score so far and its epoch, from 1.
    pub best: Option<(usize, f64)>,
    /// The learning-rate schedule.
    pub schedule: LinearSchedule,
    /// SHA-256 of the current epoch's batches ([`order_digest`]).
    pub order: String,
}

/// The checkpoints of a run. While this value exists, no other run can write into the folder.
pub struct Checkpoints {
    folder: PathBuf,
    disk: Disk,
    written: Instant,
    every: f64,
    from: Option<PathBuf>,
    _lock: OutputLock,
}

impl Checkpoints {
    /// Takes the lock on `dir` and removes temporary files that killed processes left there and in `dir`. Unless the run is
    /// resumed, it removes older checkpoints too. `every` is the number of seconds after which a checkpoint is
    /// [due](Checkpoints::due).
    ///
    /// # Errors
    /// If another process writes into `dir`, or if there is no run to resume.
    pub fn open(dir: &Path, resume: bool, every: f64) -> Result<Checkpoints, Error> {
        let folder = dir.join("checkpoints");
        if resume {
            check_resumable(dir)?;
        }
        let disk = Disk::from_env()?;
        fs::create_dir_all(&folder).map_err(Error::write(&folder))?;
        let lock = OutputLock::take(dir)?;
        for folder in [dir, &folder] {
            remove_temporaries(folder).map_err(Error::write(folder))?;
        }
        let checkpoints = Checkpoints { folder, disk, written: Instant::now(), every, from: None, _lock: lock };
        if !resume {
            for path in checkpoints.files()? {
                fs::remove_file(&path).map_err(Error::write(&path))?;
            }
        }
        Ok(checkpoints)
    }

    fn path(&self, step: u64) -> PathBuf {
        self.folder.join(format!("step-{step:09}.safetensors"))
    }

    /// All checkpoints, the newest first.
    fn files(&self) -> Result<Vec<PathBuf>, Error> {
        let fail = |source| FileError::Io { action: "read", path: self.folder.clone(), source };
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            // Opening a pipe of that name would block.
            if let Some(step) = step_of(&path).filter(|_| path.is_file()) {
                found.push((step, path));
            }
        }
        found.sort_by(|a, b| b.cmp(a));
        Ok(found.into_iter().map(|(_, path)| path).collect())
    }

    /// True if it is time for the next checkpoint.
    pub fn due(&self) -> bool {
        self.written.elapsed().as_secs_f64() >= self.every
    }

    /// Writes state, weights and moments. When it returns, they are on the disk.
    ///
    /// # Errors
    /// [`Error::Save`] if the file cannot be written; earlier checkpoints are unchanged then.
    pub fn save(&mut self, state: &State, trainer: &Trainer) -> Result<(), Error> {
        let path = self.path(state.step);
        // Keeps the new one and the newest of those before it. Files of later steps are damaged ones that were skipped.
        let mut old = self.files()?;
        let before = old.iter().position(|file| step_of(file) < Some(state.step));
        if let Some(before) = before {
            old.remove(before);
        }
        old.retain(|file| *file != path);
        write::put(&mut self.disk, &path, state, trainer, &old).map_err(|reason| Error::Save { path, reason })?;
        self.written = Instant::now();
        Ok(())
    }

    /// Reads the newest whole checkpoint into a trainer; `None` if none was written yet. `warn` gets a line for each damaged
    /// file that is skipped.
    ///
    /// # Errors
    /// If all files are damaged, or the newest whole one has another format or belongs to another run.
    pub fn load(
        &mut self,
        run: &RunIdentity,
        trainer: &mut Trainer,
        warn: &mut dyn FnMut(&str),
    ) -> Result<Option<State>, Error> {
        let mut damaged: Vec<(PathBuf, String)> = Vec::new();
        for path in self.files()? {
            let mut found = match read::open(&path) {
                Ok(found) => found,
                Err(Unusable::Damaged(problem)) => {
                    damaged.push((path, problem));
                    continue;
                }
                Err(Unusable::Format(got)) => {
                    return Err(Error::CheckpointFormat { path, expected: CHECKPOINT_FORMAT, got });
                }
            };
            if let Some((part, expected, got)) = identity::difference(&found.state.run, run) {
                return Err(Error::OtherRun { path, part, expected, got });
            }
            found.fill(trainer).map_err(|problem| Error::Checkpoint { path: path.clone(), problem })?;
            for (file, problem) in &damaged {
                let (file, path) = (file.display(), path.display());
                warn(&format!("{file}: not a whole checkpoint: {problem}; resuming from {path}"));
            }
            self.from = Some(path);
            return Ok(Some(found.state));
        }
        if damaged.is_empty() {
            return Ok(None);
        }
        let list: String = damaged.iter().map(|(path, problem)| format!("\n  {}: {problem}", path.display())).collect();
        let problem = format!("no whole checkpoint to resume from{list}");
        Err(Error::Checkpoint { path: self.folder.clone(), problem })
    }

    /// Refuses a state whose schedule this version would not make from the same seed and options.
    ///
    /// # Errors
    /// [`Error::OtherRun`] if seed, schedule or the order of the data differ.
    pub fn check(&self, state: &State, seed: u64, schedule: LinearSchedule, order: &str) -> Result<(), Error> {
        let parts = [
            ("seed", state.seed.to_string(), seed.to_string()),
            ("schedule", format!("{:?}", state.schedule), format!("{schedule:?}")),
            ("the order of the data", state.order.clone(), order.to_owned()),
        ];
        match parts.into_iter().find(|(_, expected, got)| expected != got) {
            Some((part, expected, got)) => {
                let path = self.from.clone().unwrap_or_else(|| self.folder.clone());
                Err(Error::OtherRun { path, part: part.to_owned(), expected, got })
            }
            None => Ok(()),
        }
    }
}

/// Checks, before a model is loaded, that a run was begun in `dir`.
///
/// # Errors
/// [`Error::NothingToResume`] with the folder where checkpoints were expected.
pub fn check_resumable(dir: &Path) -> Result<(), Error> {
    let path = dir.join("checkpoints");
    // A run that was killed before its first checkpoint left this folder; it starts again. Other folders may hold anything.
    if path.is_dir() {
        return Ok(());
    }
    let occupied = fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
    Err(Error::NothingToResume { path, occupied })
}

/// The step in a checkpoint's name; that of format 1 had none.
fn step_of(path: &Path) -> Option<u64> {
    match path.file_name()?.to_str()? {
        "last.safetensors" => Some(0),
        name => name.strip_prefix("step-")?.strip_suffix(".safetensors")?.parse().ok(),
    }
}

/// SHA-256 of an epoch's batches: each its length, then its indices.
pub fn order_digest(batches: &[Vec<usize>]) -> String {
    let numbers = batches.iter().flat_map(|batch| std::iter::once(batch.len()).chain(batch.iter().copied()));
    let bytes: Vec<u8> = numbers.flat_map(|n| (n as u64).to_le_bytes()).collect();
    epee_files::sha256(&bytes)
}
