//! Live inference: one layer at a time, until the policy has its answer.

use epee_exit::{Answer, CheckedPolicy, Decision, ExitPolicy};
use epee_nn::{Dropout, Tensor, in_pool};

use crate::{Backbone, Batch, Error, Model};

impl Model<f32> {
    /// Runs the layers and hands each exit's logits to the policy; a sequence leaves the batch where its policy says so.
    ///
    /// One answer per sequence, in the batch's order. A sequence's answer does not depend on the rest of the batch, bit for bit.
    ///
    /// # Errors
    /// [`Error::Evidence`] where logits are not finite.
    pub fn classify(&self, batch: &Batch, policy: &CheckedPolicy) -> Result<Vec<Answer>, Error> {
        in_pool(|| self.classify_here(batch, policy))
    }

    fn classify_here(&self, batch: &Batch, policy: &CheckedPolicy) -> Result<Vec<Answer>, Error> {
        let mut answers: Vec<Option<Answer>> = vec![None; batch.len()];
        let mut states: Vec<_> = (0..batch.len()).map(|_| policy.start()).collect();
        // The sequences still running, and their places in the packed rows.
        let mut running: Vec<usize> = (0..batch.len()).collect();
        let mut offsets = batch.offsets.clone();
        let (mut x, _) = self.backbone.embed(batch, Dropout::off());
        for m in 0..self.depth() {
            if running.is_empty() {
                break;
            }
            x = self.backbone.layer(m, x, &offsets, Dropout::off()).0;
            if !policy.needs(m + 1) {
                continue;
            }
            let (logits, _) = self.exits.forward(m, &x, &offsets, Dropout::off());
            let mut stays = Vec::with_capacity(running.len());
            for (row, &sample) in running.iter().enumerate() {
                let evidence = epee_exit::Evidence { exit: m + 1, logits: logits.row(row), score: None };
                let decision = policy
                    .observe(&mut states[sample], &evidence)
                    .map_err(|source| Error::Evidence { sample, source })?;
                match decision {
                    Decision::Exit(answer) => answers[sample] = Some(answer),
                    Decision::Continue => stays.push(row),
                }
            }
            if stays.len() < running.len() {
                (x, offsets) = compact(&x, &offsets, &stays);
                running = stays.iter().map(|&row| running[row]).collect();
            }
        }
        let answers: Option<Vec<Answer>> = answers.into_iter().collect();
        answers.ok_or(Error::NoAnswer)
    }

    /// Logits of every exit, M times `[sequences, K]`.
    pub fn logits(&self, batch: &Batch) -> Vec<Tensor<f32>> {
        self.forward(batch, Dropout::off()).0
    }
}

/// Keeps the rows of the given sequences.
fn compact(x: &Tensor<f32>, offsets: &[usize], stays: &[usize]) -> (Tensor<f32>, Vec<usize>) {
    let rows: Vec<usize> = stays.iter().flat_map(|&i| offsets[i]..offsets[i + 1]).collect();
    let mut kept = vec![0];
    let mut end = 0;
    for &i in stays {
        end += offsets[i + 1] - offsets[i];
        kept.push(end);
    }
    (x.gather(&rows), kept)
}
