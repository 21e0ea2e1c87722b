//! The folder of a grid: its files, the records of earlier runs in it, and its best model.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use epee_files::{Access, OutputLock, open_options, write_atomic};
use epee_train::grid::{Majority, RunRecord, State, Summary};
use serde_json::Value;

use super::jobs::Ended;
use crate::grids::{SUMMARY, read_json};
use crate::ui::Ui;

/// The files in a run's folder: its record, its messages, its log, its options and its model.
pub(super) const RECORD: &str = "run.json";
pub(super) const MESSAGES: &str = "train.log";
pub(super) const LOG: &str = "metrics.jsonl";
pub(super) const OPTIONS: &str = "options.toml";
pub(super) const WEIGHTS: &str = "model.safetensors";

/// The folder of the runs, the first thing that is written.
const RUNS: &str = "runs";

/// True if a grid was started in a folder.
pub(super) fn is_grid(dir: &Path) -> bool {
    dir.join(RUNS).is_dir()
}

/// A grid's folder, locked by this process.
pub(super) struct Folder {
    dir: PathBuf,
    _lock: OutputLock,
}

impl Folder {
    /// Creates the folder if needed, and locks it.
    pub(super) fn open(dir: &Path) -> anyhow::Result<Folder> {
        let runs = dir.join(RUNS);
        fs::create_dir_all(&runs).with_context(|| format!("cannot create {}", runs.display()))?;
        Ok(Folder { dir: dir.to_owned(), _lock: OutputLock::take(dir)? })
    }

    /// Reads the records of runs that are finished. Refuses a folder with runs of another grid.
    pub(super) fn read_finished(&self, runs: &mut [RunRecord]) -> anyhow::Result<()> {
        let config = self.dir.join("grid.toml");
        let folder = self.dir.join(RUNS);
        let mut names: Vec<String> = Vec::new();
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        for name in names {
            let path = self.run(&name).join(RECORD);
            if !path.is_file() {
                continue;
            }
            let found: RunRecord = read_json(&path)?;
            let finished = found.state == State::Finished;
            let problem = match runs.iter_mut().find(|run| run.name == name) {
                Some(run) if run.same_run(&found) => {
                    if finished {
                        *run = found;
                    }
                    continue;
                }
                Some(run) => {
                    let same_options = run.options == found.options;
                    let what = if same_options { difference(&run.start, &found.start) } else { "options" };
                    format!("it was run with {what} that differ: expected those of the config in {}", config.display())
                }
                None if finished => format!("a finished run that is not in the config {} any more", config.display()),
                None => continue,
            };
            bail!("{}: {problem}\nhint: use another --out for another grid", self.run(&name).display());
        }
        Ok(())
    }

    /// Prepares a run's folder for `epee train`.
    pub(super) fn begin(&self, run: &RunRecord) -> anyhow::Result<PathBuf> {
        let dir = self.run(&run.name);
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        write_atomic(&dir.join(OPTIONS), &[run.options.to_toml()?])?;
        write_json(&dir.join(RECORD), &RunRecord { state: State::Running, ..run.clone() })?;
        Ok(dir)
    }

    /// Records how a run ended.
    pub(super) fn end(&self, run: &RunRecord, ended: Ended, majority: &Majority) -> anyhow::Result<RunRecord> {
        let log = fs::read_to_string(self.run(&run.name).join(LOG)).unwrap_or_default();
        let record = RunRecord { state: ended.state, reason: ended.reason, ..run.clone() };
        let record = record.with_log(&log, majority);
        write_json(&self.run(&run.name).join(RECORD), &record)?;
        Ok(record)
    }

    pub(super) fn run(&self, name: &str) -> PathBuf {
        self.dir.join(RUNS).join(name)
    }

    pub(super) fn best(&self) -> PathBuf {
        self.dir.join("best")
    }

    pub(super) fn keep_config(&self, path: &Path) -> anyhow::Result<()> {
        let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(write_atomic(&self.dir.join("grid.toml"), &[text])?)
    }

    pub(super) fn keep_summary(&self, summary: &Summary) -> anyhow::Result<()> {
        write_json(&self.dir.join(SUMMARY), summary)
    }

    /// Copies the best run's folder to `best` if another run is there, then removes the checkpoints of finished runs and, unless all
    /// are kept, their weights. Weights are removed after `best` is in place, so that the best model is complete at every moment.
    pub(super) fn keep_best(&self, summary: &Summary, keep_all: bool, ui: Ui) -> anyhow::Result<()> {
        let Some(best) = &summary.best else { return Ok(()) };
        let there: Option<RunRecord> = read_json(&self.best().join(RECORD)).ok();
        if there.is_none_or(|there| there.name != *best) || !self.best().join(WEIGHTS).is_file() {
            let run = self.run(best);
            if !run.join(WEIGHTS).exists() {
                ui.note(format!(
                    "warning: {} is gone, and {} has no weights any more",
                    self.best().display(),
                    run.display()
                ));
                return Ok(());
            }
            replace(&run, &self.best())?;
        }
        for run in summary.runs.iter().filter(|run| run.state == State::Finished) {
            let dir = self.run(&run.name);
            remove(&dir.join("checkpoints"))?;
            if !keep_all {
                remove(&dir.join(WEIGHTS))?;
            }
        }
        Ok(())
    }
}

/// The part that differs between two starts.
fn difference(a: &Value, b: &Value) -> &'static str {
    let differs = |name: &str| a["digests"][name] != b["digests"][name];
    let named =
        [("train", "data"), ("dev", "data"), ("model", "a model's files"), ("tokenizer", "a tokenizer's files")];
    named.into_iter().find(|(name, _)| differs(name)).map_or("settings of the start", |(_, what)| what)
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(write_atomic(path, &[bytes])?)
}

/// Replaces a folder by a copy of another: copies beside it, then renames.
fn replace(from: &Path, to: &Path) -> anyhow::Result<()> {
    let fail = || format!("cannot copy {} to {}", from.display(), to.display());
    let new = to.with_file_name(".best.tmp");
    remove(&new)?;
    fs::create_dir_all(&new).with_context(fail)?;
    for entry in fs::read_dir(from).with_context(fail)? {
        let entry = entry.with_context(fail)?;
        if entry.file_type().with_context(fail)?.is_file() {
            let copy = new.join(entry.file_name());
            copy_file(&entry.path(), &copy).with_context(fail)?;
        }
    }
    remove(to)?;
    fs::rename(&new, to).with_context(fail)
}

/// Copies a file with its mode, to a path where nothing is.
fn copy_file(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut source = File::open(from)?;
    let mut copy = open_options(to, Access::Private).write(true).create_new(true).open(to)?;
    std::io::copy(&mut source, &mut copy)?;
    copy.set_permissions(source.metadata()?.permissions())?;
    copy.sync_all()
}

/// Removes a file or a folder, if it exists.
fn remove(path: &Path) -> anyhow::Result<()> {
    let done = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match done {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
