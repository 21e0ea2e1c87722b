//! Live inference: one layer at a time, the exit rows first where that pays, the batch shrinking as samples leave.

use epee_exit::{Answer, CheckedPolicy, Decision, ExitOutput, PolicyState};
use epee_nn::{Span, Workspace, in_pool};

use crate::engine::Costs;
use crate::{Batch, Engine, Error, Pooling, memory};

/// When a layer computes the row its exit reads before the others.
///
/// Keys and values of all rows come first, then the exit row alone, then the head; if the sample leaves, the other rows
/// were never computed; if it goes on, they are, and the weights are read a second time. Answers are the same bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExitRowFirst {
    /// Where the exits seen so far make it likely enough to pay, by costs measured on this machine.
    #[default]
    Auto,
    /// At every exit that is looked at.
    Always,
    /// At no exit, and in the last layer all rows are computed too: the whole model's work.
    Never,
}

/// One batch on its way through the layers, and the memory it works in, which later batches use again.
///
/// [`Session::start`], then for every layer [`Session::advance`], [`Session::logits`], [`Session::keep`]; or
/// [`Session::classify`], which asks a policy. After the first batches nothing is allocated but the answers.
///
/// A sample's logits do not depend on the rest of the batch, bit for bit. All samples of a batch are at one depth: a model
/// whose layers share weights could put batches of different depths into one product, since a layer is told its rows only.
pub struct Session<'e> {
    engine: &'e Engine,
    first: ExitRowFirst,
    work: Workspace,
    /// The layer to compute next, from 0.
    layer: usize,
    /// Rows of all samples at the input of that layer; of the layer before while the other rows are owed.
    x: Vec<f32>,
    y: Vec<f32>,
    /// Where each running sample's rows stand in x: first row, length.
    places: Vec<(usize, usize)>,
    /// Which sample of the batch is at each place.
    samples: Vec<usize>,
    /// The exit rows of the layer just computed, its logits, a row for each place, and its scores, where the model has them.
    exit_rows: Vec<f32>,
    logits: Vec<f32>,
    scores: Vec<f32>,
    /// The layer's other rows have not been computed yet.
    owed: bool,
    spans: Vec<Span>,
    rows: Vec<f32>,
    features: [Vec<f32>; 2],
    keep: Vec<bool>,
    states: Vec<PolicyState>,
    seen: Vec<Seen>,
    most_tokens: usize,
    costs: Option<Costs>,
}

/// How often an exit was reached, and how often a sample left there.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    reached: u64,
    left: u64,
}

impl<'e> Session<'e> {
    /// A session with nothing in it.
    pub fn new(engine: &'e Engine) -> Session<'e> {
        Session {
            engine,
            first: ExitRowFirst::Auto,
            work: Workspace::default(),
            layer: 0,
            x: Vec::new(),
            y: Vec::new(),
            places: Vec::new(),
            samples: Vec::new(),
            exit_rows: Vec::new(),
            logits: Vec::new(),
            scores: Vec::new(),
            owed: false,
            spans: Vec::new(),
            rows: Vec::new(),
            features: Default::default(),
            keep: Vec::new(),
            states: Vec::new(),
            seen: vec![Seen::default(); engine.depth()],
            costs: None,
            most_tokens: memory::available().map_or(usize::MAX, |bytes| {
                // Half of what is left, so that others find some too.
                (bytes / 2 / engine.token_bytes() as u64).try_into().unwrap_or(usize::MAX)
            }),
        }
    }

    /// The most tokens [`Session::classify`] takes at once: a larger batch is run in parts, and answers are the same. Unless
    /// it is set, what fits into half the memory the machine or the container has left.
    pub fn most_tokens(mut self, tokens: usize) -> Session<'e> {
        self.most_tokens = tokens;
        self
    }

    /// Chooses when exit rows are computed first.
    pub fn exit_row_first(mut self, first: ExitRowFirst) -> Session<'e> {
        self.first = first;
        self
    }

    /// Embeds a batch. What was in the session before is gone.
    pub fn start(&mut self, batch: &Batch) {
        self.layer = 0;
        self.owed = false;
        self.samples.clear();
        self.samples.extend(0..batch.len());
        self.places.clear();
        self.places.extend((0..batch.len()).map(|i| (batch.offsets[i], batch.length(i))));
        let Session { engine, work, rows, y, x, .. } = self;
        engine.embeddings.apply(batch, work, [rows, y], x);
    }

    /// Computes the next layer, and its exit's logits where `head` says so; false where no layer is left, or no sample. On all
    /// threads inside [`epee_nn::in_pool`], on this one outside of it.
    pub fn advance(&mut self, head: bool) -> bool {
        self.step(head, head)
    }

    /// As [`Session::advance`]; `may_leave` says whether samples may leave at this exit.
    pub(crate) fn step(&mut self, head: bool, may_leave: bool) -> bool {
        if self.layer == self.engine.depth() || self.samples.is_empty() {
            return false;
        }
        if self.owed {
            self.pay();
        }
        let layer = self.engine.layer(self.layer);
        let last = self.layer + 1 == self.engine.depth();
        let pooling = self.engine.exits.pooling;
        layer.keys_values(&self.x, &mut self.work);
        self.spans.clear();
        let one_row = pooling != Pooling::Mean;
        let first = one_row && self.first != ExitRowFirst::Never && (last || head && may_leave && self.pays());
        if first {
            for (i, &(row, length)) in self.places.iter().enumerate() {
                let position = if pooling == Pooling::First { 0 } else { length - 1 };
                self.spans.push(Span { query: i, rows: 1, first: row, length, position });
            }
            gather(&self.x, &self.spans, self.engine.width(), &mut self.rows);
            layer.rows(&self.rows, &self.spans, &mut self.work, &mut self.exit_rows);
            self.owed = true;
        } else {
            for &(row, length) in &self.places {
                self.spans.push(Span { query: row, rows: length, first: row, length, position: 0 });
            }
            layer.rows(&self.x, &self.spans, &mut self.work, &mut self.y);
            std::mem::swap(&mut self.x, &mut self.y);
        }
        self.layer += 1;
        if head {
            self.head();
        }
        true
    }

    /// Computes the logits `[running, K]` of the exit just reached, and its scores, again if [`Session::advance`] did so already.
    ///
    /// # Panics
    /// Where no layer has been computed.
    pub fn head(&mut self) -> &[f32] {
        if !self.owed {
            self.pool(self.engine.exits.pooling);
        }
        let Session { engine, work, features, logits, scores, exit_rows, layer, .. } = self;
        assert!(*layer > 0, "no exit has been reached");
        engine.exits.forward(*layer - 1, exit_rows, work, features, (&mut *logits, scores));
        logits
    }

    /// The rows the exits read, from rows that are all there.
    fn pool(&mut self, pooling: Pooling) {
        let d = self.engine.width();
        self.exit_rows.clear();
        for &(row, length) in &self.places {
            let rows = &self.x[row * d..(row + length) * d];
            match pooling {
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

    /// Whether to compute the exit rows first, by the least expected time.
    fn pays(&mut self) -> bool {
        match self.first {
            ExitRowFirst::Always => return true,
            ExitRowFirst::Never => return false,
            ExitRowFirst::Auto => {}
        }
        let (samples, rows) = (self.places.len(), self.places.iter().map(|&(_, length)| length).sum::<usize>());
        let Seen { reached, left } = self.seen[self.layer];
        // Two samples' worth of doubt, so that the first one decides little.
        let leave = (left as f64 + 1.0) / (reached as f64 + 2.0);
        let costs = *self.costs.get_or_insert_with(|| self.engine.costs());
        // The weights are read again unless all leave; the other rows are saved for those that do.
        let again = (1.0 - leave.powi(samples as i32)) * costs.weights;
        let saved = leave * (rows - samples) as f64 * costs.row;
        again < saved
    }

    /// The running samples, by their number in the batch, in order.
    pub fn samples(&self) -> &[usize] {
        &self.samples
    }

    /// The logits `[running, K]` of the exit just computed, a row for each sample that ran then: [`Session::keep`] does not
    /// change them.
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// What the learned exit head says of the exit just computed, `[running]` as [`Session::logits`]: the probability that the exit is
    /// wrong. Empty for a model without one.
    pub fn scores(&self) -> &[f32] {
        &self.scores
    }

    /// Lets samples leave: those for which `keep`, a value for each of [`Session::samples`], is false.
    ///
    /// # Panics
    /// Where it has another number of values.
    pub fn keep(&mut self, keep: &[bool]) {
        assert_eq!(keep.len(), self.samples.len(), "a value for each running sample");
        if let Some(seen) = self.layer.checked_sub(1).map(|layer| &mut self.seen[layer]) {
            seen.reached += keep.len() as u64;
            seen.left += keep.iter().filter(|&&keep| !keep).count() as u64;
        }
        if keep.iter().all(|&keep| keep) {
            return;
        }
        let d = self.engine.width();
        let (mut kept, mut rows) = (0, 0);
        for (i, _) in keep.iter().enumerate().filter(|(_, keep)| **keep) {
            let (first, length) = self.places[i];
            self.samples[kept] = self.samples[i];
            if self.owed {
                // The other rows are still to be computed, from rows and keys that stay where they are.
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
        if self.owed {
            self.exit_rows.truncate(kept * d);
        } else {
            self.x.truncate(rows * d);
        }
    }

    /// Computes the rows of the last layer that were left for later, of the samples that are still here.
    fn pay(&mut self) {
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
        self.owed = false;
    }

    /// Runs the layers and hands each exit's logits to the policy; a sample leaves the batch where its policy says so.
    ///
    /// One answer per sample, in the batch's order.
    ///
    /// # Errors
    /// [`Error::ExitOutput`] where logits are not finite.
    pub fn classify(&mut self, batch: &Batch, policy: &CheckedPolicy) -> Result<Vec<Answer>, Error> {
        let mut answers = vec![None; batch.len()];
        if batch.tokens() <= self.most_tokens {
            in_pool(|| self.run(batch, policy, &mut answers))?;
        } else {
            for range in batch.parts(self.most_tokens) {
                let first = range.start;
                in_pool(|| self.run(&batch.slice(range.clone()), policy, &mut answers[range]))
                    .map_err(|error| error.of_part(first))?;
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
            let head = policy.needs(exit);
            if !self.step(head, head) {
                return Ok(());
            }
            if !head {
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

/// The rows that spans name, one after the other.
fn gather(x: &[f32], spans: &[Span], d: usize, rows: &mut Vec<f32>) {
    rows.clear();
    for span in spans {
        let first = span.first + span.position;
        rows.extend_from_slice(&x[first * d..(first + span.rows) * d]);
    }
}
