//! The table of runs: a file for other programs, and text for people.

use std::path::{Path, PathBuf};

use anyhow::bail;
use epee_files::{OutputLock, write_atomic};
use epee_train::grid::{ExitScore, Plan, RunRecord, RunResult, State, Summary};
use serde_json::{Value, json};

use crate::flags::claim;
use crate::grids::remark;
use crate::ui::{self, Column, Kind, decimal, table as plain_table};

/// The file of the table.
pub(super) struct Target {
    path: PathBuf,
    parquet: bool,
    /// None for a file in the grid's folder, which has a lock of its own.
    _claim: Option<OutputLock>,
}

impl Target {
    /// The given file, or else `results.csv` in the grid's folder. Only a resumed grid replaces an existing file.
    pub(super) fn new(named: Option<&Path>, out: &Path, resume: bool) -> anyhow::Result<Target> {
        let Some(path) = named else {
            return Ok(Target { path: out.join("results.csv"), parquet: false, _claim: None });
        };
        let parquet = match path.extension().and_then(|extension| extension.to_str()) {
            Some("csv") => false,
            Some("parquet") => true,
            _ => bail!("--results: expected a file whose name ends in .csv or .parquet, got {}", path.display()),
        };
        if path.symlink_metadata().is_ok() && !resume {
            bail!("{} exists already\nhint: use another name, or --resume if it belongs to this grid", path.display());
        }
        Ok(Target { path: path.to_owned(), parquet, _claim: Some(claim(path, true)?) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn write(&self, plan: &Plan, summary: &Summary) -> anyhow::Result<()> {
        let columns = columns(plan, summary);
        let bytes = if self.parquet { ui::parquet("runs", &columns)? } else { ui::csv(&columns)? };
        Ok(write_atomic(&self.path, &[bytes])?)
    }
}

/// A row per run that was started, in the grid's order.
fn columns(plan: &Plan, summary: &Summary) -> Vec<Column> {
    let column = |name: &str, kind: Kind, get: &dyn Fn(&RunRecord) -> Value| {
        Column::new(name, kind, summary.runs.iter().map(get))
    };
    let mut columns = vec![column("run", Kind::Name, &|run| json!(run.name))];
    for (i, key) in plan.keys.iter().enumerate() {
        let kind = kind(plan.runs.iter().map(|run| summary.values(run)[i].clone()).collect());
        columns.push(column(key, kind, &|run| match (kind, summary.values(run)[i].clone()) {
            (Kind::Text, value) if !value.is_null() && !value.is_string() => value.to_string().into(),
            (_, value) => value,
        }));
    }
    if !plan.keys.iter().any(|key| key == "metric") {
        columns.push(column("metric", Kind::Name, &|run| run.options.metric.name().into()));
    }
    if !plan.keys.iter().any(|key| key == "select") {
        columns.push(column("select", Kind::Name, &|run| run.options.select.as_str().into()));
    }
    let result = |name: &str, kind: Kind, get: &dyn Fn(&RunResult) -> Value| {
        column(name, kind, &|run| run.result.as_ref().map_or(Value::Null, get))
    };
    columns.push(result("best_epoch", Kind::Whole, &|result| json!(result.best_epoch)));
    columns.push(result("score", Kind::Number, &|result| json!(result.score)));
    let exits = summary.runs.iter().filter_map(|run| run.result.as_ref()).map(|result| result.exits.len());
    type Score = fn(&ExitScore) -> Option<f64>;
    let scores: [(&str, Score); 2] = [("accuracy", |exit| exit.accuracy), ("macro_f1", |exit| exit.macro_f1)];
    let exits = exits.max().unwrap_or(0);
    for (name, get) in scores {
        for exit in 0..exits {
            let score = |result: &RunResult| json!(result.exits.get(exit).and_then(get));
            columns.push(result(&format!("exit_{}_{name}", exit + 1), Kind::Number, &score));
        }
    }
    columns.push(result("majority_exits", Kind::Whole, &|result| json!(result.majority_exits)));
    columns.push(result("majority", Kind::Flag, &|result| result.majority().into()));
    columns.push(column("seconds", Kind::Number, &|run| json!(run.seconds)));
    columns.push(column("state", Kind::Name, &|run| run.state.to_string().into()));
    columns.push(column("reason", Kind::Text, &|run| json!(run.reason)));
    columns
}

/// The type of an option, from its values in all runs of the grid.
fn kind(all: Vec<Value>) -> Kind {
    if all.iter().all(Value::is_boolean) {
        Kind::Flag
    } else if all.iter().all(|value| value.is_i64() || value.is_u64()) {
        Kind::Whole
    } else if all.iter().all(Value::is_number) {
        Kind::Number
    } else {
        Kind::Text
    }
}

/// The runs, the best by dev first, those without a score last.
pub(super) fn table(summary: &Summary) -> String {
    let mut runs: Vec<&RunRecord> = summary.runs.iter().collect();
    let score = |run: &RunRecord| {
        let finished = run.state == State::Finished;
        run.result.as_ref().map_or(f64::NEG_INFINITY, |result| if finished { result.score } else { f64::MIN })
    };
    runs.sort_by(|a, b| score(b).total_cmp(&score(a)));
    let mut header: Vec<String> = summary.keys.iter().map(|key| key.replace('_', " ")).collect();
    header.extend(["epoch", "score", "macro-F1 by exit", "seconds", "", ""].map(str::to_owned));
    let rows = runs.into_iter().map(|run| {
        let mut row = summary.texts(run);
        match &run.result {
            Some(result) => {
                let by_exit = result.exits.iter().map(|exit| decimal(exit.macro_f1.unwrap_or(f64::NAN), 3));
                let by_exit: Vec<String> = by_exit.collect();
                row.extend([result.best_epoch.to_string(), decimal(result.score, 4), by_exit.join(" ")]);
            }
            None => row.extend(["–", "–", "–"].map(str::to_owned)),
        }
        row.push(format!("{:.0}", run.seconds));
        row.push(if summary.best.as_ref() == Some(&run.name) { "best".to_owned() } else { String::new() });
        row.push(brief(remark(run, &summary.majority.class).unwrap_or_default()));
        row
    });
    let score = match &summary.score {
        Some(score) => format!("score: {score}, on dev"),
        None => "runs differ in select or metric: their scores cannot be compared".to_owned(),
    };
    format!("{}\n{score}", plain_table(header, rows))
}

/// The start of a text that is too long for a table; the file has all of it.
fn brief(text: String) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST { text } else { text.chars().take(MOST).chain(['…']).collect() }
}
