//! The results of a grid, as `epee grid` writes and `epee report` reads them.

use std::path::Path;

use anyhow::{Context, bail};
use epee_report::{TrainingGrid, TrainingRun, trace_names};
use epee_train::grid::{RunRecord, State, Summary};
use serde::de::DeserializeOwned;

pub(crate) const SUMMARY: &str = "results.json";

/// Reads the results in a grid's folder.
pub(crate) fn read(dir: &Path) -> anyhow::Result<TrainingGrid> {
    let path = dir.join(SUMMARY);
    if !path.is_file() {
        bail!("{}: expected the folder of an `epee grid`, got none with {SUMMARY}", dir.display());
    }
    let summary: Summary = read_json(&path)?;
    let rate = summary.keys.iter().position(|key| key == "learning_rate");
    let runs = summary.runs.iter().map(|run| {
        let result = run.result.as_ref();
        let values = summary.texts(run);
        TrainingRun {
            rate: rate.map_or_else(String::new, |at| values[at].clone()),
            values,
            learning_rate: run.options.learning_rate,
            batch: run.options.batch_tokens.unwrap_or(run.options.batch_size),
            epoch: result.map(|result| result.best_epoch),
            score: result.filter(|_| run.state == State::Finished).map(|result| result.score),
            macro_f1: result.map_or_else(Vec::new, |result| result.exits.iter().map(|exit| exit.macro_f1).collect()),
            majority: result.is_some_and(|result| result.majority()),
            best: summary.best.as_ref() == Some(&run.name),
            remark: remark(run, &summary.majority.class).unwrap_or_default(),
        }
    });
    let runs: Vec<TrainingRun> = runs.collect();
    let mut notes = Vec::new();
    let finished = summary.runs.iter().filter(|run| run.state == State::Finished).count();
    if finished < summary.planned {
        notes.push(format!("Only {finished} of {} runs are finished.", summary.planned));
    }
    let lazy = runs.iter().filter(|run| run.majority).count();
    if lazy > 0 {
        notes.push(format!(
            "In {lazy} of {} runs every exit predicts the majority class, {}: they learned nothing.",
            runs.len(),
            summary.majority.class
        ));
    }
    let name = trace_names(&[dir.to_owned()]).into_iter().next().unwrap_or_default();
    let score = summary.score.clone().unwrap_or_else(|| "score".to_owned()).replace('_', "-");
    let by_tokens = summary.keys.iter().any(|key| key == "batch_tokens");
    let batches = if by_tokens { "batch tokens" } else { "batch size" }.to_owned();
    Ok(TrainingGrid { name, score, notes, keys: summary.keys.clone(), batches, runs })
}

/// A remark on a run: that it failed or was stopped, or that exits answer the majority class.
pub(crate) fn remark(run: &RunRecord, majority: &str) -> Option<String> {
    let result = run.result.as_ref();
    let learned = result.filter(|result| result.majority_exits > 0).map(|result| match result.majority_exits {
        all if all == result.exits.len() => format!("every exit answers the majority class ({majority})"),
        1 => format!("1 exit answers the majority class ({majority})"),
        some => format!("{some} exits answer the majority class ({majority})"),
    });
    match run.state {
        State::Failed => Some(format!("failed: {}", run.reason.as_deref().unwrap_or("for an unknown reason"))),
        State::Stopped | State::Running | State::Planned => Some(run.state.to_string()),
        State::Finished => learned,
    }
}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes)
        .with_context(|| format!("{}: expected a file that `epee grid` wrote", path.display()))
}
