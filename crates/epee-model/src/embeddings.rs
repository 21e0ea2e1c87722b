//! Embeddings: token ids or pixels become the rows of the first layer.

mod image;
mod text;

use epee_nn::{Dropout, PackedLinear, Parameters, Scalar, Tensor, Workspace};

pub(crate) use image::ImageEmbeddings;
pub(crate) use text::{SavedText, TextEmbeddings};

use crate::Batch;
use crate::shape::{InputShape, Shape};

#[derive(Clone, Debug)]
pub(crate) enum Embeddings<T: Scalar> {
    Text(TextEmbeddings<T>),
    Image(ImageEmbeddings<T>),
}

/// Values that [`Embeddings::backward`] needs.
pub(crate) enum SavedEmbedding<T: Scalar> {
    Text(SavedText<T>),
    /// The patches.
    Image(Tensor<T>),
}

impl<T: Scalar> Parameters<T> for Embeddings<T> {
    fn visit<'a>(&'a self, prefix: &str, f: &mut dyn FnMut(String, &'a Tensor<T>)) {
        match self {
            Embeddings::Text(text) => text.visit(prefix, f),
            Embeddings::Image(image) => image.visit(prefix, f),
        }
    }
    fn visit_mut<'a>(&'a mut self, prefix: &str, f: &mut dyn FnMut(String, &'a mut Tensor<T>)) {
        match self {
            Embeddings::Text(text) => text.visit_mut(prefix, f),
            Embeddings::Image(image) => image.visit_mut(prefix, f),
        }
    }
}

impl<T: Scalar> Embeddings<T> {
    pub(crate) fn zeros(shape: &Shape) -> Embeddings<T> {
        match shape.input {
            InputShape::Text(input) => Embeddings::Text(TextEmbeddings::zeros(input, shape)),
            InputShape::Image(input) => Embeddings::Image(ImageEmbeddings::zeros(input, shape.hidden_size)),
        }
    }

    /// The input of the first layer, `[tokens, d]`.
    pub(crate) fn forward(&self, batch: &Batch, dropout: Dropout) -> (Tensor<T>, SavedEmbedding<T>) {
        match self {
            Embeddings::Text(text) => {
                let (y, saved) = text.forward(batch, dropout);
                (y, SavedEmbedding::Text(saved))
            }
            Embeddings::Image(image) => {
                let (mut y, patches) = image.forward(&batch.pixels);
                dropout.apply(&mut y);
                (y, SavedEmbedding::Image(patches))
            }
        }
    }

    pub(crate) fn backward(
        &self,
        dy: &Tensor<T>,
        batch: &Batch,
        dropout: Dropout,
        saved: &SavedEmbedding<T>,
        grads: &mut Embeddings<T>,
    ) {
        match (self, saved, grads) {
            (Embeddings::Text(text), SavedEmbedding::Text(saved), Embeddings::Text(grads)) => {
                text.backward(dy, batch, dropout, saved, grads);
            }
            (Embeddings::Image(image), SavedEmbedding::Image(patches), Embeddings::Image(grads)) => {
                let mut dy = dy.clone();
                dropout.apply(&mut dy);
                image.backward(&dy, patches, grads);
            }
            _ => unreachable!("a forward pass of other embeddings"),
        }
    }
}

/// [`Embeddings`] for inference: `f32` at every precision, with a packed linear map.
pub(crate) struct PackedEmbeddings {
    tables: Embeddings<f32>,
    map: Option<PackedLinear>,
}

impl Embeddings<f32> {
    pub(crate) fn pack(self) -> PackedEmbeddings {
        let map = match &self {
            Embeddings::Text(text) => text.projection.as_ref().map(|map| map.pack()),
            Embeddings::Image(image) => Some(image.patches.projection.pack()),
        };
        PackedEmbeddings { tables: self, map }
    }
}

impl PackedEmbeddings {
    /// As [`Embeddings::forward`] without dropout. Reuses the memory of `work`, `below` and `x`.
    pub(crate) fn apply(&self, batch: &Batch, work: &mut Workspace, below: [&mut Vec<f32>; 2], x: &mut Vec<f32>) {
        match (&self.tables, &self.map) {
            (Embeddings::Text(text), None) => text.apply(batch, x),
            (Embeddings::Text(text), Some(map)) => {
                let [vectors, _] = below;
                text.apply(batch, vectors);
                map.forward(vectors, work, x);
            }
            (Embeddings::Image(image), Some(map)) => {
                let [patches, rows] = below;
                patches.clear();
                image.patches.gather(&batch.pixels, |value| patches.push(value));
                map.forward(patches, work, rows);
                image.place(rows, x);
            }
            (Embeddings::Image(_), None) => unreachable!("patches without their map"),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        4 * self.tables.count() + self.map.as_ref().map_or(0, PackedLinear::bytes)
    }
}
