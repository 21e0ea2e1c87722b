//! The lines of a run's log, `metrics.jsonl`, the record of the run, and the summary of all runs of a grid.

use epee_exit::Counts;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::TrainOptions;
use crate::named::named_enum;

named_enum! {
    /// The state of a run.
    pub enum State ("state") {
        /// It was not started yet.
        Planned = "planned",
        /// It was started.
        Running = "running",
        /// It came to its last epoch or to early stopping.
        Finished = "finished",
        /// It ended with an error.
        Failed = "failed",
        /// It was stopped, with a checkpoint to resume from.
        Stopped = "stopped",
    }
}

/// One exit on dev; a score that is not finite is `None`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExitScore {
    /// From 1.
    pub exit: usize,
    /// The share of correct answers.
    pub accuracy: Option<f64>,
    /// The mean F1 of the classes.
    pub macro_f1: Option<f64>,
}

/// The best epoch of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// From 1.
    pub best_epoch: usize,
    /// The score of the epoch.
    pub score: f64,
    /// Each exit on dev.
    pub exits: Vec<ExitScore>,
    /// Number of exits that answer the majority class to every sample.
    pub majority_exits: usize,
}

impl RunResult {
    /// True if every exit answers the majority class to every sample: nothing was learned.
    pub fn majority(&self) -> bool {
        self.majority_exits == self.exits.len()
    }
}

/// One run, as in its `run.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The name of its folder.
    pub name: String,
    /// Its options.
    pub options: TrainOptions,
    /// The model it starts from and the digests of its data.
    pub start: Value,
    /// Its state.
    pub state: State,
    /// The reason why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its best epoch; `None` before the end of the first epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<RunResult>,
    /// Seconds until the last step or evaluation.
    #[serde(default)]
    pub seconds: f64,
}

impl RunRecord {
    /// A run that was not started yet.
    pub fn planned(name: String, options: TrainOptions) -> RunRecord {
        let (start, state) = (Value::Null, State::Planned);
        RunRecord { name, options, start, state, reason: None, result: None, seconds: 0.0 }
    }

    /// Adds the results in the run's log, `metrics.jsonl`.
    pub fn with_log(mut self, log: &str, majority: &Majority) -> RunRecord {
        for line in log.lines().filter_map(read_line) {
            self.seconds = line.seconds.unwrap_or(self.seconds);
            if let (true, Some(score)) = (line.best, line.score) {
                let majority_exits = line.dev.iter().filter(|exit| majority.is(exit)).count();
                self.result = Some(RunResult { best_epoch: line.epoch, score, exits: line.dev, majority_exits });
            }
        }
        self
    }

    /// True if it is the same run: the same options from the same start.
    pub fn same_run(&self, other: &RunRecord) -> bool {
        self.options == other.options && self.start == other.start
    }
}

/// The scores of always answering the most common class of dev.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Majority {
    /// Its name.
    pub class: String,
    /// Accuracy: its share of dev.
    pub accuracy: f64,
    /// The mean F1 of the classes.
    pub macro_f1: f64,
}

impl Majority {
    /// The scores for at least one label from 0 and the class names. Of equally common classes it takes the first.
    pub fn of(labels: &[usize], names: &[String]) -> Majority {
        let labels: Vec<i64> = labels.iter().map(|&label| label as i64).collect();
        let count = |class: usize| labels.iter().filter(|&&label| label == class as i64).count();
        // `max_by_key` returns the last of equals; in reverse order that is the first.
        let class = (0..names.len()).rev().max_by_key(|&class| count(class)).unwrap_or(0);
        let counts = Counts::of(&labels, &vec![class as u32; labels.len()], names.len());
        Majority {
            class: names.get(class).cloned().unwrap_or_default(),
            accuracy: counts.accuracy(),
            macro_f1: counts.macro_f1(),
        }
    }

    /// True for an exit with the scores of always answering this class, or one that is as common.
    pub fn is(&self, exit: &ExitScore) -> bool {
        let equal = |value: Option<f64>, other: f64| value.is_some_and(|value| (value - other).abs() < 1e-12);
        equal(exit.accuracy, self.accuracy) && equal(exit.macro_f1, self.macro_f1)
    }
}

/// A line of the log: of a step or, with `dev`, of an epoch.
#[derive(Clone, Debug, Deserialize)]
pub struct LogLine {
    /// From 1.
    pub epoch: usize,
    /// Steps taken so far.
    pub step: u64,
    /// Steps in the whole run; on lines of steps only.
    pub steps: Option<u64>,
    /// The step's loss; `None` if it is not finite.
    pub loss: Option<f64>,
    /// Each exit on dev; on lines of epochs only.
    #[serde(default)]
    pub dev: Vec<ExitScore>,
    /// The score of the epoch; on lines of epochs only.
    pub score: Option<f64>,
    /// True if this epoch is the best so far; on lines of epochs only.
    #[serde(default)]
    pub best: bool,
    /// Seconds of the run so far.
    pub seconds: Option<f64>,
}

/// Reads a line; `None` if it is not complete.
pub fn read_line(line: &str) -> Option<LogLine> {
    serde_json::from_str(line).ok()
}

/// All runs of a grid, as in its `results.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The model that all runs start from and the digests of their data.
    pub start: Value,
    /// The score, such as `weighted-mean of macro_f1`; `None` if runs differ in it.
    pub score: Option<String>,
    /// The scores of a run that learned nothing.
    pub majority: Majority,
    /// The options that differ between runs.
    pub keys: Vec<String>,
    /// The name of the best finished run.
    pub best: Option<String>,
    /// The number of runs in the grid.
    pub planned: usize,
    /// The runs that were started, in the grid's order.
    pub runs: Vec<RunRecord>,
}

impl Summary {
    /// The best of some runs by its score on dev: the first of equals, among those that are finished.
    pub fn best_of(runs: &[RunRecord]) -> Option<&RunRecord> {
        let score = |run: &&RunRecord| run.result.as_ref().map_or(f64::NEG_INFINITY, |result| result.score);
        let finished = runs.iter().filter(|run| run.state == State::Finished && run.result.is_some());
        // `max_by` returns the last of equals; in reverse order that is the first.
        finished.rev().max_by(|a, b| score(a).total_cmp(&score(b)))
    }

    /// The values of a run's options, in the order of the keys.
    pub fn values(&self, run: &RunRecord) -> Vec<Value> {
        let options = serde_json::to_value(&run.options).unwrap_or_default();
        self.keys.iter().map(|key| options[key].clone()).collect()
    }

    /// The values as a person writes them, `2e-5` rather than `0.00002`.
    pub fn texts(&self, run: &RunRecord) -> Vec<String> {
        self.values(run).iter().map(super::plan::value_text).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use epee_exit::ExitMetrics;

    use super::*;
    use crate::EpochReport;

    #[test]
    fn an_exit_that_answers_the_majority_class_is_seen() {
        let names = ["a", "b", "c"].map(str::to_owned);
        let majority = Majority::of(&[1, 1, 1, 0, 2], &names);
        assert_eq!((majority.class.as_str(), majority.accuracy), ("b", 0.6));
        // F1 of b is 2·3/(5 + 3), of the two others 0.
        assert!((majority.macro_f1 - 0.25).abs() < 1e-12);
        let exit = |accuracy, macro_f1| ExitScore { exit: 1, accuracy: Some(accuracy), macro_f1: Some(macro_f1) };
        assert!(majority.is(&exit(0.6, 0.25)));
        assert!(!majority.is(&exit(0.6, 0.4)), "as accurate, with other answers");
        assert!(!majority.is(&ExitScore { exit: 1, accuracy: None, macro_f1: None }));
        assert_eq!(Majority::of(&[0, 1], &names).class, "a");
    }

    #[test]
    fn the_best_run_is_finished_and_the_first_of_equals() {
        let run = |name: &str, state, score: f64| RunRecord {
            state,
            result: Some(RunResult { best_epoch: 1, score, exits: Vec::new(), majority_exits: 0 }),
            ..RunRecord::planned(name.to_owned(), TrainOptions::default())
        };
        let runs = [
            run("low", State::Finished, 0.5),
            run("first", State::Finished, 0.75),
            run("second", State::Finished, 0.75),
            run("failed", State::Failed, 0.9),
        ];
        assert_eq!(Summary::best_of(&runs).unwrap().name, "first");
        assert_eq!(Summary::best_of(&runs[3..]), None);
    }

    fn epoch(epoch: usize, score: f64, best: bool, seconds: f64) -> String {
        let exit = ExitMetrics { exit: 1, accuracy: score, macro_f1: score / 2.0, micro_f1: score, entropy: 0.5 };
        let report =
            EpochReport { epoch, step: 4, train_loss: 1.0, dev: vec![exit], constant_exits: 0, score, best, seconds };
        let mut value = serde_json::to_value(&report).unwrap();
        value["event"] = "epoch".into();
        format!("{value}\n")
    }

    #[test]
    fn the_best_epoch_and_the_time_are_read() {
        let step = r#"{"event":"step","step":1,"steps":9,"epoch":1,"loss":null,"exit_losses":[null],"gradient_norm":null,"learning_rate":0.1,"seconds":5.5}"#;
        let text =
            [&epoch(1, 0.25, true, 5.0), step, "\n", &epoch(2, 0.75, true, 9.0), &epoch(3, 0.5, false, 13.0), "{\"ev"]
                .concat();
        let majority = Majority { class: "no".to_owned(), accuracy: 0.75, macro_f1: 0.375 };
        let record = RunRecord::planned("run".to_owned(), TrainOptions::default());
        let exits = vec![ExitScore { exit: 1, accuracy: Some(0.75), macro_f1: Some(0.375) }];
        let result = Some(RunResult { best_epoch: 2, score: 0.75, exits, majority_exits: 1 });
        let expected = RunRecord { result, seconds: 13.0, ..record.clone() };
        assert_eq!(record.clone().with_log(&text, &majority), expected);
        assert_eq!(record.clone().with_log("", &majority), record);
        assert_eq!(read_line(step).unwrap().steps, Some(9));
    }
}
