//! Eq. 4: the weighted mean of every exit's cross-entropy.

use epee_nn::{Scalar, Targets, Tensor, cross_entropy};

/// The loss of all exits on one batch.
#[derive(Debug)]
pub struct JointLoss<T: Scalar> {
    /// `Σ_m w_m CE_m / Σ_m w_m`, in nats.
    pub loss: f64,
    /// `CE_m`, in nats.
    pub per_exit: Vec<f64>,
    /// `∂loss/∂logits` of each exit, M times `[B, K]`.
    pub dlogits: Vec<Tensor<T>>,
}

/// `w_m / Σ w`, with `w_m = m`, the relative inference cost of exit m.
///
/// ```
/// assert_eq!(epee_train::exit_weights(4), [0.1, 0.2, 0.3, 0.4]);
/// ```
pub fn exit_weights(exits: usize) -> Vec<f64> {
    let total = (exits * (exits + 1) / 2) as f64;
    (1..=exits).map(|m| m as f64 / total).collect()
}

/// `L = Σ_m w_m CE_m / Σ_m w_m` (Eq. 4) of logits M × `[B, K]`, and its gradient.
pub fn joint_loss<T: Scalar>(logits: &[Tensor<T>], labels: &[usize]) -> JointLoss<T> {
    let mut joint = JointLoss { loss: 0.0, per_exit: Vec::new(), dlogits: Vec::new() };
    for (z, weight) in logits.iter().zip(exit_weights(logits.len())) {
        let mut ce = cross_entropy(z, &Targets::of(labels, z.cols()));
        joint.loss += weight * ce.loss;
        joint.per_exit.push(ce.loss);
        for d in ce.gradient.data_mut() {
            *d *= T::of(weight);
        }
        joint.dlogits.push(ce.gradient);
    }
    joint
}
