//! A bar per run in progress, read from its log, and one for all; a line per run that ended.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use epee_train::grid::{LogLine, Majority, RunRecord, State, read_line};
use indicatif::{MultiProgress, ProgressBar};

use super::folder::LOG;
use super::results::remark;
use crate::commands::sweep::decimal;
use crate::ui::Ui;

/// A run in progress.
struct Row {
    index: usize,
    bar: ProgressBar,
    tail: Tail,
    epochs: usize,
    best: Option<f64>,
}

/// Shows the user how a grid goes.
pub(super) struct Watch {
    ui: Ui,
    bars: MultiProgress,
    all: ProgressBar,
    rows: Vec<Row>,
}

impl Watch {
    pub(super) fn new(ui: Ui, runs: usize, done: usize) -> Watch {
        let bars = ui.bars();
        let all = bars.add(ui.progress(runs as u64, "all runs"));
        all.set_position(done as u64);
        Watch { ui, bars, all, rows: Vec::new() }
    }

    pub(super) fn begin(&mut self, index: usize, name: &str, epochs: usize, dir: &Path) {
        let bar = self.ui.progress_above(&self.bars, &self.all, 0, name);
        self.rows.push(Row { index, bar, tail: Tail::new(dir.join(LOG)), epochs, best: None });
        self.all.tick();
    }

    /// Reads on in the logs.
    pub(super) fn look(&mut self) {
        if self.all.is_hidden() {
            return;
        }
        for row in &mut self.rows {
            for line in row.tail.lines() {
                if let (true, Some(score)) = (line.best, line.score) {
                    row.best = Some(score);
                }
                let Some(steps) = line.steps else { continue };
                row.bar.set_length(steps);
                row.bar.set_position(line.step);
                let loss = line.loss.map_or_else(String::new, |loss| format!(" loss {loss:.3}"));
                let best = row.best.map_or_else(String::new, |best| format!(" best {}", decimal(best, 3)));
                row.bar.set_message(format!("epoch {}/{}{loss}{best}", line.epoch, row.epochs));
            }
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

impl Drop for Watch {
    fn drop(&mut self) {
        self.rows.iter().for_each(|row| row.bar.finish_and_clear());
        self.all.finish_and_clear();
    }
}

/// A log that grows; one that was cut back is read anew.
struct Tail {
    path: PathBuf,
    read: u64,
    rest: Vec<u8>,
}

impl Tail {
    fn new(path: PathBuf) -> Tail {
        Tail { path, read: 0, rest: Vec::new() }
    }

    /// The lines that are whole and new.
    fn lines(&mut self) -> Vec<LogLine> {
        let Ok(mut file) = File::open(&self.path) else { return Vec::new() };
        if file.metadata().map_or(0, |metadata| metadata.len()) < self.read {
            (self.read, self.rest) = (0, Vec::new());
        }
        let mut new = Vec::new();
        if file.seek(SeekFrom::Start(self.read)).and_then(|_| file.read_to_end(&mut new)).is_err() {
            return Vec::new();
        }
        self.read += new.len() as u64;
        self.rest.extend(new);
        let whole = self.rest.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let lines: Vec<u8> = self.rest.drain(..whole).collect();
        String::from_utf8_lossy(&lines).lines().filter_map(read_line).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_log_is_read_line_by_line_and_anew_where_it_was_cut_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(LOG);
        let mut tail = Tail::new(path.clone());
        let line = |step: u64| format!("{{\"event\":\"step\",\"step\":{step},\"steps\":9,\"epoch\":1,\"loss\":0.5}}\n");
        let steps = |tail: &mut Tail| tail.lines().iter().map(|line| line.step).collect::<Vec<_>>();
        assert!(steps(&mut tail).is_empty());
        let whole = [line(1), line(2), line(3)].concat();
        std::fs::write(&path, &whole[..whole.len() - 4]).unwrap();
        assert_eq!(steps(&mut tail), [1, 2]);
        std::fs::write(&path, &whole).unwrap();
        assert_eq!(steps(&mut tail), [3]);
        std::fs::write(&path, line(1)).unwrap();
        assert_eq!(steps(&mut tail), [1]);
    }
}
