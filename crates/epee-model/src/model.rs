//! A backbone and its exits.

use std::borrow::Cow;

use epee_nn::{Dropout, Parameters, SavedLayer, Scalar, Tensor, in_pool};

use crate::embeddings::{Embeddings, SavedEmbedding};
use crate::exits::SavedExit;
use crate::shape::Input;
use crate::{Backbone, BackboneGradient, Batch, Config, ExitConfig, Exits, OutputGradients, Outputs, init};

/// A transformer with an exit after every layer.
#[derive(Clone, Debug)]
pub struct Model<T: Scalar = f32> {
    pub(crate) backbone: Backbone<T>,
    pub(crate) exits: Exits<T>,
}

/// What [`Model::backward`] needs.
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
    /// Every weight zero, norms at identity: to be filled from a checkpoint.
    pub(crate) fn zeros(config: &Config, heads: ExitConfig) -> Model<T> {
        Model { backbone: Backbone::zeros(&config.shape), exits: Exits::zeros(&config.shape, heads) }
    }

    /// Fresh weights: normal with the configuration's deviation, biases zero, norms at identity.
    pub fn new(config: &Config, heads: ExitConfig, seed: u64) -> Model<T> {
        let mut model = Model::zeros(config, heads);
        let mut normal = init::Normal::new(seed, config.shape.initializer_range);
        model.visit_mut("", &mut |name, tensor| normal.fill(&name, tensor));
        model
    }

    /// The same model for pictures of another size (see [`Config::with_image_size`]): position embeddings are interpolated.
    ///
    /// # Panics
    /// Where one of the configurations is not this model's.
    pub fn resize_images(&mut self, from: &Config, to: &Config) {
        if let (Embeddings::Image(image), Input::Image(from), Input::Image(to)) =
            (&mut self.backbone.embeddings, from.shape.input, to.shape.input)
        {
            *image = image.resized(from, to);
        }
    }

    /// M
    pub fn depth(&self) -> usize {
        self.backbone.depth()
    }

    /// Layers with weights of their own: M, or fewer where layers share theirs.
    pub fn groups(&self) -> usize {
        self.backbone.groups()
    }

    /// K
    pub fn classes(&self) -> usize {
        self.exits.classes()
    }

    /// Whether all exits read through one pooler.
    pub fn shares_pooler(&self) -> bool {
        self.exits.shares_pooler()
    }

    /// Logits of every exit, and scores where there is a learned exit head.
    pub fn forward(&self, batch: &Batch, dropout: Dropout) -> (Outputs<T>, SavedForward<T>) {
        in_pool(|| self.forward_here(batch, dropout))
    }

    fn forward_here(&self, batch: &Batch, dropout: Dropout) -> (Outputs<T>, SavedForward<T>) {
        let (mut x, embedding) = self.backbone.embed(batch, dropout.site(0));
        let mut outputs = Outputs { logits: Vec::with_capacity(self.depth()), scores: Vec::new() };
        let mut layers = Vec::with_capacity(self.depth());
        for m in 0..self.depth() {
            let (asked, offsets) = self.asked(m, batch);
            let (y, layer) = self.backbone.layer(m, x, &batch.offsets, asked.as_deref(), layer_site(dropout, m));
            let (logits, score, exit) = self.exits.forward(m, &y, &offsets, exit_site(dropout, m));
            outputs.logits.push(logits);
            outputs.scores.extend(score);
            layers.push((layer, exit));
            x = y;
        }
        (outputs, SavedForward { dropout, embedding, layers })
    }

    /// Adds the gradient of every parameter, given the gradients at the exits' outputs. Layers above the highest exit that has one are
    /// not walked.
    ///
    /// # Panics
    /// Where there is a gradient at a score and no learned exit head.
    pub fn backward(
        &self,
        batch: &Batch,
        outputs: &OutputGradients<T>,
        saved: &SavedForward<T>,
        trunk: BackboneGradient,
        grads: &mut Model<T>,
    ) {
        in_pool(|| self.backward_here(batch, outputs, saved, trunk, grads));
    }

    fn backward_here(
        &self,
        batch: &Batch,
        outputs: &OutputGradients<T>,
        saved: &SavedForward<T>,
        trunk: BackboneGradient,
        grads: &mut Model<T>,
    ) {
        // At the row that each exit reads.
        let mut entering: Vec<Option<Tensor<T>>> = vec![None; self.depth()];
        for (m, (_, exit)) in saved.layers.iter().enumerate().rev() {
            let logits = outputs.logits.get(m).and_then(Option::as_ref);
            let score = outputs.scores.get(m).and_then(Option::as_ref);
            let dropout = exit_site(saved.dropout, m);
            entering[m] = self.exits.backward(m, logits, score, dropout, exit, &mut grads.exits);
        }
        let Some(highest) = entering.iter().rposition(Option::is_some).filter(|_| trunk != BackboneGradient::Frozen)
        else {
            return;
        };
        trunk.scale(&mut entering);
        let rows = self.asked(highest, batch).1.last().copied().unwrap_or(0);
        let mut d = Tensor::zeros(&[rows, self.backbone.width()]);
        for m in (0..=highest).rev() {
            if let Some(g) = &entering[m] {
                self.exits.pooling.backward(g, &self.asked(m, batch).1, &mut d);
            }
            let (layer, _) = &saved.layers[m];
            let dropout = layer_site(saved.dropout, m);
            d = self.backbone.layer_backward(m, &d, &batch.offsets, dropout, layer, &mut grads.backbone);
        }
        self.backbone.embed_backward(&d, batch, saved.dropout.site(0), &saved.embedding, &mut grads.backbone);
    }

    /// The rows asked of layer m, and where each sequence begins among them: nothing but the last exit reads the last layer.
    fn asked<'a>(&self, m: usize, batch: &'a Batch) -> (Option<Vec<usize>>, Cow<'a, [usize]>) {
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
        let (mut x, _) = self.backbone.embed(batch, Dropout::off());
        (0..self.depth())
            .map(|m| {
                x = self.backbone.layer(m, x.clone(), &batch.offsets, None, Dropout::off()).0;
                x.clone()
            })
            .collect()
    }
}

fn layer_site(dropout: Dropout, m: usize) -> Dropout {
    dropout.site(1 + 2 * m as u64)
}

fn exit_site(dropout: Dropout, m: usize) -> Dropout {
    dropout.site(2 + 2 * m as u64)
}
