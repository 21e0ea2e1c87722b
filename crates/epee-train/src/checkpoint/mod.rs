//! The state of a run on disk: what `--resume` goes on from, to the same bits.
//!
//! `checkpoints/step-000000120.safetensors` holds weights and both moments (tensors `model.*`, `m.*`, `v.*`) and, as
//! metadata, the [`State`] with a SHA-256 over all of it (`format`). The last two are kept. A file is written beside its
//! place, synced and renamed, the folder is synced, and only then the oldest is removed (`write`), so at every moment a
//! whole checkpoint is there; a file that is damaged all the same is passed over with a warning (`read`).
//!
//! No random state is stored, for there is none: the order of an epoch is a function of (seed, epoch), dropout one of
//! (seed, step).

mod format;
mod identity;
mod lock;
mod points;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use epee_files::remove_temporaries;
use serde::{Deserialize, Serialize};

pub use self::identity::RunIdentity;
pub use self::lock::refuse_if_locked;

use self::format::Unusable;
use self::lock::Lock;
use self::points::Points;
use crate::{Error, LinearSchedule, Trainer};

/// The version of the files' format: 1 was `last.safetensors`, without a digest.
pub const CHECKPOINT_FORMAT: u32 = 2;

/// Where a run stands, beside the weights and moments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Names the run: options, data, and the model it started from.
    pub run: RunIdentity,
    /// Steps taken.
    pub step: u64,
    /// The current epoch, from 0: the number of those evaluated.
    pub epoch: usize,
    /// Batches of it taken; all of them where its evaluation comes next.
    pub batch: usize,
    /// Sum of the losses of those batches.
    pub epoch_loss: f64,
    /// Seed of order and dropout.
    pub seed: u64,
    /// The best score so far and its epoch, from 1.
    pub best: Option<(usize, f64)>,
    /// The learning rate's course.
    pub schedule: LinearSchedule,
    /// SHA-256 of the current epoch's batches ([`order_digest`]).
    pub order: String,
}

/// The checkpoints of a run that writes into a folder; no other may while this lives.
pub struct Checkpoints {
    folder: PathBuf,
    points: Points,
    written: Instant,
    every: f64,
    from: Option<PathBuf>,
    _lock: Lock,
}

impl Checkpoints {
    /// Locks `dir/checkpoints` and removes what killed writes left there and in `dir`; unless the run is resumed, older
    /// checkpoints too. `every` is how many seconds pass between two that are [due](Checkpoints::due).
    ///
    /// # Errors
    /// Where another training writes into `dir`, or nothing was begun there that could be resumed.
    pub fn open(dir: &Path, resume: bool, every: f64) -> Result<Checkpoints, Error> {
        let folder = dir.join("checkpoints");
        if resume {
            refuse_if_not_begun(dir)?;
        }
        let points = Points::from_env()?;
        fs::create_dir_all(&folder).map_err(Error::write(&folder))?;
        let lock = Lock::take(dir, &folder)?;
        for folder in [dir, &folder] {
            remove_temporaries(folder).map_err(Error::write(&folder))?;
        }
        let checkpoints = Checkpoints { folder, points, written: Instant::now(), every, from: None, _lock: lock };
        if !resume {
            for path in checkpoints.files()? {
                fs::remove_file(&path).map_err(Error::write(&path))?;
            }
        }
        Ok(checkpoints)
    }

    /// The file of a step.
    fn path(&self, step: u64) -> PathBuf {
        self.folder.join(format!("step-{step:09}.safetensors"))
    }

    /// All checkpoints, the newest first.
    fn files(&self) -> Result<Vec<PathBuf>, Error> {
        let fail = |source| Error::Read { path: self.folder.clone(), source };
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            // A pipe of such a name would be waited for.
            if let Some(step) = step_of(&path).filter(|_| path.is_file()) {
                found.push((step, path));
            }
        }
        found.sort_by(|a, b| b.cmp(a));
        Ok(found.into_iter().map(|(_, path)| path).collect())
    }

    /// True where so many seconds passed since the last checkpoint that the next should be written.
    pub fn due(&self) -> bool {
        self.written.elapsed().as_secs_f64() >= self.every
    }

    /// Writes state, weights and moments. When it returns they are on the disk.
    ///
    /// # Errors
    /// [`Error::Save`] where the file cannot be written; those before are untouched then.
    pub fn save(&mut self, state: &State, trainer: &Trainer) -> Result<(), Error> {
        let path = self.path(state.step);
        // What stays: the new one and the newest of those before it. A later one is a damaged one that was passed over.
        let mut old = self.files()?;
        let before = old.iter().position(|file| step_of(file) < Some(state.step));
        if let Some(before) = before {
            old.remove(before);
        }
        old.retain(|file| *file != path);
        write::put(&mut write::System, &mut self.points, &path, state, trainer, &old)
            .map_err(|reason| Error::Save { path, reason })?;
        self.written = Instant::now();
        Ok(())
    }

    /// Reads the newest whole checkpoint into a trainer; none where none was written yet. `warn` is told of one that is
    /// damaged and passed over.
    ///
    /// # Errors
    /// Where all are damaged, or the newest whole one is of another format or another run.
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
                warn(&format!("{file}: not a whole checkpoint: {problem}; going on from {path}"));
            }
            self.from = Some(path);
            return Ok(Some(found.state));
        }
        if damaged.is_empty() {
            return Ok(None);
        }
        let list: String = damaged.iter().map(|(path, problem)| format!("\n  {}: {problem}", path.display())).collect();
        let problem =
            format!("no whole checkpoint to resume from{list}\nhint: start over with --force in place of --resume");
        Err(Error::Checkpoint { path: self.folder.clone(), problem })
    }

    /// Refuses to go on from a state whose plan this build would not make from the same seed and options.
    ///
    /// # Errors
    /// [`Error::OtherRun`] where seed, schedule or the order of the data differ.
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

/// Refuses early, before a model is loaded, to go on with a run that was never begun in `dir`.
///
/// # Errors
/// [`Error::Checkpoint`] with the folder where checkpoints were expected.
pub fn refuse_if_not_begun(dir: &Path) -> Result<(), Error> {
    let path = dir.join("checkpoints");
    // A run that was killed before its first checkpoint has the folder and begins anew. Without it there may be anything here.
    if path.is_dir() {
        return Ok(());
    }
    let hint = match fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        true => "start over with --force in place of --resume",
        false => "--out names the folder of the run to go on with; without --resume a run begins there",
    };
    Err(Error::Checkpoint { path, problem: format!("no checkpoint to resume from\nhint: {hint}") })
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
