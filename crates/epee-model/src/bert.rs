//! BERT: learned positions and segments, post-norm layers.

use epee_nn::{
    Attention, Dropout, Embedding, EncoderLayer, FeedForward, LayerDropout, LayerNorm, Linear, Parameters, SavedLayer,
    SavedNorm, Scalar, Tensor, parameters,
};

use crate::{Backbone, Batch, BertConfig};

/// `norm(words + positions + segments)`, then dropout.
#[derive(Clone, Debug)]
pub(crate) struct Embeddings<T: Scalar> {
    words: Embedding<T>,
    positions: Embedding<T>,
    segments: Embedding<T>,
    norm: LayerNorm<T>,
}

parameters!(Embeddings { words, positions, segments, norm });

/// A BERT encoder without its heads.
#[derive(Clone, Debug)]
pub struct Bert<T: Scalar = f32> {
    pub(crate) embeddings: Embeddings<T>,
    pub(crate) layers: Vec<EncoderLayer<T>>,
    hidden_dropout: f64,
    attention_dropout: f64,
}

parameters!(Bert { embeddings, layers });

impl<T: Scalar> Bert<T> {
    /// All weights zero, norms at identity.
    pub(crate) fn zeros(config: &BertConfig) -> Bert<T> {
        Bert {
            embeddings: Embeddings::zeros(config),
            layers: (0..config.num_hidden_layers).map(|_| layer_zeros(config)).collect(),
            hidden_dropout: config.hidden_dropout_prob,
            attention_dropout: config.attention_probs_dropout_prob,
        }
    }

    fn layer_dropout(&self, dropout: Dropout) -> LayerDropout {
        LayerDropout {
            attention: dropout.site(2).with_rate(self.attention_dropout),
            hidden: dropout.with_rate(self.hidden_dropout),
        }
    }
}

/// One layer with all weights zero, norms at identity.
pub(crate) fn layer_zeros<T: Scalar>(config: &BertConfig) -> EncoderLayer<T> {
    let (d, eps) = (config.hidden_size, config.layer_norm_eps);
    let square = || Linear::zeros(d, d);
    EncoderLayer {
        attention: Attention::new(square(), square(), square(), square(), config.num_attention_heads),
        attention_norm: LayerNorm::identity(d, eps),
        feed_forward: FeedForward {
            up: Linear::zeros(config.intermediate_size, d),
            down: Linear::zeros(d, config.intermediate_size),
            activation: config.activation,
        },
        output_norm: LayerNorm::identity(d, eps),
    }
}

impl<T: Scalar> Embeddings<T> {
    pub(crate) fn zeros(config: &BertConfig) -> Embeddings<T> {
        let d = config.hidden_size;
        Embeddings {
            words: Embedding::zeros(config.vocab_size, d),
            positions: Embedding::zeros(config.max_position_embeddings, d),
            segments: Embedding::zeros(config.type_vocab_size, d),
            norm: LayerNorm::identity(d, config.layer_norm_eps),
        }
    }
}

impl Embeddings<f32> {
    /// [`Bert::embed`] without dropout, into memory that grows to the largest batch and stays.
    pub(crate) fn apply(&self, batch: &Batch, x: &mut Vec<f32>) {
        let d = self.words.width();
        x.resize(batch.ids.len() * d, 0.0);
        let positions = (0..batch.len()).flat_map(|i| 0..batch.length(i));
        for (((row, &id), position), &segment) in
            x.chunks_exact_mut(d).zip(&batch.ids).zip(positions).zip(&batch.type_ids)
        {
            let vectors = (self.words.row(id), self.positions.row(position as u32), self.segments.row(segment));
            for (((x, w), p), s) in row.iter_mut().zip(vectors.0).zip(vectors.1).zip(vectors.2) {
                *x = w + p + s;
            }
        }
        self.norm.apply(x);
    }

    /// Entries of the vocabulary.
    pub(crate) fn entries(&self) -> usize {
        self.words.entries()
    }

    /// Bytes the tables take.
    pub(crate) fn bytes(&self) -> usize {
        4 * self.count()
    }
}

fn positions(batch: &Batch) -> Vec<u32> {
    (0..batch.len()).flat_map(|i| 0..batch.length(i) as u32).collect()
}

impl<T: Scalar> Backbone<T> for Bert<T> {
    type SavedEmbedding = SavedNorm<T>;
    type SavedLayer = SavedLayer<T>;

    fn depth(&self) -> usize {
        self.layers.len()
    }

    fn width(&self) -> usize {
        self.layers[0].attention.query.inputs()
    }

    fn embed(&self, batch: &Batch, dropout: Dropout) -> (Tensor<T>, SavedNorm<T>) {
        let mut x = Tensor::zeros(&[batch.ids.len(), self.width()]);
        self.embeddings.words.add_to(&batch.ids, &mut x);
        self.embeddings.positions.add_to(&positions(batch), &mut x);
        self.embeddings.segments.add_to(&batch.type_ids, &mut x);
        let (mut y, saved) = self.embeddings.norm.forward(x);
        dropout.with_rate(self.hidden_dropout).apply(&mut y);
        (y, saved)
    }

    fn embed_backward(&self, dy: &Tensor<T>, batch: &Batch, dropout: Dropout, saved: &SavedNorm<T>, grads: &mut Self) {
        let grads = &mut grads.embeddings;
        let mut dy = dy.clone();
        dropout.with_rate(self.hidden_dropout).apply(&mut dy);
        let dx = self.embeddings.norm.backward(&dy, saved, &mut grads.norm);
        Embedding::backward(&dx, &batch.ids, &mut grads.words);
        Embedding::backward(&dx, &positions(batch), &mut grads.positions);
        Embedding::backward(&dx, &batch.type_ids, &mut grads.segments);
    }

    fn layer(&self, m: usize, x: Tensor<T>, offsets: &[usize], dropout: Dropout) -> (Tensor<T>, SavedLayer<T>) {
        self.layers[m].forward(x, offsets, self.layer_dropout(dropout))
    }

    fn layer_backward(
        &self,
        m: usize,
        dy: &Tensor<T>,
        offsets: &[usize],
        dropout: Dropout,
        saved: &SavedLayer<T>,
        grads: &mut Self,
    ) -> Tensor<T> {
        self.layers[m].backward(dy, offsets, self.layer_dropout(dropout), saved, &mut grads.layers[m])
    }

    fn checkpoint_name(structural: &str) -> String {
        // Longer parts first: `attention.output` before what ends in `output`.
        const PARTS: [(&str, &str); 10] = [
            ("embeddings.words", "embeddings.word_embeddings"),
            ("embeddings.positions", "embeddings.position_embeddings"),
            ("embeddings.segments", "embeddings.token_type_embeddings"),
            ("embeddings.norm", "embeddings.LayerNorm"),
            (".attention_norm", ".attention.output.LayerNorm"),
            (".attention.output", ".attention.output.dense"),
            (".feed_forward.up", ".intermediate.dense"),
            (".feed_forward.down", ".output.dense"),
            (".output_norm", ".output.LayerNorm"),
            (".attention.", ".attention.self."),
        ];
        let name = match structural.strip_prefix("layers.") {
            Some(rest) => format!("encoder.layer.{rest}"),
            None => structural.to_owned(),
        };
        match PARTS.iter().find(|(ours, _)| name.contains(ours)) {
            Some((ours, theirs)) => name.replacen(ours, theirs, 1),
            None => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_hugging_face_s() {
        let pairs = [
            ("embeddings.words.weight", "embeddings.word_embeddings.weight"),
            ("embeddings.norm.bias", "embeddings.LayerNorm.bias"),
            ("layers.3.attention.query.weight", "encoder.layer.3.attention.self.query.weight"),
            ("layers.3.attention.output.bias", "encoder.layer.3.attention.output.dense.bias"),
            ("layers.3.attention_norm.weight", "encoder.layer.3.attention.output.LayerNorm.weight"),
            ("layers.11.feed_forward.up.weight", "encoder.layer.11.intermediate.dense.weight"),
            ("layers.11.feed_forward.down.weight", "encoder.layer.11.output.dense.weight"),
            ("layers.11.output_norm.weight", "encoder.layer.11.output.LayerNorm.weight"),
        ];
        for (ours, theirs) in pairs {
            assert_eq!(Bert::<f32>::checkpoint_name(ours), theirs);
        }
    }
}
