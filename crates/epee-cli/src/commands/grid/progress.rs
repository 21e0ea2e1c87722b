//! Progress of a grid: a bar per run in progress, read from its log, a bar for all runs, and a line per run that ended.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use epee_train::grid::{LogLine, Majority, RunRecord, State, read_line};
use indicatif::{MultiProgress, ProgressBar};

use super::folder::LOG;
use crate::grids::remark;
use crate::ui::{Ui, decimal};

struct Row {
    index: usize,
    bar: ProgressBar,
    log: PathBuf,
    epochs: usize,
}

pub(super) struct Progress {
    ui: Ui,
    bars: MultiProgress,
    all: ProgressBar,
    rows: Vec<Row>,
}

impl Progress {
    pub(super) fn new(ui: Ui, runs: usize, done: usize) -> Progress {
        let bars = ui.bars();
        let all = bars.add(ui.progress(runs as u64, "all runs"));
        all.set_position(done as u64);
        Progress { ui, bars, all, rows: Vec::new() }
    }

    pub(super) fn begin(&mut self, index: usize, name: &str, epochs: usize, dir: &Path) {
        let bar = self.ui.progress_above(&self.bars, &self.all, 0, name);
        self.rows.push(Row { index, bar, log: dir.join(LOG), epochs });
        self.all.tick();
    }

    /// Moves the bars to the last steps in the logs.
    pub(super) fn update(&mut self) {
        if self.all.is_hidden() {
            return;
        }
        for row in &self.rows {
            let Some(line) = last_step(&row.log) else { continue };
            row.bar.set_length(line.steps.unwrap_or_default());
            row.bar.set_position(line.step);
            let loss = line.loss.map_or_else(String::new, |loss| format!(" loss {loss:.3}"));
            row.bar.set_message(format!("epoch {}/{}{loss}", line.epoch, row.epochs));
        }
    }

    pub(super) fn stopping(&self) {
        self.say("stopping: each run in progress writes a checkpoint");
    }

    pub(super) fn end(&mut self, index: usize, run: &RunRecord, majority: &Majority) {
        if let Some(at) = self.rows.iter().position(|row| row.index == index) {
            let row = self.rows.swap_remove(at);
            row.bar.finish_and_clear();
            self.bars.remove(&row.bar);
        }
        if run.state != State::Stopped {
            self.all.inc(1);
        }
        let mut line = format!("{}/{} {}", self.all.position(), self.all.length().unwrap_or_default(), run.name);
        if let (State::Finished, Some(result)) = (run.state, &run.result) {
            let score = decimal(result.score, 3);
            line += &format!(": {score} on dev after epoch {} ({:.0} s)", result.best_epoch, run.seconds);
        }
        if let Some(remark) = remark(run, &majority.class) {
            line += if run.state == State::Finished { ", " } else { ": " };
            line += &remark;
        }
        self.say(&line);
    }

    fn say(&self, line: &str) {
        self.bars.suspend(|| self.ui.note(line));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.rows.iter().for_each(|row| row.bar.finish_and_clear());
        self.all.finish_and_clear();
    }
}

/// Bytes at the end of a log that are read: a few lines, also for a model with many exits.
const TAIL: u64 = 1 << 14;

/// The last complete line about a step in a log, if there is one.
fn last_step(path: &Path) -> Option<LogLine> {
    let mut file = File::open(path).ok()?;
    let start = file.metadata().ok()?.len().saturating_sub(TAIL);
    let mut end = Vec::new();
    file.seek(SeekFrom::Start(start)).and_then(|_| file.read_to_end(&mut end)).ok()?;
    String::from_utf8_lossy(&end).lines().rev().filter_map(read_line).find(|line| line.steps.is_some())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_last_complete_step_of_a_log_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(LOG);
        let line =
            |step: u64| format!("{{\"event\":\"step\",\"step\":{step},\"steps\":9999,\"epoch\":1,\"loss\":0.5}}\n");
        let step = || last_step(&path).map(|line| line.step);
        assert_eq!(step(), None);
        let mut log: String = (1..1000).map(line).collect();
        assert!(log.len() as u64 > 2 * TAIL);
        std::fs::write(&path, &log).unwrap();
        assert_eq!(step(), Some(999));
        log.push_str("{\"event\":\"epoch\",\"epoch\":1,\"step\":999}\n{\"event\":\"st");
        std::fs::write(&path, &log).unwrap();
        assert_eq!(step(), Some(999));
    }
}
