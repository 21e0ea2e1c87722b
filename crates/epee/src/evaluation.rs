//! Live evaluation: a policy timed beside full depth on the same examples.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use epee_exit::{Answer, Bootstrap, CheckedPolicy, Difference, Metric, Metrics, Replay, Scoring};
use epee_input::{Example, pack_count};
use epee_model::{Batch, ExitRowFirst, Session};
use epee_nn::Precision;
use serde::Serialize;

use crate::classifier::of_example;
use crate::recording::trace_labels;
use crate::{Classifier, Error, Warning};

/// Wall-clock of the policy and of full depth on the same samples.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct WallClock {
    /// Milliseconds per sample under the policy.
    pub policy_ms: f64,
    /// Milliseconds per sample at full depth, with every row of every layer computed.
    pub full_depth_ms: f64,
    /// Milliseconds per sample at full depth, with only the exit row in the last layer.
    pub full_depth_trimmed_ms: f64,
    /// Milliseconds per sample for tokenisation, which the other times leave out.
    pub tokenise_ms: f64,
    /// 1 − policy / full depth.
    pub saving: f64,
    /// Full depth / policy.
    pub ratio: f64,
    /// 1 − policy / trimmed full depth.
    pub saving_trimmed: f64,
    /// Samples in a batch.
    pub batch_size: usize,
    /// Threads.
    pub threads: usize,
}

/// Results on the examples of one grade of difficulty.
#[derive(Clone, Debug, Serialize)]
pub struct Grade {
    /// The grade, from 1.
    pub grade: u32,
    /// Examples.
    pub samples: usize,
    /// Accuracy.
    pub accuracy: f64,
    /// Exit on average.
    pub mean_exit: f64,
}

/// The result of a live run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Evaluation {
    /// The precision of the weights.
    pub precision: Precision,
    /// The policy's answers, in the order of the examples.
    pub answers: Vec<Answer>,
    /// The policy's metrics.
    pub metrics: Metrics,
    /// Full depth's metrics.
    pub full_depth: Metrics,
    /// Macro-F1 of the policy minus full depth's, on the same samples.
    pub difference: Difference,
    /// Times.
    pub wall_clock: WallClock,
    /// Results by grade of difficulty, if the examples have grades.
    pub grades: Vec<Grade>,
    /// Texts that lost their end.
    pub warnings: Vec<Warning>,
}

impl Classifier {
    /// Runs the policy and full depth in turns, batch after batch; `progress` gets the number of samples of each batch.
    ///
    /// # Errors
    /// An example that the model cannot read, or logits that are not finite.
    pub fn evaluate(
        &self,
        examples: &[Example],
        batch_size: usize,
        mut progress: impl FnMut(usize),
    ) -> Result<Evaluation, Error> {
        let start = Instant::now();
        let encoded = self.encode(examples)?;
        let tokenise = start.elapsed();
        let (engine, policy, full) = (self.engine(), self.policy(), self.policy().full_depth());
        let order: Vec<usize> = (0..examples.len()).collect();
        let mut runs = [
            (Session::new(engine), policy),
            (Session::new(engine).exit_row_first(ExitRowFirst::Never), &full),
            (Session::new(engine), &full),
        ]
        .map(|(session, policy)| TimedRun { session, policy, time: Duration::ZERO, answers: Vec::new() });
        for (i, indices) in pack_count(&order, batch_size).iter().enumerate() {
            let batch = Batch::new(indices.iter().map(|&i| &encoded.sequences[i]));
            // The first to run changes from batch to batch, so that none always finds warm caches.
            for turn in 0..runs.len() {
                runs[(i + turn) % 3].run(&batch, i == 0).map_err(|error| of_example(error, examples, indices))?;
            }
            progress(indices.len());
        }
        let per_sample = |time: Duration| 1e3 * time.as_secs_f64() / examples.len() as f64;
        let [policy_ms, full_depth_ms, full_depth_trimmed_ms] = [0, 1, 2].map(|i| per_sample(runs[i].time));
        let [answers, full_answers, _] = runs.map(|run| run.answers);
        let wall_clock = WallClock {
            policy_ms,
            full_depth_ms,
            full_depth_trimmed_ms,
            tokenise_ms: per_sample(tokenise),
            saving: 1.0 - policy_ms / full_depth_ms,
            ratio: full_depth_ms / policy_ms,
            saving_trimmed: 1.0 - policy_ms / full_depth_trimmed_ms,
            batch_size,
            threads: rayon::current_num_threads(),
        };
        let labels = trace_labels(examples);
        let classes_of = |answers: &[Answer]| answers.iter().map(|answer| answer.label as u32).collect::<Vec<_>>();
        let metrics = |answers: &[Answer]| {
            let exits: Vec<u32> = answers.iter().map(|answer| answer.exit as u32).collect();
            Metrics::of(&labels, &classes_of(answers), &exits, engine.depth(), engine.classes())
        };
        let difference = Difference::between(
            &labels,
            &classes_of(&full_answers),
            &classes_of(&answers),
            engine.classes(),
            Metric::MacroF1,
            &Scoring::default(),
            &Bootstrap::default(),
        );
        Ok(Evaluation {
            precision: self.precision(),
            metrics: metrics(&answers),
            full_depth: metrics(&full_answers),
            difference,
            wall_clock,
            grades: grades(examples, answers.iter().map(|answer| (answer.label, answer.exit))),
            warnings: encoded.warning().into_iter().collect(),
            answers,
        })
    }
}

/// One of the runs that take turns on the same batches.
struct TimedRun<'a> {
    session: Session<'a>,
    policy: &'a CheckedPolicy,
    time: Duration,
    answers: Vec<Answer>,
}

impl TimedRun<'_> {
    fn run(&mut self, batch: &Batch, warm_up: bool) -> Result<(), epee_model::Error> {
        if warm_up {
            // Touches the memory that a batch needs, untimed.
            self.session.classify(batch, self.policy)?;
        }
        let start = Instant::now();
        let answers = self.session.classify(batch, self.policy)?;
        self.time += start.elapsed();
        self.answers.extend(answers);
        Ok(())
    }
}

/// Accuracy and mean exit by grade of difficulty, for a replayed policy.
pub fn grades_of(examples: &[Example], replay: &Replay) -> Vec<Grade> {
    let taken = replay.labels.iter().zip(&replay.exits).map(|(&label, &exit)| (label as usize, exit as usize));
    grades(examples, taken)
}

fn grades(examples: &[Example], taken: impl Iterator<Item = (usize, usize)>) -> Vec<Grade> {
    let mut sums: BTreeMap<u32, (usize, usize, usize)> = BTreeMap::new();
    for (example, (label, exit)) in examples.iter().zip(taken) {
        if let Some(grade) = example.grade {
            let (samples, correct, exits) = sums.entry(grade).or_default();
            *samples += 1;
            *correct += usize::from(example.label == Some(label));
            *exits += exit;
        }
    }
    let grade = |(grade, (samples, correct, exits)): (u32, (usize, usize, usize))| Grade {
        grade,
        samples,
        accuracy: correct as f64 / samples as f64,
        mean_exit: exits as f64 / samples as f64,
    };
    sums.into_iter().map(grade).collect()
}

#[cfg(test)]
mod tests {
    use epee_exit::{Policy, Trace, TraceParts, replay};

    use super::*;

    #[test]
    fn grades_are_counted() {
        let parts = TraceParts { exits: 1, classes: 2, logits: vec![0.0, 1.0], labels: vec![1], ..Default::default() };
        let trace = Trace::new(parts).unwrap();
        let replay = replay(&Policy::full().check(1, 2).unwrap(), &trace).unwrap();
        let example = Example { label: Some(1), grade: Some(3), ..Example::default() };
        let grades = grades_of(&[example], &replay);
        assert_eq!((grades[0].grade, grades[0].samples, grades[0].accuracy, grades[0].mean_exit), (3, 1, 1.0, 1.0));
    }
}
