//! The policy loop: after each layer the policy decides which samples leave.

use epee_exit::{Answer, CheckedPolicy, Decision, ExitOutput};
use epee_nn::in_pool;

use super::Session;
use crate::{Batch, Engine, Error, memory};

/// The tokens that fit into half of the free memory. The other half is left to other programs.
pub(super) fn most_tokens(engine: &Engine) -> usize {
    memory::available()
        .map_or(usize::MAX, |bytes| (bytes / 2 / engine.token_bytes() as u64).try_into().unwrap_or(usize::MAX))
}

impl<'e> Session<'e> {
    /// Sets the most tokens that [`Session::classify`] runs at once. It runs a larger batch in parts, with the same answers. The
    /// default is as many as fit into half of the free memory of the machine or container.
    pub fn most_tokens(mut self, tokens: usize) -> Session<'e> {
        self.most_tokens = tokens;
        self
    }

    /// Runs the layers, gives the logits of each exit to the policy, and stops each sample where the policy says so.
    ///
    /// Returns one answer per sample, in the batch's order.
    ///
    /// # Errors
    /// [`Error::ExitOutput`] if logits are not finite, [`Error::NoAnswer`] if the policy does not answer at the last exit.
    pub fn classify(&mut self, batch: &Batch, policy: &CheckedPolicy) -> Result<Vec<Answer>, Error> {
        let mut answers = vec![None; batch.len()];
        if batch.tokens() <= self.most_tokens {
            in_pool(|| self.run(batch, policy, &mut answers))?;
        } else {
            for range in batch.parts(self.most_tokens) {
                let first = range.start;
                in_pool(|| self.run(&batch.slice(range.clone()), policy, &mut answers[range])).map_err(|error| {
                    match error {
                        Error::ExitOutput { sample, source } => Error::ExitOutput { sample: first + sample, source },
                        other => other,
                    }
                })?;
            }
        }
        answers.into_iter().collect::<Option<Vec<Answer>>>().ok_or(Error::NoAnswer)
    }

    fn run(&mut self, batch: &Batch, policy: &CheckedPolicy, answers: &mut [Option<Answer>]) -> Result<(), Error> {
        let classes = self.engine.classes();
        self.start(batch);
        self.states.clear();
        self.states.resize(batch.len(), policy.start());
        loop {
            let exit = self.layer + 1;
            let needed = policy.needs(exit);
            if !self.advance(needed) {
                return Ok(());
            }
            if !needed {
                continue;
            }
            let mut keep = std::mem::take(&mut self.keep);
            keep.clear();
            for (i, (&sample, logits)) in self.samples.iter().zip(self.logits.chunks_exact(classes)).enumerate() {
                let output = ExitOutput::new(exit, logits).with_score(self.scores.get(i).copied());
                let decision = policy
                    .observe(&mut self.states[sample], &output)
                    .map_err(|source| Error::ExitOutput { sample, source })?;
                keep.push(decision == Decision::Continue);
                if let Decision::Exit(answer) = decision {
                    answers[sample] = Some(answer);
                }
            }
            self.keep(&keep);
            self.keep = keep;
        }
    }
}
