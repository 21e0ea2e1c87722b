//! The exits: what each reads, and its classifier.

use epee_nn::{Dropout, Linear, Pooler, SavedPooler, Scalar, Tensor, parameters};
use serde::{Deserialize, Serialize};

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

/// Whether exits share a pooler.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PoolerKind {
    /// The model's one pooler.
    #[default]
    Shared,
    /// One per exit, all starting from the checkpoint's.
    PerExit,
}

impl Pooling {
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

/// An exit after every layer: `z_m = classifier_m(dropout(pooler(row of s_m)))`.
#[derive(Clone, Debug)]
pub struct Exits<T: Scalar = f32> {
    /// One, or one per exit.
    pub(crate) poolers: Vec<Pooler<T>>,
    /// One per exit, d → K.
    pub(crate) classifiers: Vec<Linear<T>>,
    pub(crate) pooling: Pooling,
    pub(crate) dropout: f64,
}

parameters!(Exits { poolers, classifiers });

/// What [`Exits::backward`] needs.
#[derive(Debug)]
pub(crate) struct SavedExit<T: Scalar> {
    pooler: SavedPooler<T>,
    features: Tensor<T>,
}

impl<T: Scalar> Exits<T> {
    /// All weights zero.
    pub(crate) fn zeros(
        exits: usize,
        width: usize,
        classes: usize,
        kind: PoolerKind,
        pooling: Pooling,
        dropout: f64,
    ) -> Exits<T> {
        let poolers = match kind {
            PoolerKind::Shared => 1,
            PoolerKind::PerExit => exits,
        };
        Exits {
            poolers: vec![Pooler { dense: Linear::zeros(width, width) }; poolers],
            classifiers: vec![Linear::zeros(classes, width); exits],
            pooling,
            dropout,
        }
    }

    /// K
    pub fn classes(&self) -> usize {
        self.classifiers[0].outputs()
    }

    fn pooler(&self, m: usize) -> usize {
        m.min(self.poolers.len() - 1)
    }

    /// Logits `[sequences, K]` of exit m (from 0).
    pub(crate) fn forward(
        &self,
        m: usize,
        hidden: &Tensor<T>,
        offsets: &[usize],
        dropout: Dropout,
    ) -> (Tensor<T>, SavedExit<T>) {
        let rows = self.pooling.forward(hidden, offsets);
        let (mut features, pooler) = self.poolers[self.pooler(m)].forward(rows);
        dropout.with_rate(self.dropout).apply(&mut features);
        (self.classifiers[m].forward(&features), SavedExit { pooler, features })
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
        let p = self.pooler(m);
        let d = self.poolers[p].backward(&d, &saved.pooler, &mut grads.poolers[p]);
        self.pooling.backward(&d, offsets, dhidden);
    }

    /// The name of a parameter in a checkpoint.
    pub(crate) fn checkpoint_name(&self, structural: &str) -> String {
        let (kind, rest) = structural.split_once('.').unwrap_or((structural, ""));
        let (i, rest) = rest.split_once('.').unwrap_or((rest, ""));
        let m = i.parse::<usize>().map_or(0, |i| i + 1);
        match kind {
            "classifiers" => format!("exits.{m}.classifier.{rest}"),
            _ if self.poolers.len() == 1 => format!("pooler.{rest}"),
            _ => format!("exits.{m}.pooler.{rest}"),
        }
    }
}
