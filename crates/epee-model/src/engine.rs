//! A model with its weights packed for inference.

use std::time::Instant;

use epee_nn::{LayerNorm, PackedLayer, PackedLinear, Precision, Span, Workspace};

use crate::backbone::layer_at;
use crate::embeddings::PackedEmbeddings;
use crate::{Batch, Exits, Model, Pooling};

/// A multi-exit model that answers: weights packed once, at a precision, shared by any number of [`crate::Session`]s.
///
/// Embeddings and heads are `f32` at every precision. In `f32` its logits are [`Model::logits`]'s, bit for bit.
pub struct Engine {
    pub(crate) embeddings: PackedEmbeddings,
    /// Those with weights of their own.
    layers: Vec<PackedLayer>,
    depth: usize,
    pub(crate) exits: PackedExits,
    precision: Precision,
}

/// [`Exits`]' inference side.
pub(crate) struct PackedExits {
    norm: Option<LayerNorm<f32>>,
    poolers: Vec<PackedLinear>,
    classifiers: Vec<PackedLinear>,
    /// The learned exit head.
    score: Option<PackedLinear>,
    pub(crate) pooling: Pooling,
}

impl Exits<f32> {
    pub(crate) fn pack(&self) -> PackedExits {
        PackedExits {
            norm: self.norm.clone().filter(|_| self.reads_norm),
            poolers: self.poolers.iter().map(|pooler| pooler.dense.pack(Precision::F32)).collect(),
            classifiers: self.classifiers.iter().map(|classifier| classifier.pack(Precision::F32)).collect(),
            score: self.score.as_ref().map(|head| head.pack(Precision::F32)),
            pooling: self.pooling,
        }
    }
}

impl PackedExits {
    /// Logits `[n, K]` of exit m (from 0) for exit rows `[n, d]`, and scores `[n]` where there is a learned exit head; `features` is
    /// memory to work in.
    pub(crate) fn forward(
        &self,
        m: usize,
        rows: &[f32],
        work: &mut Workspace,
        features: &mut [Vec<f32>; 2],
        (logits, scores): (&mut Vec<f32>, &mut Vec<f32>),
    ) {
        let [normed, pooled] = features;
        let mut features = rows;
        if let Some(norm) = &self.norm {
            normed.clear();
            normed.extend_from_slice(rows);
            norm.apply(normed);
            features = normed;
        }
        if let Some(last) = self.poolers.len().checked_sub(1) {
            self.poolers[m.min(last)].forward(features, work, pooled);
            epee_nn::tanh(pooled);
            features = pooled;
        }
        self.classifiers[m].forward(features, work, logits);
        if let Some(head) = &self.score {
            head.forward(features, work, scores);
            scores.iter_mut().for_each(|score| *score = epee_nn::sigmoid(*score));
        }
    }
}

/// What a layer costs here: a row's time once the weights are in reach, and the time to reach them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Costs {
    /// Seconds for a row.
    pub(crate) row: f64,
    /// Seconds more for the first row.
    pub(crate) weights: f64,
}

impl Engine {
    /// Packs a model's weights.
    pub fn new(model: &Model<f32>, precision: Precision) -> Engine {
        epee_nn::in_pool(|| {
            let layers = model.backbone.layers.iter().map(|layer| layer.pack(precision)).collect();
            Engine::from_parts(
                model.backbone.embeddings.clone().pack(),
                layers,
                model.depth(),
                model.exits.pack(),
                precision,
            )
        })
    }

    pub(crate) fn from_parts(
        embeddings: PackedEmbeddings,
        layers: Vec<PackedLayer>,
        depth: usize,
        exits: PackedExits,
        precision: Precision,
    ) -> Engine {
        Engine { embeddings, layers, depth, exits, precision }
    }

    /// M
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// The layer at depth m (from 0).
    pub(crate) fn layer(&self, m: usize) -> &PackedLayer {
        &self.layers[layer_at(m, self.depth, self.layers.len())]
    }

    /// K
    pub fn classes(&self) -> usize {
        self.exits.classifiers[0].outputs()
    }

    /// Whether there is a learned exit head.
    pub fn has_scores(&self) -> bool {
        self.exits.score.is_some()
    }

    /// d
    pub fn width(&self) -> usize {
        self.layers[0].width()
    }

    /// Entries of the vocabulary, where it reads text.
    pub fn vocabulary(&self) -> Option<usize> {
        self.embeddings.entries()
    }

    /// What the layers' weights are stored and multiplied in.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Bytes that weights take: layers and heads packed, embeddings in `f32`.
    pub fn bytes(&self) -> usize {
        let heads = self.exits.poolers.iter().chain(&self.exits.classifiers).chain(&self.exits.score);
        let layers: usize = self.layers.iter().map(PackedLayer::bytes).sum();
        layers + heads.map(PackedLinear::bytes).sum::<usize>() + self.embeddings.bytes()
    }

    /// Bytes of activations a token takes at most, all of a layer's intermediate values counted.
    pub(crate) fn token_bytes(&self) -> usize {
        let (d, wide) = (self.width(), self.layers[0].intermediate());
        4 * (10 * d + 2 * wide)
    }

    /// Floating-point operations of a layer on one sequence of `tokens`: all rows, products and attention.
    pub fn layer_operations(&self, tokens: usize) -> usize {
        let (rows, keys_values) = self.layers[0].operations();
        tokens * (rows + keys_values) + 4 * tokens * tokens * self.width()
    }

    /// The logits of every exit, M times `[sequences, K]`.
    pub fn logits(&self, batch: &Batch) -> Vec<epee_nn::Tensor<f32>> {
        epee_nn::in_pool(|| {
            let mut session = crate::Session::new(self);
            session.start(batch);
            let mut logits = Vec::with_capacity(self.depth());
            while session.step(true, false) {
                logits.push(epee_nn::Tensor::from_vec(&[batch.len(), self.classes()], session.logits().to_vec()));
            }
            logits
        })
    }

    /// Measured now, on the threads at hand: the least of a few tries, each on another layer, so that weights come from where they
    /// will come from.
    pub(crate) fn costs(&self) -> Costs {
        const ROWS: usize = 24;
        const TRIES: usize = 6;
        let (mut work, mut y) = (Workspace::default(), Vec::new());
        let x = vec![0.5; ROWS * self.width()];
        let mut time = |rows: usize| {
            let span = Span { query: 0, rows, first: 0, length: ROWS, position: 0 };
            let mut once = |layer: &PackedLayer| {
                layer.keys_values(&x, &mut work);
                let start = Instant::now();
                layer.rows(&x[..rows * self.width()], &[span], &mut work, &mut y);
                start.elapsed().as_secs_f64()
            };
            (0..TRIES).map(|i| once(&self.layers[i % self.layers.len()])).fold(f64::INFINITY, f64::min)
        };
        let (one, many) = (time(1), time(ROWS));
        let row = ((many - one) / (ROWS - 1) as f64).max(0.0);
        Costs { row, weights: (one - row).max(0.0) }
    }
}
