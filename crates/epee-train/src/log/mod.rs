//! The logs of a run: `metrics.jsonl` with a line per step and per epoch, and event files for TensorBoard.

mod tensorboard;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use epee_files::{Access, open_options, write_atomic};
use serde::Serialize;
use serde_json::Value;

use self::tensorboard::Events;
use crate::{EpochReport, Error, State, StepReport};

pub(crate) const METRICS: &str = "metrics.jsonl";

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(crate) enum Event<'a> {
    Step(&'a StepReport),
    Epoch(&'a EpochReport),
}

pub(crate) struct Log {
    path: PathBuf,
    file: File,
    events: Events,
    /// Seconds of the run before it was resumed.
    pub(crate) seconds_before: f64,
}

impl Log {
    /// Opens the logs and cuts them back to a state: a resumed run writes the rest again. `warn` gets a line about lines that
    /// cannot be read.
    pub(crate) fn open(dir: &Path, state: &State, warn: &mut dyn FnMut(&str)) -> Result<Log, Error> {
        let path = dir.join(METRICS);
        let fail = Error::write(&path);
        let old = if state.step == 0 { Ok(Vec::new()) } else { std::fs::read(&path) };
        let old = old.unwrap_or_else(|error| {
            let (path, step) = (path.display(), state.step);
            warn(&format!("{path}: cannot be read: {error}; its lines before step {step} are lost"));
            Vec::new()
        });
        let mut kept = Vec::new();
        let mut seconds_before = 0.0;
        let mut damaged = Vec::new();
        // The last line may be incomplete if the process was killed.
        let whole = old.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n"));
        for (number, line) in whole.enumerate() {
            match read(line, state) {
                Some((true, seconds)) => {
                    seconds_before = seconds.unwrap_or(seconds_before);
                    kept.extend_from_slice(line);
                }
                Some((false, _)) => {}
                None => damaged.push(number + 1),
            }
        }
        if let Some(first) = damaged.first() {
            let count = damaged.len();
            warn(&format!("{}, line {first}: not a line of metrics; {count} such left out", path.display()));
        }
        write_atomic(&path, &[kept])?;
        let file = open_options(&path, Access::Usual).append(true).open(&path).map_err(fail)?;
        let events = Events::open(&dir.join("tensorboard"), state.step)?;
        Ok(Log { path, file, events, seconds_before })
    }

    /// Called before a checkpoint, so that the log has every step that the checkpoint counts.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(Error::write(&self.path))
    }

    pub(crate) fn write(&mut self, event: &Event<'_>) -> Result<(), Error> {
        let mut line = serde_json::to_string(event).map_err(|error| Error::Data(error.to_string()))?;
        line.push('\n');
        self.file.write_all(line.as_bytes()).map_err(Error::write(&self.path))?;
        match event {
            Event::Step(report) => self.events.write(report.step, &step_values(report)),
            Event::Epoch(report) => self.events.write(report.step, &epoch_values(report)),
        }
    }
}

/// True if a line belongs to a state's past, with its seconds; `None` if it is not a line of this log.
fn read(line: &[u8], state: &State) -> Option<(bool, Option<f64>)> {
    let event: Value = serde_json::from_slice(line).ok()?;
    let done = match event["event"].as_str()? {
        // A checkpoint may lie between an epoch's last step and its evaluation.
        "epoch" => event["epoch"].as_u64()? <= state.epoch as u64,
        "step" => event["step"].as_u64()? <= state.step,
        _ => return None,
    };
    Some((done, event["seconds"].as_f64()))
}

fn step_values(report: &StepReport) -> Vec<(String, f64)> {
    let mut values = vec![
        ("train/loss".to_owned(), report.loss),
        ("train/learning_rate".to_owned(), report.learning_rate),
        ("train/gradient_norm".to_owned(), report.gradient_norm),
    ];
    for (m, (loss, accuracy)) in report.exit_losses.iter().zip(&report.exit_accuracies).enumerate() {
        values.push((format!("train_loss/exit_{}", m + 1), *loss));
        values.push((format!("train_accuracy/exit_{}", m + 1), *accuracy));
    }
    values
}

fn epoch_values(report: &EpochReport) -> Vec<(String, f64)> {
    let mut values = vec![("dev/score".to_owned(), report.score), ("train/epoch_loss".to_owned(), report.train_loss)];
    for exit in &report.dev {
        values.push((format!("dev_accuracy/exit_{}", exit.exit), exit.accuracy));
        values.push((format!("dev_macro_f1/exit_{}", exit.exit), exit.macro_f1));
        values.push((format!("dev_entropy/exit_{}", exit.exit), exit.entropy));
    }
    values
}
