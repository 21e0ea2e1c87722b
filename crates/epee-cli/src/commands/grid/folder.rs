//! The folder of a grid: what lies where, and what is there already.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use epee_files::write_atomic;
use epee_train::grid::{Majority, Plan, Run, RunRecord, State, Summary, read_log};
use epee_train::options_file;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::jobs::Ended;

/// The name of a run's record, of its child's messages, and of the log that `epee train` writes.
pub(super) const RECORD: &str = "run.json";
pub(super) const MESSAGES: &str = "train.log";
pub(super) const LOG: &str = "metrics.jsonl";
pub(super) const OPTIONS: &str = "options.toml";
/// All runs, for `epee report --grid`.
pub(crate) const SUMMARY: &str = "results.json";

/// Held by the process that writes into the folder.
const LOCK: &str = "grid.lock";

/// True of a folder that a grid was begun in.
pub(super) fn is_grid(dir: &Path) -> bool {
    dir.join(LOCK).exists()
}

/// A grid's folder, for this process alone.
pub(super) struct Folder {
    dir: PathBuf,
    plan: Vec<RunRecord>,
    _lock: File,
}

impl Folder {
    /// Makes it where it is not there.
    pub(super) fn open(dir: &Path, plan: &Plan, start: &Value) -> anyhow::Result<Folder> {
        let runs = dir.join("runs");
        fs::create_dir_all(&runs).with_context(|| format!("cannot create {}", runs.display()))?;
        let path = dir.join(LOCK);
        let lock = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("{}: another `epee grid` is writing into it", dir.display()),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        let plan = plan.runs.iter().map(|run| record(run, start, State::Running)).collect();
        Ok(Folder { dir: dir.to_owned(), plan, _lock: lock })
    }

    /// What is there of each run; refuses runs of another grid.
    pub(super) fn records(&self) -> anyhow::Result<Vec<Option<RunRecord>>> {
        let config = self.dir.join("grid.toml");
        let runs = self.dir.join("runs");
        let mut names: Vec<String> = Vec::new();
        for entry in fs::read_dir(&runs).with_context(|| format!("cannot read {}", runs.display()))? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        let mut found: Vec<Option<RunRecord>> = vec![None; self.plan.len()];
        for name in names {
            let path = self.run(&name).join(RECORD);
            if !path.is_file() {
                continue;
            }
            let there: RunRecord = read_json(&path)?;
            match self.plan.iter().position(|run| run.name == name) {
                Some(i) if self.plan[i].same_run(&there) => found[i] = Some(there),
                Some(i) => {
                    let what = if self.plan[i].options == there.options {
                        other(&self.plan[i].start, &there.start)
                    } else {
                        "options"
                    };
                    bail!(
                        "{}: it was run with {what} that differ: expected those of the config in {}, unchanged\n\
                         hint: another --out for another grid",
                        self.run(&name).display(),
                        config.display()
                    );
                }
                None if there.state == State::Finished => bail!(
                    "{}: a finished run that the config does not have any more: expected the runs in {}, or more\n\
                     hint: another --out for another grid",
                    self.run(&name).display(),
                    config.display()
                ),
                None => {}
            }
        }
        Ok(found)
    }

    /// A run's folder, ready for `epee train`.
    pub(super) fn begin(&self, run: &Run, start: &Value) -> anyhow::Result<PathBuf> {
        let dir = self.run(&run.name);
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        write_atomic(&dir.join(OPTIONS), &[options_file(&run.options)?])?;
        write_json(&dir.join(RECORD), &record(run, start, State::Running))?;
        Ok(dir)
    }

    /// Keeps how a run ended.
    pub(super) fn end(&self, run: &Run, start: &Value, ended: Ended, majority: &Majority) -> anyhow::Result<RunRecord> {
        let log = fs::read_to_string(self.run(&run.name).join(LOG)).unwrap_or_default();
        let record = RunRecord { reason: ended.reason, ..record(run, start, ended.state) };
        let record = record.with_log(read_log(&log), majority);
        write_json(&self.run(&run.name).join(RECORD), &record)?;
        Ok(record)
    }

    pub(super) fn run(&self, name: &str) -> PathBuf {
        self.dir.join("runs").join(name)
    }

    pub(super) fn best(&self) -> PathBuf {
        self.dir.join("best")
    }

    /// Copies the config, so that the folder says what it is.
    pub(super) fn keep_config(&self, path: &Path) -> anyhow::Result<()> {
        let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(write_atomic(&self.dir.join("grid.toml"), &[text])?)
    }

    pub(super) fn keep_summary(&self, summary: &Summary) -> anyhow::Result<()> {
        write_json(&self.dir.join(SUMMARY), summary)
    }
}

/// What differs between two starts.
fn other(a: &Value, b: &Value) -> &'static str {
    let differs = |name: &str| a["digests"][name] != b["digests"][name];
    let named =
        [("train", "data"), ("dev", "data"), ("model", "a model's files"), ("tokenizer", "a tokenizer's files")];
    named.into_iter().find(|(name, _)| differs(name)).map_or("settings of the start", |(_, what)| what)
}

/// A run of which nothing is known but what it is.
fn record(run: &Run, start: &Value, state: State) -> RunRecord {
    RunRecord {
        name: run.name.clone(),
        options: run.options.clone(),
        start: start.clone(),
        state,
        reason: None,
        result: None,
        seconds: 0.0,
    }
}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{}: not what `epee grid` writes", path.display()))
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(write_atomic(path, &[bytes])?)
}
