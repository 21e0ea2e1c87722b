//! The exits: what each reads, and its classifier.

use epee_nn::{Dropout, LayerNorm, Linear, Pooler, SavedNorm, SavedPooler, Scalar, Tensor, parameters};
use serde::{Deserialize, Serialize};

use crate::Config;
use crate::shape::Shape;

/// Which row of a sequence an exit reads.
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

/// Whether exits have a pooler, and whether they share it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PoolerKind {
    /// The model's one pooler.
    #[default]
    Shared,
    /// One per exit, all starting from the checkpoint's.
    PerExit,
    /// None: the classifier reads the row itself.
    None,
}

/// The form of a model's exits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// K
    pub classes: usize,
    /// Which row an exit reads.
    pub pooling: Pooling,
    /// What stands between the row and the classifier.
    pub pooler: PoolerKind,
    /// Whether exits read through the model's final norm, where it has one.
    pub norm: bool,
}

impl Heads {
    /// As the architecture has them: BERT's pooler over the first row, GPT-2's final norm of the last.
    pub fn of(config: &Config, classes: usize) -> Heads {
        let Shape { pooling, pooler, final_norm, .. } = config.shape;
        Heads { classes, pooling, pooler, norm: final_norm }
    }
}

impl Pooling {
    /// The row of each sequence that it reads, where it is one.
    pub(crate) fn rows(self, offsets: &[usize]) -> Option<Vec<usize>> {
        match self {
            Pooling::First => Some(offsets[..offsets.len() - 1].to_vec()),
            Pooling::Last => Some(last_rows(offsets)),
            Pooling::Mean => None,
        }
    }

    /// `[tokens, d] → [sequences, d]`
    pub(crate) fn forward<T: Scalar>(self, hidden: &Tensor<T>, offsets: &[usize]) -> Tensor<T> {
        match self {
            Pooling::First => hidden.gather(&offsets[..offsets.len() - 1]),
            Pooling::Last => hidden.gather(&last_rows(offsets)),
            Pooling::Mean => {
                let mut pooled = Tensor::zeros(&[offsets.len() - 1, hidden.cols()]);
                for (i, window) in offsets.windows(2).enumerate() {
                    let scale = T::of(1.0 / (window[1] - window[0]) as f64);
                    for row in window[0]..window[1] {
                        for (sum, &x) in pooled.row_mut(i).iter_mut().zip(hidden.row(row)) {
                            *sum += x * scale;
                        }
                    }
                }
                pooled
            }
        }
    }

    /// Adds the gradient at the hidden states.
    pub(crate) fn backward<T: Scalar>(self, dpooled: &Tensor<T>, offsets: &[usize], dhidden: &mut Tensor<T>) {
        match self {
            Pooling::First => dhidden.scatter_add(&offsets[..offsets.len() - 1], dpooled),
            Pooling::Last => dhidden.scatter_add(&last_rows(offsets), dpooled),
            Pooling::Mean => {
                for (i, window) in offsets.windows(2).enumerate() {
                    let scale = T::of(1.0 / (window[1] - window[0]) as f64);
                    for row in window[0]..window[1] {
                        for (d, &g) in dhidden.row_mut(row).iter_mut().zip(dpooled.row(i)) {
                            *d += g * scale;
                        }
                    }
                }
            }
        }
    }
}

fn last_rows(offsets: &[usize]) -> Vec<usize> {
    offsets[1..].iter().map(|end| end - 1).collect()
}

/// An exit after every layer: `z_m = classifier_m(dropout(pooler(norm(row of s_m))))`, without norm or pooler where the
/// architecture has none. With mean pooling the norm follows the mean.
#[derive(Clone, Debug)]
pub struct Exits<T: Scalar = f32> {
    /// The model's final norm, where it has one.
    pub(crate) norm: Option<LayerNorm<T>>,
    /// None, one, or one per exit.
    pub(crate) poolers: Vec<Pooler<T>>,
    /// One per exit, d → K.
    pub(crate) classifiers: Vec<Linear<T>>,
    pub(crate) pooling: Pooling,
    /// Whether exits read through the norm.
    pub(crate) reads_norm: bool,
    dropout: f64,
}

parameters!(Exits { norm, poolers, classifiers });

/// What [`Exits::backward`] needs.
#[derive(Debug)]
pub(crate) struct SavedExit<T: Scalar> {
    norm: Option<SavedNorm<T>>,
    pooler: Option<SavedPooler<T>>,
    features: Tensor<T>,
}

impl<T: Scalar> Exits<T> {
    /// All weights zero, the norm at identity.
    pub(crate) fn zeros(shape: &Shape, heads: Heads) -> Exits<T> {
        let (exits, d) = (shape.layers, shape.hidden_size);
        let poolers = match heads.pooler {
            PoolerKind::Shared => 1,
            PoolerKind::PerExit => exits,
            PoolerKind::None => 0,
        };
        Exits {
            norm: shape.final_norm.then(|| LayerNorm::identity(d, shape.layer_norm_eps)),
            poolers: vec![Pooler { dense: Linear::zeros(d, d) }; poolers],
            classifiers: vec![Linear::zeros(heads.classes, d); exits],
            pooling: heads.pooling,
            reads_norm: heads.norm,
            dropout: shape.dropout.head,
        }
    }

    /// K
    pub fn classes(&self) -> usize {
        self.classifiers[0].outputs()
    }

    /// Which pooler exit m (from 0) has.
    fn pooler(&self, m: usize) -> Option<usize> {
        self.poolers.len().checked_sub(1).map(|last| m.min(last))
    }

    /// Logits `[sequences, K]` of exit m (from 0).
    pub(crate) fn forward(
        &self,
        m: usize,
        hidden: &Tensor<T>,
        offsets: &[usize],
        dropout: Dropout,
    ) -> (Tensor<T>, SavedExit<T>) {
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
        dropout.with_rate(self.dropout).apply(&mut features);
        (self.classifiers[m].forward(&features), SavedExit { norm, pooler, features })
    }

    /// Adds the gradient at the hidden states to `dhidden`.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn backward(
        &self,
        m: usize,
        dlogits: &Tensor<T>,
        offsets: &[usize],
        dropout: Dropout,
        saved: &SavedExit<T>,
        grads: &mut Exits<T>,
        dhidden: &mut Tensor<T>,
    ) {
        let mut d = self.classifiers[m].backward(dlogits, &saved.features, &mut grads.classifiers[m]);
        dropout.with_rate(self.dropout).apply(&mut d);
        if let (Some(p), Some(saved)) = (self.pooler(m), &saved.pooler) {
            d = self.poolers[p].backward(&d, saved, &mut grads.poolers[p]);
        }
        if let (Some(norm), Some(saved), Some(grads)) = (&self.norm, &saved.norm, &mut grads.norm) {
            d = norm.backward(&d, saved, grads);
        }
        self.pooling.backward(&d, offsets, dhidden);
    }
}
