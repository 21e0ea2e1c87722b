//! Training callbacks and stop signal.

use epee_exit::ExitMetrics;
use serde::Serialize;

/// A training step, as `metrics.jsonl` has it.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    /// From 1.
    pub step: u64,
    /// Steps in the whole run.
    pub steps: u64,
    /// From 1.
    pub epoch: usize,
    /// Sequences in the batch.
    pub sequences: usize,
    /// Tokens, or patches, in the batch.
    pub tokens: usize,
    /// The recipe's loss on this batch with dropout, in nats.
    pub loss: f64,
    /// Cross-entropy of each exit on this batch, in nats.
    pub exit_losses: Vec<f64>,
    /// Accuracy of each exit on this batch.
    pub exit_accuracies: Vec<f64>,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// Seconds of the run so far, with those before it was resumed.
    pub seconds: f64,
}

/// An epoch, as `metrics.jsonl` has it.
#[derive(Clone, Debug, Serialize)]
pub struct EpochReport {
    /// From 1.
    pub epoch: usize,
    /// Steps taken so far.
    pub step: u64,
    /// Mean loss of the epoch's steps.
    pub train_loss: f64,
    /// Metrics of each exit on dev.
    pub dev: Vec<ExitMetrics>,
    /// Number of exits that give the same answer to every dev sample.
    pub constant_exits: usize,
    /// The score by which the best epoch is chosen.
    pub score: f64,
    /// True if this is the best epoch so far.
    pub best: bool,
    /// Seconds of the run so far, with those before it was resumed.
    pub seconds: f64,
}

/// Callbacks of a training run; each does nothing unless it is implemented.
pub trait Observer {
    /// Called once, when model and data are loaded, before the first step.
    fn begin(&mut self) {}

    /// Called after each step.
    fn step(&mut self, _report: &StepReport) {}

    /// Called after each epoch.
    fn epoch(&mut self, _report: &EpochReport) {}

    /// Called after each step and between the batches of an evaluation. `true` ends the run with a checkpoint.
    fn stop(&mut self) -> bool {
        false
    }

    /// Called with information for the user, on one line.
    fn note(&mut self, _text: &str) {}

    /// Called with a warning for the user, on one line.
    fn warn(&mut self, _text: &str) {}
}

/// No callbacks; the run never stops early.
impl Observer for () {}
