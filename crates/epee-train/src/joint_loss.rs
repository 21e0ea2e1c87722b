//! What a step adds up: every exit's loss, weighted.

use epee_model::{OutputGradients, Outputs};
use epee_nn::{Loss, Scalar, Targets, Tensor, cross_entropy, distillation, exit_head_loss};

use crate::{Distillation, Step};

/// The loss of all exits on one batch.
#[derive(Debug)]
pub struct JointLoss<T: Scalar> {
    /// `Σ_m w_m L_m`, in nats; the weights add up to 1.
    pub loss: f64,
    /// `CE_m`, in nats, of every exit, whether it counts or not.
    pub per_exit: Vec<f64>,
    /// The share of the batch that each exit answers right.
    pub accuracies: Vec<f64>,
    /// `∂loss/∂outputs`; none of an exit that does not count.
    pub gradients: OutputGradients<T>,
}

/// `L = Σ_m w_m L_m` (Eq. 4, where `L_m = CE_m` and `w_m = m / Σ m`) and its gradient. `L_m` may be partly a distillation from the last
/// exit, and a learned exit head's loss is added to it.
///
/// # Panics
/// Where outputs, targets and labels have not the same rows.
pub fn joint_loss<T: Scalar>(outputs: &Outputs<T>, targets: &Targets, labels: &[usize], step: &Step) -> JointLoss<T> {
    let mut joint = JointLoss {
        loss: 0.0,
        per_exit: Vec::new(),
        accuracies: Vec::new(),
        gradients: OutputGradients { logits: Vec::new(), scores: Vec::new() },
    };
    let others = outputs.logits.len().saturating_sub(1);
    for (m, (z, &weight)) in outputs.logits.iter().zip(&step.weights).enumerate() {
        let wrong: Vec<bool> = labels.iter().enumerate().map(|(i, &label)| answer(z.row(i)) != label).collect();
        let right = wrong.iter().filter(|wrong| !**wrong).count();
        joint.accuracies.push(right as f64 / labels.len().max(1) as f64);
        let ce = cross_entropy(z, targets);
        joint.per_exit.push(ce.loss);
        let taught = step.distillation.filter(|_| m < others).map(|Distillation { weight, temperature }| {
            (weight, distillation(z, &outputs.logits[others], temperature, targets))
        });
        let share = taught.as_ref().map_or(1.0, |(share, _)| 1.0 - share);
        let mut parts = vec![(weight * share, ce)];
        parts.extend(taught.map(|(share, loss)| (weight * share, loss)));
        joint.gradients.logits.push(sum(parts, &mut joint.loss));
        if let Some(scores) = outputs.scores.get(m).filter(|_| step.exit_head) {
            let loss = exit_head_loss(scores, &wrong, targets);
            joint.gradients.scores.push(sum(vec![(weight, loss)], &mut joint.loss));
        }
    }
    joint
}

/// Adds weighted losses of one output to `total` and returns their gradient, none where they do not count.
fn sum<T: Scalar>(parts: Vec<(f64, Loss<T>)>, total: &mut f64) -> Option<Tensor<T>> {
    let mut gradient: Option<Tensor<T>> = None;
    for (weight, mut part) in parts.into_iter().filter(|(weight, _)| *weight > 0.0) {
        *total += weight * part.loss;
        part.gradient.scale(T::of(weight));
        match &mut gradient {
            Some(gradient) => gradient.add(&part.gradient),
            None => gradient = Some(part.gradient),
        }
    }
    gradient
}

/// The class that is answered.
fn answer<T: Scalar>(logits: &[T]) -> usize {
    epee_exit::argmax(&logits.iter().map(|z| z.f64() as f32).collect::<Vec<f32>>())
}
