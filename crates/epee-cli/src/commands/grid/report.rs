//! The contents of a grid's section in `epee report`.

use std::path::Path;

use anyhow::bail;
use epee_report::{TrainingGrid, TrainingRun, trace_names};
use epee_train::grid::{State, Summary};

use super::folder::{SUMMARY, read_json};
use super::results::remark;

/// Reads the summary of a grid from its folder.
pub(crate) fn report(dir: &Path) -> anyhow::Result<TrainingGrid> {
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
