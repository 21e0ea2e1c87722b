//! Who is told how a run goes.

use epee_exit::ExitMetrics;
use serde::Serialize;

/// A step that was taken.
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
    /// What the recipe makes smaller, on this batch, dropout on, in nats.
    pub loss: f64,
    /// `CE_m` on this batch.
    pub exit_losses: Vec<f64>,
    /// The share of the batch that each exit answers right.
    pub exit_accuracies: Vec<f64>,
    /// Before clipping.
    pub gradient_norm: f64,
    /// Of this step.
    pub learning_rate: f64,
    /// Of the run so far, what came before a resumption included.
    pub seconds: f64,
}

/// An epoch that was finished.
#[derive(Clone, Debug, Serialize)]
pub struct EpochReport {
    /// From 1.
    pub epoch: usize,
    /// Steps taken so far.
    pub step: u64,
    /// Mean of the steps' losses.
    pub train_loss: f64,
    /// Each exit on dev.
    pub dev: Vec<ExitMetrics>,
    /// How many exits give one answer to all of dev.
    pub constant_exits: usize,
    /// What models are compared by.
    pub score: f64,
    /// True where this model is the best so far.
    pub best: bool,
    /// Of the run so far, what came before a resumption included.
    pub seconds: f64,
}

/// Is told how a run goes, and may stop it.
pub trait Observer {
    /// After each step.
    fn step(&mut self, report: &StepReport);
    /// After each epoch.
    fn epoch(&mut self, report: &EpochReport);
    /// Asked after each step, and between the batches of an evaluation; true ends the run with a checkpoint.
    fn stop(&mut self) -> bool {
        false
    }
    /// Something the user should know, on one line.
    fn warn(&mut self, text: &str) {
        let _ = text;
    }
}
