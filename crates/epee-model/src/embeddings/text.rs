//! Embeddings of texts.

use epee_nn::{Dropout, Embedding, LayerNorm, Linear, SavedNorm, Scalar, Tensor, parameters};

use crate::Batch;
use crate::shape::{Shape, TextShape};

/// `norm(words + positions + token types)`, then dropout, then a linear map to d if the embeddings have another width. An
/// architecture may have no token types or no norm.
///
/// Training checkpoints store the field names, so they keep the names of version 0.1.
#[derive(Clone, Debug)]
pub(crate) struct TextEmbeddings<T: Scalar> {
    words: Embedding<T>,
    positions: Embedding<T>,
    segments: Option<Embedding<T>>,
    norm: Option<LayerNorm<T>>,
    pub(super) projection: Option<Linear<T>>,
}

parameters!(TextEmbeddings { words, positions, segments, norm, projection });

/// Values that [`TextEmbeddings::backward`] needs.
pub(crate) struct SavedText<T: Scalar> {
    norm: Option<SavedNorm<T>>,
    /// The linear map's input.
    vectors: Option<Tensor<T>>,
}

impl<T: Scalar> TextEmbeddings<T> {
    pub(super) fn zeros(input: TextShape, shape: &Shape) -> TextEmbeddings<T> {
        let (width, d) = (input.embedding_size, shape.hidden_size);
        TextEmbeddings {
            words: Embedding::zeros(input.vocab_size, width),
            positions: Embedding::zeros(input.max_position_embeddings, width),
            segments: (input.type_vocab_size > 0).then(|| Embedding::zeros(input.type_vocab_size, width)),
            norm: input.layer_norm.then(|| LayerNorm::identity(width, shape.layer_norm_eps)),
            projection: (width != d).then(|| Linear::zeros(d, width)),
        }
    }

    pub(super) fn forward(&self, batch: &Batch, dropout: Dropout) -> (Tensor<T>, SavedText<T>) {
        let mut x = Tensor::zeros(&[batch.ids.len(), self.words.width()]);
        self.words.add_to(&batch.ids, &mut x);
        self.positions.add_to(&positions(batch), &mut x);
        if let Some(segments) = &self.segments {
            segments.add_to(&batch.type_ids, &mut x);
        }
        let (mut x, norm) = match &self.norm {
            Some(norm) => {
                let (y, saved) = norm.forward(x);
                (y, Some(saved))
            }
            None => (x, None),
        };
        dropout.apply(&mut x);
        match &self.projection {
            Some(map) => (map.forward(&x), SavedText { norm, vectors: Some(x) }),
            None => (x, SavedText { norm, vectors: None }),
        }
    }

    pub(super) fn backward(
        &self,
        dy: &Tensor<T>,
        batch: &Batch,
        dropout: Dropout,
        saved: &SavedText<T>,
        grads: &mut TextEmbeddings<T>,
    ) {
        let mut d = match (&self.projection, &saved.vectors, &mut grads.projection) {
            (Some(map), Some(x), Some(grads)) => map.backward(dy, x, grads),
            _ => dy.clone(),
        };
        dropout.apply(&mut d);
        if let (Some(norm), Some(saved), Some(grads)) = (&self.norm, &saved.norm, &mut grads.norm) {
            d = norm.backward(&d, saved, grads);
        }
        Embedding::backward(&d, &batch.ids, &mut grads.words);
        Embedding::backward(&d, &positions(batch), &mut grads.positions);
        if let Some(segments) = &mut grads.segments {
            Embedding::backward(&d, &batch.type_ids, segments);
        }
    }
}

impl TextEmbeddings<f32> {
    /// The forward pass without dropout and without the linear map.
    pub(super) fn apply(&self, batch: &Batch, x: &mut Vec<f32>) {
        let d = self.words.width();
        x.resize(batch.ids.len() * d, 0.0);
        let positions = (0..batch.len()).flat_map(|i| 0..batch.length(i));
        for (((row, &id), position), &segment) in
            x.chunks_exact_mut(d).zip(&batch.ids).zip(positions).zip(&batch.type_ids)
        {
            let (word, position) = (self.words.row(id), self.positions.row(position as u32));
            for ((x, w), p) in row.iter_mut().zip(word).zip(position) {
                *x = w + p;
            }
            if let Some(segments) = &self.segments {
                row.iter_mut().zip(segments.row(segment)).for_each(|(x, s)| *x += s);
            }
        }
        if let Some(norm) = &self.norm {
            norm.apply(x);
        }
    }
}

fn positions(batch: &Batch) -> Vec<u32> {
    (0..batch.len()).flat_map(|i| 0..batch.length(i) as u32).collect()
}
