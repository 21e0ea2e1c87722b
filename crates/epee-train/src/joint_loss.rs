//! The joint loss of a step: the weighted sum of the exits' losses.

use epee_model::{OutputGradients, Outputs};
use epee_nn::{Loss, Scalar, Targets, Tensor, cross_entropy, distillation, exit_head_loss};

use crate::{Distillation, Objective};

/// The loss of all exits on one batch.
#[derive(Debug)]
pub struct JointLoss<T: Scalar> {
    /// `Σ_m w_m L_m`, in nats, with weights that add up to 1.
    pub loss: f64,
    /// Cross-entropy `CE_m` of every exit, in nats, also if its weight is 0.
    pub per_exit: Vec<f64>,
    /// Accuracy of each exit on the batch.
    pub accuracies: Vec<f64>,
    /// `∂loss/∂outputs`; `None` for an exit of weight 0.
    pub gradients: OutputGradients<T>,
}

/// `L = Σ_m w_m L_m` and its gradient. In Eq. 4, `L_m = CE_m` and `w_m = m / Σ m`. With distillation a share of `L_m` is that
/// from the last exit ([`Distillation`]); a learned exit head's loss is added to it.
///
/// # Panics
/// If outputs, targets and labels have different numbers of rows.
pub fn joint_loss<T: Scalar>(
    outputs: &Outputs<T>,
    targets: &Targets,
    labels: &[usize],
    objective: &Objective,
) -> JointLoss<T> {
    let mut joint = JointLoss {
        loss: 0.0,
        per_exit: Vec::new(),
        accuracies: Vec::new(),
        gradients: OutputGradients { logits: Vec::new(), scores: Vec::new() },
    };
    let others = outputs.logits.len().saturating_sub(1);
    for (m, (z, &weight)) in outputs.logits.iter().zip(&objective.exit_weights).enumerate() {
        let wrong: Vec<bool> = labels.iter().enumerate().map(|(i, &label)| answer(z.row(i)) != label).collect();
        let correct = wrong.iter().filter(|wrong| !**wrong).count();
        joint.accuracies.push(correct as f64 / labels.len().max(1) as f64);
        let ce = cross_entropy(z, targets);
        joint.per_exit.push(ce.loss);
        let taught = objective.distillation.filter(|_| m < others).map(|Distillation { weight, temperature }| {
            (weight, distillation(z, &outputs.logits[others], temperature, targets))
        });
        let share = taught.as_ref().map_or(1.0, |(share, _)| 1.0 - share);
        let mut parts = vec![(weight * share, ce)];
        parts.extend(taught.map(|(share, loss)| (weight * share, loss)));
        joint.gradients.logits.push(sum(parts, &mut joint.loss));
        if let Some(scores) = outputs.scores.get(m).filter(|_| objective.exit_head) {
            let loss = exit_head_loss(scores, &wrong, targets);
            joint.gradients.scores.push(sum(vec![(weight, loss)], &mut joint.loss));
        }
    }
    joint
}

/// Adds weighted losses of one output to `total`; returns their gradient, `None` if all weights are 0.
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

fn answer<T: Scalar>(logits: &[T]) -> usize {
    epee_exit::argmax(&logits.iter().map(|z| z.f64() as f32).collect::<Vec<f32>>())
}
