//! What is kept of runs: one, and all of a grid.

use epee_exit::Counts;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::log::RunLog;
use crate::TrainOptions;

/// How far a run came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It was begun.
    Running,
    /// It came to its end, or to that of its patience.
    Finished,
    /// It ended with an error.
    Failed,
    /// It was stopped, with a checkpoint to go on from.
    Stopped,
}

impl State {
    /// Its name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Finished => "finished",
            State::Failed => "failed",
            State::Stopped => "stopped",
        }
    }
}

/// One exit on dev; a score that is not finite is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExitScore {
    /// From 1.
    pub exit: usize,
    /// The share answered right.
    pub accuracy: Option<f64>,
    /// The mean of the classes' F1.
    pub macro_f1: Option<f64>,
}

/// The best epoch of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// From 1.
    pub best_epoch: usize,
    /// What models are compared by.
    pub score: f64,
    /// Each exit on dev.
    pub exits: Vec<ExitScore>,
    /// How many of them answer the majority class to everything.
    pub majority_exits: usize,
}

impl RunResult {
    /// True where every exit answers the majority class to everything: nothing was learned.
    pub fn majority(&self) -> bool {
        self.majority_exits == self.exits.len()
    }
}

/// One run, as its `run.json` keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its folder's name.
    pub name: String,
    /// What it is told.
    pub options: TrainOptions,
    /// What it starts from and the digests of its data.
    pub start: Value,
    /// How far it came.
    pub state: State,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its best epoch; none before the first epoch's end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<RunResult>,
    /// Seconds until the last step or evaluation.
    #[serde(default)]
    pub seconds: f64,
}

impl RunRecord {
    /// Takes in what the run's log tells.
    pub fn with_log(self, log: RunLog, majority: &Majority) -> RunRecord {
        let result = log.best.map(|(best_epoch, score, exits)| {
            let majority_exits = exits.iter().filter(|exit| majority.is(exit)).count();
            RunResult { best_epoch, score, exits, majority_exits }
        });
        RunRecord { result, seconds: log.seconds, ..self }
    }

    /// True where it is the same run: the same options from the same start.
    pub fn same_run(&self, other: &RunRecord) -> bool {
        self.options == other.options && self.start == other.start
    }
}

/// What always answering the commonest class of dev is worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Majority {
    /// Its name.
    pub class: String,
    /// Its share of dev, which is the accuracy of always answering it.
    pub accuracy: f64,
    /// The mean of the classes' F1 of always answering it.
    pub macro_f1: f64,
}

impl Majority {
    /// Of labels `[N]` from 0, one at least, and the classes' names. Of two classes that are equally common the first.
    pub fn of(labels: &[usize], names: &[String]) -> Majority {
        let labels: Vec<i64> = labels.iter().map(|&label| label as i64).collect();
        let count = |class: usize| labels.iter().filter(|&&label| label == class as i64).count();
        // The last of equals is the maximum; seen from behind it is the first.
        let class = (0..names.len()).rev().max_by_key(|&class| count(class)).unwrap_or(0);
        let counts = Counts::of(&labels, &vec![class as u32; labels.len()], names.len());
        Majority {
            class: names.get(class).cloned().unwrap_or_default(),
            accuracy: counts.accuracy(),
            macro_f1: counts.macro_f1(),
        }
    }

    /// True of an exit whose scores are those of always answering this class, or one that is as common.
    pub fn is(&self, exit: &ExitScore) -> bool {
        let equal = |value: Option<f64>, other: f64| value.is_some_and(|value| (value - other).abs() < 1e-12);
        equal(exit.accuracy, self.accuracy) && equal(exit.macro_f1, self.macro_f1)
    }
}

/// All runs of a grid, as `results.json` keeps them and a report shows them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// What all runs start from and the digests of their data.
    pub start: Value,
    /// What models are compared by, `weighted-mean of macro_f1`; none where runs differ in it.
    pub score: Option<String>,
    /// What runs that learned nothing answer.
    pub majority: Majority,
    /// The options that tell runs apart.
    pub keys: Vec<String>,
    /// The name of the best run that is finished.
    pub best: Option<String>,
    /// How many runs the grid has.
    pub planned: usize,
    /// The runs that were begun, in the grid's order.
    pub runs: Vec<RunRecord>,
}

impl Summary {
    /// Which of some runs is the best by dev: finished, the highest score, the first of equals.
    pub fn best_of(runs: &[RunRecord]) -> Option<&RunRecord> {
        let finished = runs.iter().filter(|run| run.state == State::Finished);
        let mut best: Option<(&RunRecord, f64)> = None;
        for run in finished {
            if let Some(score) = run.result.as_ref().map(|result| result.score)
                && best.is_none_or(|(_, most)| score > most)
            {
                best = Some((run, score));
            }
        }
        best.map(|(run, _)| run)
    }

    /// The values of a run's options, in the order of the keys.
    pub fn values(&self, run: &RunRecord) -> Vec<Value> {
        let options = serde_json::to_value(&run.options).unwrap_or_default();
        self.keys.iter().map(|key| options[key].clone()).collect()
    }

    /// The same as a person writes them, `2e-5` rather than `0.00002`.
    pub fn texts(&self, run: &RunRecord) -> Vec<String> {
        self.values(run).iter().map(super::plan::text).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_exit_that_answers_the_majority_class_is_seen() {
        let names = ["a", "b", "c"].map(str::to_owned);
        let majority = Majority::of(&[1, 1, 1, 0, 2], &names);
        assert_eq!((majority.class.as_str(), majority.accuracy), ("b", 0.6));
        // F1 of b is 2·3/(5 + 3), of the two others 0.
        assert!((majority.macro_f1 - 0.25).abs() < 1e-12);
        let exit = |accuracy, macro_f1| ExitScore { exit: 1, accuracy: Some(accuracy), macro_f1: Some(macro_f1) };
        assert!(majority.is(&exit(0.6, 0.25)));
        assert!(!majority.is(&exit(0.6, 0.4)), "as often right, but not by that");
        assert!(!majority.is(&ExitScore { exit: 1, accuracy: None, macro_f1: None }));
        assert_eq!(Majority::of(&[0, 1], &names).class, "a");
    }

    #[test]
    fn the_best_run_is_finished_and_the_first_of_equals() {
        let run = |name: &str, state, score: f64| RunRecord {
            name: name.to_owned(),
            options: TrainOptions::default(),
            start: Value::Null,
            state,
            reason: None,
            result: Some(RunResult { best_epoch: 1, score, exits: Vec::new(), majority_exits: 0 }),
            seconds: 0.0,
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
}
