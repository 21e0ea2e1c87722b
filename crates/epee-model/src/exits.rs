//! The exits: pooling, norm, pooler and classifier after every layer.

use epee_nn::{Dropout, LayerNorm, Linear, Pooler, SavedNorm, SavedPooler, Scalar, Tensor, parameters};
use serde::{Deserialize, Serialize};

use crate::Config;
use crate::shape::Shape;

/// The row of a sequence that an exit reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The first row, BERT's `[CLS]`.
    #[default]
    First,
    /// The last row.
    Last,
    /// The mean of all rows.
    Mean,
}

/// The exits' poolers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PoolerKind {
    /// All exits share the model's pooler.
    #[default]
    Shared,
    /// One pooler per exit, each initialized from the checkpoint's pooler.
    PerExit,
    /// No pooler: the classifier reads the row itself.
    None,
}

/// The settings of a model's exits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitConfig {
    /// K, the number of classes.
    pub classes: usize,
    /// The row that an exit reads.
    pub pooling: Pooling,
    /// The pooler between the row and the classifier.
    pub pooler: PoolerKind,
    /// True if exits read through the model's final norm. Has no effect if the model has none.
    pub norm: bool,
    /// True if there is a learned exit head, which estimates the probability that an exit is wrong.
    pub score: bool,
}

impl ExitConfig {
    /// The architecture's defaults: BERT's pooler over the first row, GPT-2's final norm of the last row.
    pub fn of(config: &Config, classes: usize) -> ExitConfig {
        let Shape { pooling, pooler, final_norm, .. } = config.shape;
        ExitConfig { classes, pooling, pooler, norm: final_norm, score: false }
    }
}

impl Pooling {
    /// The row that it reads of each sequence; none for the mean of all rows.
    pub(crate) fn rows(self, offsets: &[usize]) -> Option<Vec<usize>> {
        match self {
            Pooling::First => Some(offsets[..offsets.len() - 1].to_vec()),
            Pooling::Last => Some(offsets[1..].iter().map(|end| end - 1).collect()),
            Pooling::Mean => None,
        }
    }

    /// `[tokens, d] → [sequences, d]`
    pub(crate) fn forward<T: Scalar>(self, hidden: &Tensor<T>, offsets: &[usize]) -> Tensor<T> {
        match self.rows(offsets) {
            Some(rows) => hidden.gather(&rows),
            None => hidden.mean_spans(offsets),
        }
    }

    /// Adds the gradient at the hidden states.
    pub(crate) fn backward<T: Scalar>(self, dpooled: &Tensor<T>, offsets: &[usize], dhidden: &mut Tensor<T>) {
        match self.rows(offsets) {
            Some(rows) => dhidden.scatter_add(&rows, dpooled),
            None => dhidden.scatter_mean_spans(offsets, dpooled),
        }
    }
}

/// An exit after every layer: `z_m = classifier_m(dropout(pooler(norm(row of s_m))))`. Norm and pooler are optional. With mean
/// pooling, the norm follows the mean.
///
/// All exits share one optional learned exit head (BERxiT, Xin et al., 2021). It reads the classifiers' input before dropout and
/// estimates the probability that exit m is wrong: `u_m = σ(w · pooler(norm(row of s_m)) + b)`.
#[derive(Clone, Debug)]
pub struct Exits<T: Scalar = f32> {
    pub(crate) norm: Option<LayerNorm<T>>,
    /// None, one, or one per exit.
    pub(crate) poolers: Vec<Pooler<T>>,
    /// One per exit, d → K.
    pub(crate) classifiers: Vec<Linear<T>>,
    /// The learned exit head, d → 1.
    pub(crate) score: Option<Linear<T>>,
    pub(crate) pooling: Pooling,
    pub(crate) reads_norm: bool,
    dropout: f64,
}

parameters!(Exits { norm, poolers, classifiers, score });

/// Values that [`Exits::backward`] needs.
#[derive(Debug)]
pub(crate) struct SavedExit<T: Scalar> {
    norm: Option<SavedNorm<T>>,
    pooler: Option<SavedPooler<T>>,
    features: Tensor<T>,
    /// The learned exit head's input: the same before dropout.
    undropped: Option<Tensor<T>>,
}

impl<T: Scalar> Exits<T> {
    pub(crate) fn zeros(shape: &Shape, exit_config: ExitConfig) -> Exits<T> {
        let (exits, d) = (shape.num_hidden_layers, shape.hidden_size);
        let poolers = match exit_config.pooler {
            PoolerKind::Shared => 1,
            PoolerKind::PerExit => exits,
            PoolerKind::None => 0,
        };
        Exits {
            norm: shape.final_norm.then(|| LayerNorm::identity(d, shape.layer_norm_eps)),
            poolers: vec![Pooler { dense: Linear::zeros(d, d) }; poolers],
            classifiers: vec![Linear::zeros(exit_config.classes, d); exits],
            score: exit_config.score.then(|| Linear::zeros(1, d)),
            pooling: exit_config.pooling,
            reads_norm: exit_config.norm,
            dropout: shape.dropout.head,
        }
    }

    fn pooler(&self, m: usize) -> Option<usize> {
        self.poolers.len().checked_sub(1).map(|last| m.min(last))
    }

    /// Logits `[sequences, K]` of exit m (from 0), and `[sequences, 1]` of the learned exit head before the sigmoid.
    pub(crate) fn forward(
        &self,
        m: usize,
        hidden: &Tensor<T>,
        offsets: &[usize],
        dropout: Dropout,
    ) -> (Tensor<T>, Option<Tensor<T>>, SavedExit<T>) {
        let mut features = self.pooling.forward(hidden, offsets);
        let (mut norm, mut pooler) = (None, None);
        if let Some(block) = self.norm.as_ref().filter(|_| self.reads_norm) {
            let (y, saved) = block.forward(features);
            (features, norm) = (y, Some(saved));
        }
        if let Some(p) = self.pooler(m) {
            let (y, saved) = self.poolers[p].forward(features);
            (features, pooler) = (y, Some(saved));
        }
        let (score, undropped) = self.score.as_ref().map(|head| (head.forward(&features), features.clone())).unzip();
        dropout.with_rate(self.dropout).apply(&mut features);
        let logits = self.classifiers[m].forward(&features);
        (logits, score, SavedExit { norm, pooler, features, undropped })
    }

    /// The gradient `[sequences, d]` at the rows that exit m (from 0) reads, given the gradients at its logits and its score. `None` if
    /// both are `None`.
    pub(crate) fn backward(
        &self,
        m: usize,
        dlogits: Option<&Tensor<T>>,
        dscore: Option<&Tensor<T>>,
        dropout: Dropout,
        saved: &SavedExit<T>,
        grads: &mut Exits<T>,
    ) -> Option<Tensor<T>> {
        let of_logits = dlogits.map(|dlogits| {
            let mut d = self.classifiers[m].backward(dlogits, &saved.features, &mut grads.classifiers[m]);
            dropout.with_rate(self.dropout).apply(&mut d);
            d
        });
        assert!(dscore.is_none() || self.score.is_some(), "a gradient at a score, and no learned exit head");
        let of_score = match (dscore, &self.score, &saved.undropped, &mut grads.score) {
            (Some(dscore), Some(head), Some(features), Some(grads)) => Some(head.backward(dscore, features, grads)),
            _ => None,
        };
        let mut d = match (of_logits, of_score) {
            (Some(mut d), Some(more)) => {
                d.add(&more);
                d
            }
            (d, more) => d.or(more)?,
        };
        if let (Some(p), Some(saved)) = (self.pooler(m), &saved.pooler) {
            d = self.poolers[p].backward(&d, saved, &mut grads.poolers[p]);
        }
        if let (Some(norm), Some(saved), Some(grads)) = (&self.norm, &saved.norm, &mut grads.norm) {
            d = norm.backward(&d, saved, grads);
        }
        Some(d)
    }
}
