//! The best model of a grid.

use std::fs;
use std::path::Path;

use anyhow::Context;
use epee_train::grid::{RunRecord, State, Summary};

use super::folder::{Folder, RECORD};
use crate::grids::read_json;
use crate::ui::Ui;

pub(super) const WEIGHTS: &str = "model.safetensors";

/// Copies the best run's folder to `best` if another run is there, then removes the checkpoints of finished runs and, unless all
/// are kept, their weights. Weights are removed after `best` is in place, so that the best model is complete at every moment.
pub(super) fn keep(folder: &Folder, summary: &Summary, keep_all: bool, ui: Ui) -> anyhow::Result<()> {
    let Some(best) = &summary.best else { return Ok(()) };
    let there: Option<RunRecord> = read_json(&folder.best().join(RECORD)).ok();
    if there.is_none_or(|there| there.name != *best) || !folder.best().join(WEIGHTS).is_file() {
        let run = folder.run(best);
        if !run.join(WEIGHTS).exists() {
            ui.note(format!(
                "warning: {} is gone, and {} has no weights any more",
                folder.best().display(),
                run.display()
            ));
            return Ok(());
        }
        replace(&run, &folder.best())?;
    }
    for run in summary.runs.iter().filter(|run| run.state == State::Finished) {
        let dir = folder.run(&run.name);
        remove(&dir.join("checkpoints"))?;
        if !keep_all {
            remove(&dir.join(WEIGHTS))?;
        }
    }
    Ok(())
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
            fs::copy(entry.path(), &copy).with_context(fail)?;
            fs::File::open(&copy).and_then(|file| file.sync_all()).with_context(fail)?;
        }
    }
    remove(to)?;
    fs::rename(&new, to).with_context(fail)
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
