//! Recording a trace: the logits of every exit for every sample.

use std::time::{Duration, Instant};

use epee_data::{Encoding, pack};
use epee_nn::{Dropout, in_pool};

use crate::{Backbone, Batch, Model};

/// The logits of every exit, and what they cost.
#[derive(Clone, Debug)]
pub struct Recording {
    /// `[N, M, K]`, in the order of the sequences.
    pub logits: Vec<f32>,
    /// Time spent in each layer, its exit included; the embedding counts to the first.
    pub layer_times: Vec<Duration>,
}

/// Tokens in a batch of a recording: enough to keep the cores busy, little enough for the caches.
const TOKENS: usize = 1024;

impl Model<f32> {
    /// Runs all layers on all sequences, packed by token budget; `done` is told how many sequences a batch held.
    ///
    /// Each sequence's logits are those it has alone, bit for bit.
    pub fn record(&self, sequences: &[Encoding], done: impl FnMut(usize) + Send) -> Recording {
        in_pool(|| self.record_here(sequences, done))
    }

    fn record_here(&self, sequences: &[Encoding], mut done: impl FnMut(usize)) -> Recording {
        let (depth, classes) = (self.depth(), self.classes());
        let lengths: Vec<usize> = sequences.iter().map(|sequence| sequence.ids.len()).collect();
        let mut logits = vec![0.0; sequences.len() * depth * classes];
        let mut layer_times = vec![Duration::ZERO; depth];
        for indices in pack(&lengths, TOKENS) {
            let batch = Batch::new(indices.iter().map(|&i| &sequences[i]));
            let mut start = Instant::now();
            let (mut x, _) = self.backbone.embed(&batch, Dropout::off());
            for m in 0..depth {
                x = self.backbone.layer(m, x, &batch.offsets, Dropout::off()).0;
                let (z, _) = self.exits.forward(m, &x, &batch.offsets, Dropout::off());
                for (row, &i) in indices.iter().enumerate() {
                    let at = (i * depth + m) * classes;
                    logits[at..at + classes].copy_from_slice(z.row(row));
                }
                let end = Instant::now();
                layer_times[m] += end - start;
                start = end;
            }
            done(indices.len());
        }
        Recording { logits, layer_times }
    }
}
