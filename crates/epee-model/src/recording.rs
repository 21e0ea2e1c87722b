//! Records the outputs of all exits for a list of sequences, as traces and evaluations need.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use epee_input::{Sequence, pack};
use epee_nn::in_pool;

use crate::{Batch, Engine, Session};

/// The logits and scores of every exit, and the time of each layer.
#[derive(Clone, Debug)]
pub struct Recording {
    /// `[N, M, K]`, in the order of the sequences.
    pub logits: Vec<f32>,
    /// `[N, M]`: the learned exit head's scores, if the model has one.
    pub scores: Option<Vec<f32>>,
    /// The time of each layer with its exit. The first includes the embeddings. The last computes only the rows that its exit reads (with
    /// mean pooling: all).
    pub layer_times: Vec<Duration>,
}

/// Tokens per batch: enough to keep the cores busy, few enough for the caches.
const TOKENS: usize = 1024;

impl Engine {
    /// Runs all layers on all sequences. After each batch it calls `done` with the number of sequences in the batch.
    ///
    /// Each sequence has the same logits and scores as alone, bit for bit.
    pub fn record(&self, sequences: &[Sequence], mut done: impl FnMut(usize)) -> Recording {
        let all = self.record_while(sequences, |n| {
            done(n);
            ControlFlow::<Infallible>::Continue(())
        });
        let ControlFlow::Continue(recording) = all;
        recording
    }

    /// As [`Engine::record`], but `done` can stop the recording.
    pub fn record_while<B>(
        &self,
        sequences: &[Sequence],
        mut done: impl FnMut(usize) -> ControlFlow<B>,
    ) -> ControlFlow<B, Recording> {
        let (depth, classes) = (self.depth(), self.classes());
        let lengths: Vec<usize> = sequences.iter().map(Sequence::tokens).collect();
        let mut logits = vec![0.0; sequences.len() * depth * classes];
        let mut scores = self.has_scores().then(|| vec![0.0; sequences.len() * depth]);
        let mut layer_times = vec![Duration::ZERO; depth];
        let mut session = Session::new(self);
        for indices in pack(&lengths, TOKENS) {
            let batch = Batch::new(indices.iter().map(|&i| &sequences[i]));
            in_pool(|| {
                let mut start = Instant::now();
                session.start(&batch);
                for m in 0..depth {
                    session.step(true, false);
                    for (z, &i) in session.logits().chunks_exact(classes).zip(&indices) {
                        let at = (i * depth + m) * classes;
                        logits[at..at + classes].copy_from_slice(z);
                    }
                    if let Some(scores) = &mut scores {
                        for (&score, &i) in session.scores().iter().zip(&indices) {
                            scores[i * depth + m] = score;
                        }
                    }
                    let end = Instant::now();
                    layer_times[m] += end - start;
                    start = end;
                }
            });
            done(indices.len())?;
        }
        ControlFlow::Continue(Recording { logits, scores, layer_times })
    }
}
