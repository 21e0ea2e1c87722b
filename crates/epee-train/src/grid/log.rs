//! Reads a run's `metrics.jsonl`, during the run and afterwards.

use serde::Deserialize;

use super::record::ExitScore;

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use epee_exit::ExitMetrics;

    use super::super::record::{Majority, RunRecord, RunResult};
    use super::*;
    use crate::{EpochReport, TrainOptions};

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
