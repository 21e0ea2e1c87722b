//! What a run's `metrics.jsonl` tells of it, while it runs and afterwards.

use serde::Deserialize;

use super::record::ExitScore;

/// A line of the log: of a step or, with `dev`, of an epoch.
#[derive(Clone, Debug, Deserialize)]
pub struct LogLine {
    /// From 1.
    pub epoch: usize,
    /// Steps taken so far.
    pub step: u64,
    /// Steps in the whole run; of a step alone.
    pub steps: Option<u64>,
    /// The step's loss; none where it is not finite.
    pub loss: Option<f64>,
    /// Each exit on dev; of an epoch alone.
    #[serde(default)]
    pub dev: Vec<ExitScore>,
    /// What models are compared by; of an epoch alone.
    pub score: Option<f64>,
    /// True where this model is the best so far; of an epoch alone.
    #[serde(default)]
    pub best: bool,
    /// Of the run so far.
    pub seconds: Option<f64>,
}

/// A run as its log tells it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunLog {
    /// The best epoch, its score and each exit on dev then; none before the first epoch's end.
    pub best: Option<(usize, f64, Vec<ExitScore>)>,
    /// Seconds until the last line.
    pub seconds: f64,
}

/// Reads a line; none where it is not a whole one.
pub fn read_line(line: &str) -> Option<LogLine> {
    serde_json::from_str(line).ok()
}

/// Reads a whole log.
pub fn read_log(text: &str) -> RunLog {
    let mut log = RunLog::default();
    for line in text.lines().filter_map(read_line) {
        log.seconds = line.seconds.unwrap_or(log.seconds);
        if let (true, Some(score)) = (line.best, line.score) {
            log.best = Some((line.epoch, score, line.dev));
        }
    }
    log
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use epee_exit::ExitMetrics;

    use super::*;
    use crate::EpochReport;

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
        let log = read_log(&text);
        let exit = ExitScore { exit: 1, accuracy: Some(0.75), macro_f1: Some(0.375) };
        assert_eq!(log, RunLog { best: Some((2, 0.75, vec![exit])), seconds: 13.0 });
        assert_eq!(read_line(step).unwrap().steps, Some(9));
        assert_eq!(read_log(""), RunLog::default());
    }
}
