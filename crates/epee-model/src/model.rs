//! A backbone and its exits.

use epee_nn::{Dropout, Parameters, Scalar, Tensor, in_pool};

use crate::exits::SavedExit;
use crate::{Backbone, Batch, Bert, BertConfig, Exits, PoolerKind, Pooling, init};

/// A transformer with an exit after every layer.
#[derive(Clone, Debug)]
pub struct Model<T: Scalar = f32> {
    pub(crate) backbone: Bert<T>,
    pub(crate) exits: Exits<T>,
}

/// What [`Model::backward`] needs.
pub struct SavedForward<T: Scalar = f32> {
    dropout: Dropout,
    embedding: <Bert<T> as Backbone<T>>::SavedEmbedding,
    layers: Vec<SavedStep<T>>,
}

/// A layer's and its exit's.
type SavedStep<T> = (<Bert<T> as Backbone<T>>::SavedLayer, SavedExit<T>);

impl<T: Scalar> Parameters<T> for Model<T> {
    fn visit<'a>(&'a self, _: &str, f: &mut dyn FnMut(String, &'a Tensor<T>)) {
        self.backbone.visit("", &mut |name, tensor| f(Bert::<T>::checkpoint_name(&name), tensor));
        self.exits.visit("", &mut |name, tensor| f(self.exits.checkpoint_name(&name), tensor));
    }
    fn visit_mut<'a>(&'a mut self, _: &str, f: &mut dyn FnMut(String, &'a mut Tensor<T>)) {
        self.backbone.visit_mut("", &mut |name, tensor| f(Bert::<T>::checkpoint_name(&name), tensor));
        let names: Vec<String> =
            self.exits.parameters().iter().map(|(name, _)| self.exits.checkpoint_name(name)).collect();
        let mut names = names.into_iter();
        self.exits.visit_mut("", &mut |name, tensor| f(names.next().unwrap_or(name), tensor));
    }
}

impl<T: Scalar> Model<T> {
    /// Every weight zero, norms at identity: to be filled from a checkpoint.
    pub(crate) fn zeros(config: &BertConfig, classes: usize, pooler: PoolerKind, pooling: Pooling) -> Model<T> {
        let (m, d) = (config.num_hidden_layers, config.hidden_size);
        Model {
            backbone: Bert::zeros(config),
            exits: Exits::zeros(m, d, classes, pooler, pooling, config.head_dropout()),
        }
    }

    /// Fresh weights: normal with the configuration's deviation, biases zero, norms at identity.
    pub fn new(config: &BertConfig, classes: usize, pooler: PoolerKind, pooling: Pooling, seed: u64) -> Model<T> {
        let mut model = Model::zeros(config, classes, pooler, pooling);
        let mut normal = init::Normal::new(seed, config.initializer_range);
        model.visit_mut("", &mut |name, tensor| normal.fill(&name, tensor));
        model
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
            let (y, layer) = self.backbone.layer(m, x, &batch.offsets, layer_site(dropout, m));
            let (z, exit) = self.exits.forward(m, &y, &batch.offsets, exit_site(dropout, m));
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
        let mut d = Tensor::zeros(&[batch.ids.len(), self.backbone.width()]);
        for (m, (layer, exit)) in saved.layers.iter().enumerate().rev() {
            let dropout = exit_site(saved.dropout, m);
            self.exits.backward(m, &dlogits[m], &batch.offsets, dropout, exit, &mut grads.exits, &mut d);
            let dropout = layer_site(saved.dropout, m);
            d = self.backbone.layer_backward(m, &d, &batch.offsets, dropout, layer, &mut grads.backbone);
        }
        self.backbone.embed_backward(&d, batch, saved.dropout.site(0), &saved.embedding, &mut grads.backbone);
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
                x = self.backbone.layer(m, x.clone(), &batch.offsets, Dropout::off()).0;
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
