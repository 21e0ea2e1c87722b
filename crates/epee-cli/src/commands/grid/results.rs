//! The table of runs: a file for other programs, and text for people.

use std::path::{Path, PathBuf};

use anyhow::bail;
use epee_files::write_atomic;
use epee_train::grid::{ExitScore, Plan, RunRecord, RunResult, State, Summary};
use serde_json::Value;

use crate::flags::check_absent;
use crate::grids::remark;
use crate::ui::{self, Column, Values, decimal, table as plain_table};

/// The file of the table.
pub(super) struct Target {
    path: PathBuf,
    parquet: bool,
}

impl Target {
    /// The given file, or else `results.csv` in the grid's folder. Only a resumed grid replaces an existing file.
    pub(super) fn new(named: Option<&Path>, out: &Path, resume: bool) -> anyhow::Result<Target> {
        let Some(path) = named else {
            return Ok(Target { path: out.join("results.csv"), parquet: false });
        };
        let parquet = match path.extension().and_then(|extension| extension.to_str()) {
            Some("csv") => false,
            Some("parquet") => true,
            _ => bail!("--results: expected a file whose name ends in .csv or .parquet, got {}", path.display()),
        };
        if path.symlink_metadata().is_ok() && !resume {
            bail!("{} exists already\nhint: use another name, or --resume if it belongs to this grid", path.display());
        }
        check_absent(path, true)?;
        Ok(Target { path: path.to_owned(), parquet })
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
    let runs = || summary.runs.iter();
    let result = |get: fn(&RunResult) -> i64| runs().map(|run| run.result.as_ref().map(get)).collect();
    let mut columns = vec![Column::new("run", Values::Name(runs().map(|run| run.name.clone()).collect()))];
    for (i, key) in plan.keys.iter().enumerate() {
        let value = |run: &RunRecord| summary.values(run)[i].clone();
        let all: Vec<Value> = plan.runs.iter().map(value).collect();
        let values: Vec<Value> = runs().map(value).collect();
        columns.push(Column::new(key, typed(&all, &values)));
    }
    let options: Vec<(String, String)> =
        runs().map(|run| (run.options.metric.name().to_owned(), run.options.select.as_str().to_owned())).collect();
    let (metrics, selects): (Vec<String>, Vec<String>) = options.into_iter().unzip();
    if !plan.keys.iter().any(|key| key == "metric") {
        columns.push(Column::new("metric", Values::Name(metrics)));
    }
    if !plan.keys.iter().any(|key| key == "select") {
        columns.push(Column::new("select", Values::Name(selects)));
    }
    columns.push(Column::new("best_epoch", Values::Whole(result(|result| result.best_epoch as i64))));
    columns.push(Column::numbers("score", runs().map(|run| run.result.as_ref().map(|result| result.score))));
    let exits = runs().filter_map(|run| run.result.as_ref()).map(|result| result.exits.len()).max().unwrap_or(0);
    type Score = fn(&ExitScore) -> Option<f64>;
    let scores: [(&str, Score); 2] = [("accuracy", |exit| exit.accuracy), ("macro_f1", |exit| exit.macro_f1)];
    for (name, get) in scores {
        for exit in 0..exits {
            let of = |run: &RunRecord| run.result.as_ref().and_then(|result| result.exits.get(exit)).and_then(get);
            columns.push(Column::numbers(format!("exit_{}_{name}", exit + 1), runs().map(of)));
        }
    }
    columns.push(Column::new("majority_exits", Values::Whole(result(|result| result.majority_exits as i64))));
    let majority = runs().map(|run| run.result.as_ref().map(RunResult::majority)).collect();
    columns.push(Column::new("majority", Values::Flag(majority)));
    columns.push(Column::numbers("seconds", runs().map(|run| Some(run.seconds))));
    columns.push(Column::new("state", Values::Name(runs().map(|run| run.state.to_string()).collect())));
    columns.push(Column::new("reason", Values::Text(runs().map(|run| run.reason.clone()).collect())));
    columns
}

/// The values of an option, in the type that they have in all runs of the grid.
fn typed(all: &[Value], values: &[Value]) -> Values {
    if all.iter().all(|value| value.is_boolean()) {
        Values::Flag(values.iter().map(Value::as_bool).collect())
    } else if all.iter().all(|value| value.is_i64() || value.is_u64()) {
        Values::Whole(values.iter().map(Value::as_i64).collect())
    } else if all.iter().all(|value| value.is_number()) {
        Values::Number(values.iter().map(Value::as_f64).collect())
    } else {
        Values::Text(values.iter().map(|value| Some(value).filter(|value| !value.is_null()).map(text)).collect())
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
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
