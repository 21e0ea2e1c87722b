//! Softmax cross-entropy.

use crate::{Scalar, Tensor};

/// The loss of a batch and its gradient.
#[derive(Debug)]
pub struct CrossEntropy<T: Scalar> {
    /// The mean over the batch, in nats.
    pub loss: f64,
    /// `∂loss/∂logits`, `[n, K]`.
    pub dlogits: Tensor<T>,
}

/// `−1/n Σ_i ln softmax(logits_i)[label_i]` of logits `[n, K]`, computed in `f64`.
///
/// ```
/// let logits = epee_nn::Tensor::from_vec(&[1, 2], vec![0.0f32, 0.0]);
/// let ce = epee_nn::cross_entropy(&logits, &[1]);
/// assert!((ce.loss - 2f64.ln()).abs() < 1e-12);
/// assert_eq!(ce.dlogits.data(), [0.5, -0.5]);
/// ```
///
/// # Panics
/// Where a label is not below K or the number of labels is not n.
pub fn cross_entropy<T: Scalar>(logits: &Tensor<T>, labels: &[usize]) -> CrossEntropy<T> {
    assert_eq!(logits.rows(), labels.len(), "labels");
    let n = labels.len() as f64;
    let mut loss = 0.0;
    let mut dlogits = Tensor::zeros_like(logits);
    for (i, &label) in labels.iter().enumerate() {
        let row = logits.row(i);
        let max = row.iter().map(|x| x.f64()).fold(f64::NEG_INFINITY, f64::max);
        let norm: f64 = row.iter().map(|x| (x.f64() - max).exp()).sum();
        loss -= row[label].f64() - max - norm.ln();
        for (k, (d, x)) in dlogits.row_mut(i).iter_mut().zip(row).enumerate() {
            let p = (x.f64() - max).exp() / norm;
            *d = T::of((p - f64::from(u8::from(k == label))) / n);
        }
    }
    CrossEntropy { loss: loss / n, dlogits }
}
