//! Inference layer by layer: a batch that shrinks as samples leave.

use epee_exit::PolicyState;
use epee_nn::{Span, Workspace};

use crate::{Batch, Engine, Pooling};

mod classify;
mod cost;

use cost::CostModel;
pub use cost::ExitRowFirst;

/// One batch on its way through the layers, and the buffers it uses. Later batches reuse the buffers.
///
/// Call [`Session::start`], then [`Session::advance`], [`Session::logits`] and [`Session::keep`] for every layer. Or call
/// [`Session::classify`], which asks a policy. After the first batches only the answers are allocated.
///
/// A sample's logits do not depend on the rest of the batch, bit for bit. All samples of a batch are at the same layer.
pub struct Session<'e> {
    engine: &'e Engine,
    cost: CostModel,
    work: Workspace,
    /// The next layer to compute, from 0.
    layer: usize,
    /// The rows of all samples at the input of that layer. While rows are pending: at the input of the layer before.
    x: Vec<f32>,
    y: Vec<f32>,
    /// The rows of each running sample in x: first row, number of rows.
    places: Vec<(usize, usize)>,
    /// The batch index of the sample at each place.
    samples: Vec<usize>,
    /// The last exit: its input rows, its logits (a row for each place) and its scores (if the model has a learned exit head).
    exit_rows: Vec<f32>,
    logits: Vec<f32>,
    scores: Vec<f32>,
    /// Only the exit rows of the last layer are computed. Its other rows are pending.
    pending: bool,
    spans: Vec<Span>,
    rows: Vec<f32>,
    features: [Vec<f32>; 2],
    keep: Vec<bool>,
    states: Vec<PolicyState>,
    most_tokens: usize,
}

impl<'e> Session<'e> {
    /// An empty session.
    pub fn new(engine: &'e Engine) -> Session<'e> {
        Session {
            engine,
            cost: CostModel::new(engine.depth()),
            work: Workspace::default(),
            layer: 0,
            x: Vec::new(),
            y: Vec::new(),
            places: Vec::new(),
            samples: Vec::new(),
            exit_rows: Vec::new(),
            logits: Vec::new(),
            scores: Vec::new(),
            pending: false,
            spans: Vec::new(),
            rows: Vec::new(),
            features: Default::default(),
            keep: Vec::new(),
            states: Vec::new(),
            most_tokens: classify::most_tokens(engine),
        }
    }

    /// Chooses when a layer computes its exit row first.
    pub fn exit_row_first(mut self, mode: ExitRowFirst) -> Session<'e> {
        self.cost.mode = mode;
        self
    }

    /// Embeds a batch. It replaces the batch that was in the session.
    pub fn start(&mut self, batch: &Batch) {
        self.layer = 0;
        self.pending = false;
        self.samples.clear();
        self.samples.extend(0..batch.len());
        self.places.clear();
        self.places.extend((0..batch.len()).map(|i| (batch.offsets[i], batch.length(i))));
        let Session { engine, work, rows, y, x, .. } = self;
        engine.embeddings.apply(batch, work, [rows, y], x);
    }

    /// Computes the next layer, and the logits of its exit if `exit` is true. Returns false if no layer or no sample is left.
    ///
    /// Uses all threads inside [`epee_nn::in_pool`], else the calling thread.
    pub fn advance(&mut self, exit: bool) -> bool {
        self.step(exit, exit)
    }

    /// As [`Session::advance`]. `may_leave` says whether samples may leave at this exit.
    pub(crate) fn step(&mut self, exit: bool, may_leave: bool) -> bool {
        if self.layer == self.engine.depth() || self.samples.is_empty() {
            return false;
        }
        if self.pending {
            self.compute_pending();
        }
        let Session { engine, cost, work, x, y, places, exit_rows, spans, rows, .. } = self;
        let layer = engine.layer(self.layer);
        let pooling = engine.exits.pooling;
        layer.keys_values(x, work);
        spans.clear();
        let last = self.layer + 1 == engine.depth();
        let exit_row_first = pooling != Pooling::Mean
            && cost.mode != ExitRowFirst::Never
            && (last || may_leave && cost.worth_it(engine, self.layer, places));
        if exit_row_first {
            for (i, &(row, length)) in places.iter().enumerate() {
                let position = if pooling == Pooling::First { 0 } else { length - 1 };
                spans.push(Span { query: i, rows: 1, first: row, length, position });
            }
            gather(x, spans, engine.width(), rows);
            layer.rows(rows, spans, work, exit_rows);
            self.pending = true;
        } else {
            let all =
                |&(row, length): &(usize, usize)| Span { query: row, rows: length, first: row, length, position: 0 };
            spans.extend(places.iter().map(all));
            layer.rows(x, spans, work, y);
            std::mem::swap(x, y);
        }
        self.layer += 1;
        if exit {
            self.head();
        }
        true
    }

    /// Computes the logits `[running samples, K]` and the scores of the last exit. Repeats the work if [`Session::advance`] did it.
    ///
    /// # Panics
    /// If no layer has been computed.
    pub fn head(&mut self) -> &[f32] {
        if !self.pending {
            self.pool();
        }
        let Session { engine, work, features, logits, scores, exit_rows, layer, .. } = self;
        assert!(*layer > 0, "no exit has been reached");
        engine.exits.forward(*layer - 1, exit_rows, work, features, (&mut *logits, scores));
        logits
    }

    /// Pools the rows of every sample into the row its exit reads.
    fn pool(&mut self) {
        let d = self.engine.width();
        self.exit_rows.clear();
        for &(row, length) in &self.places {
            let rows = &self.x[row * d..(row + length) * d];
            match self.engine.exits.pooling {
                Pooling::First => self.exit_rows.extend_from_slice(&rows[..d]),
                Pooling::Last => self.exit_rows.extend_from_slice(&rows[(length - 1) * d..]),
                Pooling::Mean => {
                    let at = self.exit_rows.len();
                    self.exit_rows.resize(at + d, 0.0);
                    let scale = (1.0 / length as f64) as f32;
                    for row in rows.chunks_exact(d) {
                        for (sum, &x) in self.exit_rows[at..].iter_mut().zip(row) {
                            *sum += x * scale;
                        }
                    }
                }
            }
        }
    }

    /// The batch indices of the running samples, in order.
    pub fn samples(&self) -> &[usize] {
        &self.samples
    }

    /// The logits of the last exit, `[samples that ran then, K]`. [`Session::keep`] does not change them.
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// The learned exit head's estimate of the probability that the last exit is wrong, one per row of [`Session::logits`]. Empty if
    /// the model has no learned exit head.
    pub fn scores(&self) -> &[f32] {
        &self.scores
    }

    /// Removes the samples for which `keep` is false. `keep` has a value for each of [`Session::samples`].
    ///
    /// # Panics
    /// If `keep` has a different number of values.
    pub fn keep(&mut self, keep: &[bool]) {
        assert_eq!(keep.len(), self.samples.len(), "a value for each running sample");
        let leaving = keep.iter().filter(|&&keep| !keep).count();
        if let Some(layer) = self.layer.checked_sub(1) {
            self.cost.record(layer, keep.len(), leaving);
        }
        if leaving == 0 {
            return;
        }
        let d = self.engine.width();
        let (mut kept, mut rows) = (0, 0);
        for (i, _) in keep.iter().enumerate().filter(|(_, keep)| **keep) {
            let (first, length) = self.places[i];
            self.samples[kept] = self.samples[i];
            if self.pending {
                // The pending rows need this layer's input rows and keys, so those stay in place.
                self.places[kept] = (first, length);
                self.exit_rows.copy_within(i * d..(i + 1) * d, kept * d);
            } else {
                self.x.copy_within(first * d..(first + length) * d, rows * d);
                self.places[kept] = (rows, length);
            }
            kept += 1;
            rows += length;
        }
        self.samples.truncate(kept);
        self.places.truncate(kept);
        if self.pending {
            self.exit_rows.truncate(kept * d);
        } else {
            self.x.truncate(rows * d);
        }
    }

    /// Computes the pending rows of the last layer for the samples that are still running.
    fn compute_pending(&mut self) {
        let d = self.engine.width();
        let skip = usize::from(self.engine.exits.pooling == Pooling::First);
        self.spans.clear();
        let mut query = 0;
        for &(first, length) in &self.places {
            self.spans.push(Span { query, rows: length - 1, first, length, position: skip });
            query += length - 1;
        }
        gather(&self.x, &self.spans, d, &mut self.rows);
        self.engine.layer(self.layer - 1).rows(&self.rows, &self.spans, &mut self.work, &mut self.y);
        self.x.clear();
        let mut row = 0;
        for ((place, span), exit) in self.places.iter_mut().zip(&self.spans).zip(self.exit_rows.chunks_exact(d)) {
            let others = &self.y[span.query * d..(span.query + span.rows) * d];
            let (before, after) = if skip == 1 { (exit, others) } else { (others, exit) };
            self.x.extend_from_slice(before);
            self.x.extend_from_slice(after);
            *place = (row, span.length);
            row += span.length;
        }
        self.pending = false;
    }
}

/// Copies the rows of all spans into `rows`.
fn gather(x: &[f32], spans: &[Span], d: usize, rows: &mut Vec<f32>) {
    rows.clear();
    for span in spans {
        let first = span.first + span.position;
        rows.extend_from_slice(&x[first * d..(first + span.rows) * d]);
    }
}
