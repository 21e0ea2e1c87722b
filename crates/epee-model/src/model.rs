//! A backbone and its exits.

use std::borrow::Cow;

use epee_nn::{Dropout, Parameters, SavedLayer, Scalar, Tensor, in_pool};

use crate::embeddings::{Embeddings, SavedEmbedding};
use crate::exits::SavedExit;
use crate::shape::Input;
use crate::{Backbone, Batch, Config, Exits, Heads, init};

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
    pub(crate) fn zeros(config: &Config, heads: Heads) -> Model<T> {
        Model { backbone: Backbone::zeros(&config.shape), exits: Exits::zeros(&config.shape, heads) }
    }

    /// Fresh weights: normal with the configuration's deviation, biases zero, norms at identity.
    pub fn new(config: &Config, heads: Heads, seed: u64) -> Model<T> {
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

    /// K
    pub fn classes(&self) -> usize {
        self.exits.classes()
    }

    /// Logits of every exit, M times `[sequences, K]`.
    pub fn forward(&self, batch: &Batch, dropout: Dropout) -> (Vec<Tensor<T>>, SavedForward<T>) {
        in_pool(|| self.forward_here(batch, dropout))
    }

    fn forward_here(&self, batch: &Batch, dropout: Dropout) -> (Vec<Tensor<T>>, SavedForward<T>) {
        let (mut x, embedding) = self.backbone.embed(batch, dropout.site(0));
        let mut logits = Vec::with_capacity(self.depth());
        let mut layers = Vec::with_capacity(self.depth());
        for m in 0..self.depth() {
            let (asked, offsets) = self.asked(m, batch);
            let (y, layer) = self.backbone.layer(m, x, &batch.offsets, asked.as_deref(), layer_site(dropout, m));
            let (z, exit) = self.exits.forward(m, &y, &offsets, exit_site(dropout, m));
            logits.push(z);
            layers.push((layer, exit));
            x = y;
        }
        (logits, SavedForward { dropout, embedding, layers })
    }

    /// Adds the gradient of every parameter, given the gradients at every exit's logits.
    pub fn backward(&self, batch: &Batch, dlogits: &[Tensor<T>], saved: &SavedForward<T>, grads: &mut Model<T>) {
        in_pool(|| self.backward_here(batch, dlogits, saved, grads));
    }

    fn backward_here(&self, batch: &Batch, dlogits: &[Tensor<T>], saved: &SavedForward<T>, grads: &mut Model<T>) {
        let (_, last) = self.asked(self.depth() - 1, batch);
        let mut d = Tensor::zeros(&[last.last().copied().unwrap_or(0), self.backbone.width()]);
        for (m, (layer, exit)) in saved.layers.iter().enumerate().rev() {
            let (dropout, (_, offsets)) = (exit_site(saved.dropout, m), self.asked(m, batch));
            self.exits.backward(m, &dlogits[m], &offsets, dropout, exit, &mut grads.exits, &mut d);
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
        self.forward(batch, Dropout::off()).0
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
