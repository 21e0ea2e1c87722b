//! The model: a backbone and its exits, with forward and backward passes.

use std::borrow::Cow;

use epee_nn::{Dropout, LayerDropout, Parameters, SavedLayer, Scalar, Tensor, in_pool};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::embeddings::{Embeddings, SavedEmbedding};
use crate::exits::SavedExit;
use crate::shape::InputShape;
use crate::{Backbone, BackboneGradient, Batch, Config, ExitConfig, Exits, OutputGradients, Outputs};

/// A transformer with an exit after every layer.
///
/// ```
/// use epee_model::{Batch, BackboneGradient, Config, ExitConfig, Model};
/// use epee_nn::{AdamW, Dropout, Parameters, Targets, cross_entropy};
/// let bert = br#"{"model_type": "bert", "vocab_size": 9, "hidden_size": 4, "num_hidden_layers": 2, "num_attention_heads": 2,
///     "intermediate_size": 6, "max_position_embeddings": 5}"#;
/// let config = Config::from_bytes(bert)?;
/// let mut model: Model = Model::new(&config, ExitConfig::of(&config, 2), 1);
/// // One sequence of three tokens, and one training step on the mean loss of both exits.
/// let batch = Batch { ids: vec![1, 2, 3], type_ids: vec![0; 3], offsets: vec![0, 3], ..Batch::default() };
/// let (mut grads, mut adamw) = (model.zeros_like(), AdamW::new(&model, 0.01));
/// let (outputs, saved) = model.forward(&batch, Dropout::off());
/// let losses: Vec<_> = outputs.logits.iter().map(|z| cross_entropy(z, &Targets::of(&[1], 2))).collect();
/// let before: f64 = losses.iter().map(|loss| loss.loss).sum();
/// let gradients: Vec<_> = losses.into_iter().map(|loss| loss.gradient).collect();
/// model.backward(&batch, &gradients.into(), &saved, BackboneGradient::Joint, &mut grads);
/// adamw.step(&mut model, &grads, 0.5, |_| Some(1e-3));
/// let after: f64 = model.logits(&batch).iter().map(|z| cross_entropy(z, &Targets::of(&[1], 2)).loss).sum();
/// assert!(after < before);
/// # Ok::<(), epee_model::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Model<T: Scalar = f32> {
    pub(crate) backbone: Backbone<T>,
    pub(crate) exits: Exits<T>,
}

/// Values that [`Model::backward`] needs.
pub struct SavedForward<T: Scalar = f32> {
    dropout: Dropout,
    embedding: SavedEmbedding<T>,
    layers: Vec<(SavedLayer<T>, SavedExit<T>)>,
}

impl<T: Scalar> Parameters<T> for Model<T> {
    fn visit<'a>(&'a self, prefix: &str, f: &mut dyn FnMut(String, &'a Tensor<T>)) {
        self.backbone.visit(prefix, f);
        self.exits.visit(&epee_nn::join(prefix, "exits"), f);
    }
    fn visit_mut<'a>(&'a mut self, prefix: &str, f: &mut dyn FnMut(String, &'a mut Tensor<T>)) {
        self.backbone.visit_mut(prefix, f);
        self.exits.visit_mut(&epee_nn::join(prefix, "exits"), f);
    }
}

impl<T: Scalar> Model<T> {
    /// All weights zero and norms at identity, to be filled from a checkpoint.
    pub(crate) fn zeros(config: &Config, exit_config: ExitConfig) -> Model<T> {
        Model { backbone: Backbone::zeros(&config.shape), exits: Exits::zeros(&config.shape, exit_config) }
    }

    /// Fresh weights: normal with standard deviation `initializer_range`, biases zero, norms at identity.
    pub fn new(config: &Config, exit_config: ExitConfig, seed: u64) -> Model<T> {
        let mut model = Model::zeros(config, exit_config);
        let mut normal = Normal::new(seed, config.shape.initializer_range);
        model.visit_mut("", &mut |name, tensor| normal.fill(&name, tensor));
        model
    }

    /// Adapts the model to another image size (see [`Config::with_image_size`]): interpolates the position embeddings.
    ///
    /// # Panics
    /// If `from` is not this model's configuration.
    pub fn resize_images(&mut self, from: &Config, to: &Config) {
        if let (Embeddings::Image(image), InputShape::Image(from), InputShape::Image(to)) =
            (&mut self.backbone.embeddings, from.shape.input, to.shape.input)
        {
            *image = image.resized(from, to);
        }
    }

    /// M, the number of layers and exits.
    pub fn depth(&self) -> usize {
        self.backbone.depth
    }

    /// The number of layers with their own weights: M, or fewer if layers share weights.
    pub fn groups(&self) -> usize {
        self.backbone.layers.len()
    }

    /// K, the number of classes.
    pub fn classes(&self) -> usize {
        self.exits.classifiers[0].outputs()
    }

    /// True if all exits share one pooler.
    pub fn shares_pooler(&self) -> bool {
        self.exits.poolers.len() == 1
    }

    /// Logits of every exit, and scores if there is a learned exit head.
    pub fn forward(&self, batch: &Batch, dropout: Dropout) -> (Outputs<T>, SavedForward<T>) {
        in_pool(|| {
            let backbone = &self.backbone;
            let (mut x, embedding) = backbone.embeddings.forward(batch, backbone.embedding_dropout(dropout));
            let mut outputs = Outputs { logits: Vec::with_capacity(self.depth()), scores: Vec::new() };
            let mut layers = Vec::with_capacity(self.depth());
            for m in 0..self.depth() {
                let (query_rows, offsets) = self.query_rows(m, batch);
                let layer_dropout = backbone.layer_dropout(dropout, m);
                let layer = &backbone.layers[backbone.layer_at(m)];
                let (y, layer) = layer.forward(x, &batch.offsets, query_rows.as_deref(), layer_dropout);
                let (logits, score, exit) = self.exits.forward(m, &y, &offsets, exit_site(dropout, m));
                outputs.logits.push(logits);
                outputs.scores.extend(score);
                layers.push((layer, exit));
                x = y;
            }
            (outputs, SavedForward { dropout, embedding, layers })
        })
    }

    /// Adds the gradient of every parameter to `grads`, given the gradients at the exits' outputs. The pass skips layers that receive no
    /// gradient.
    ///
    /// # Panics
    /// If there is a gradient at a score and no learned exit head.
    pub fn backward(
        &self,
        batch: &Batch,
        outputs: &OutputGradients<T>,
        saved: &SavedForward<T>,
        gradient: BackboneGradient,
        grads: &mut Model<T>,
    ) {
        in_pool(|| {
            let backbone = &self.backbone;
            // The gradients at the rows that the exits read.
            let mut entering: Vec<Option<Tensor<T>>> = vec![None; self.depth()];
            for (m, (_, exit)) in saved.layers.iter().enumerate().rev() {
                let logits = outputs.logits.get(m).and_then(Option::as_ref);
                let score = outputs.scores.get(m).and_then(Option::as_ref);
                let dropout = exit_site(saved.dropout, m);
                entering[m] = self.exits.backward(m, logits, score, dropout, exit, &mut grads.exits);
            }
            let Some(highest) =
                entering.iter().rposition(Option::is_some).filter(|_| gradient != BackboneGradient::Frozen)
            else {
                return;
            };
            gradient.scale(&mut entering);
            let rows = self.query_rows(highest, batch).1.last().copied().unwrap_or(0);
            let mut d = Tensor::zeros(&[rows, backbone.width()]);
            for m in (0..=highest).rev() {
                if let Some(g) = &entering[m] {
                    self.exits.pooling.backward(g, &self.query_rows(m, batch).1, &mut d);
                }
                let (at, dropout) = (backbone.layer_at(m), backbone.layer_dropout(saved.dropout, m));
                let (saved, grads) = (&saved.layers[m].0, &mut grads.backbone.layers[at]);
                d = backbone.layers[at].backward(&d, &batch.offsets, dropout, saved, grads);
            }
            let (dropout, grads) = (backbone.embedding_dropout(saved.dropout), &mut grads.backbone.embeddings);
            backbone.embeddings.backward(&d, batch, dropout, &saved.embedding, grads);
        });
    }

    /// The query rows of layer m, and the offset of each sequence among them. Only the last exit reads the last layer, so only its rows
    /// are needed there.
    fn query_rows<'a>(&self, m: usize, batch: &'a Batch) -> (Option<Vec<usize>>, Cow<'a, [usize]>) {
        match self.exits.pooling.rows(&batch.offsets).filter(|_| m + 1 == self.depth()) {
            Some(rows) => (Some(rows), (0..=batch.len()).collect()),
            None => (None, Cow::Borrowed(&batch.offsets)),
        }
    }

    /// Logits of every exit without dropout, M times `[sequences, K]`.
    pub fn logits(&self, batch: &Batch) -> Vec<Tensor<T>> {
        self.forward(batch, Dropout::off()).0.logits
    }

    /// Hidden states after every layer, M times `[tokens, d]`.
    pub fn hidden_states(&self, batch: &Batch) -> Vec<Tensor<T>> {
        let (mut x, _) = self.backbone.embeddings.forward(batch, Dropout::off());
        let mut after = |m: usize| {
            let layer = &self.backbone.layers[self.backbone.layer_at(m)];
            x = layer.forward(x.clone(), &batch.offsets, None, LayerDropout::off()).0;
            x.clone()
        };
        (0..self.depth()).map(&mut after).collect()
    }
}

fn exit_site(dropout: Dropout, m: usize) -> Dropout {
    dropout.site(2 + 2 * m as u64)
}

/// A seeded stream of normal numbers, for fresh weights.
pub(crate) struct Normal {
    rng: ChaCha8Rng,
    deviation: f64,
}

impl Normal {
    pub(crate) fn new(seed: u64, deviation: f64) -> Normal {
        Normal { rng: ChaCha8Rng::seed_from_u64(seed), deviation }
    }

    /// Fills a matrix with normal numbers. Does nothing to a vector, so biases stay zero and norms stay identity.
    pub(crate) fn fill<T: Scalar>(&mut self, name: &str, tensor: &mut Tensor<T>) {
        if tensor.shape().len() < 2 {
            debug_assert!(name.ends_with("bias") || name.ends_with("weight"));
            return;
        }
        for pair in tensor.data_mut().chunks_mut(2) {
            // Box and Muller: two uniform numbers to two normal ones.
            let (u, v) = (self.uniform(), self.uniform());
            let radius = self.deviation * (-2.0 * (1.0 - u).ln()).sqrt();
            let angle = 2.0 * std::f64::consts::PI * v;
            for (x, y) in pair.iter_mut().zip([radius * angle.cos(), radius * angle.sin()]) {
                *x = T::of(y);
            }
        }
    }

    /// Uniform in [0, 1).
    fn uniform(&mut self) -> f64 {
        (self.rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}
