//! A model packed for inference.

use epee_nn::{LayerNorm, PackedLayer, PackedLinear, Precision, Workspace};

use crate::backbone::layer_at;
use crate::embeddings::PackedEmbeddings;
use crate::{Backbone, Batch, Error, Exits, Model, Pooling};

/// A multi-exit model for inference. Its weights are packed once at a precision. Any number of [`crate::Session`]s can share it.
///
/// Embeddings and exits are `f32` at every precision. In `f32` the logits equal [`Model::logits`] bit for bit.
pub struct Engine {
    pub(crate) embeddings: PackedEmbeddings,
    pub(crate) layers: Vec<PackedLayer>,
    pub(crate) depth: usize,
    pub(crate) exits: PackedExits,
    pub(crate) precision: Precision,
}

pub(crate) struct PackedExits {
    norm: Option<LayerNorm<f32>>,
    poolers: Vec<PackedLinear>,
    classifiers: Vec<PackedLinear>,
    score: Option<PackedLinear>,
    pub(crate) pooling: Pooling,
}

impl Exits<f32> {
    pub(crate) fn pack(&self) -> PackedExits {
        PackedExits {
            norm: self.norm.clone().filter(|_| self.reads_norm),
            poolers: self.poolers.iter().map(|pooler| pooler.dense.pack()).collect(),
            classifiers: self.classifiers.iter().map(|classifier| classifier.pack()).collect(),
            score: self.score.as_ref().map(|head| head.pack()),
            pooling: self.pooling,
        }
    }
}

impl PackedExits {
    /// Logits `[n, K]` of exit m (from 0) for exit rows `[n, d]`, and scores `[n]` if there is a learned exit head. `features` is
    /// scratch memory.
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

impl Engine {
    /// Packs a model's weights.
    ///
    /// # Errors
    /// A layer that is too wide for the precision, see [`Precision::check_width`].
    pub fn new(model: &Model<f32>, precision: Precision) -> Result<Engine, Error> {
        epee_nn::in_pool(|| {
            let Backbone { embeddings, layers, .. } = &model.backbone;
            let layers = layers.iter().map(|layer| layer.pack(precision)).collect::<Result<_, _>>()?;
            let (embeddings, exits) = (embeddings.clone().pack(), model.exits.pack());
            Ok(Engine { embeddings, layers, depth: model.depth(), exits, precision })
        })
    }

    /// M, the number of layers and exits.
    pub fn depth(&self) -> usize {
        self.depth
    }

    pub(crate) fn layer(&self, m: usize) -> &PackedLayer {
        &self.layers[layer_at(m, self.depth, self.layers.len())]
    }

    /// K, the number of classes.
    pub fn classes(&self) -> usize {
        self.exits.classifiers[0].outputs()
    }

    /// True if there is a learned exit head.
    pub fn has_scores(&self) -> bool {
        self.exits.score.is_some()
    }

    /// d, the width of a hidden state.
    pub fn width(&self) -> usize {
        self.layers[0].width()
    }

    /// The numeric precision of the layers.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Memory of the weights in bytes: packed layers and exits, and embeddings in `f32`.
    pub fn bytes(&self) -> usize {
        let heads = self.exits.poolers.iter().chain(&self.exits.classifiers).chain(&self.exits.score);
        let layers: usize = self.layers.iter().map(PackedLayer::bytes).sum();
        layers + heads.map(PackedLinear::bytes).sum::<usize>() + self.embeddings.bytes()
    }

    /// The most memory of activations per token, in bytes, with all intermediate values of a layer.
    pub(crate) fn token_bytes(&self) -> usize {
        let (d, wide) = (self.width(), self.layers[0].intermediate());
        4 * (10 * d + 2 * wide)
    }

    /// Floating-point operations of a layer for a sequence of `tokens` tokens: all rows, with attention.
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
}
