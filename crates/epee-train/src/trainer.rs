//! One training step.

use epee_model::{Batch, Model};
use epee_nn::{AdamW, Dropout, Parameters, Targets, clip_grad_norm, grad_norm, in_pool};

use crate::{JointLoss, Step, joint_loss};

/// A model in training: its weights, the optimiser's moments, and where gradients are gathered.
pub struct Trainer {
    /// The weights.
    pub model: Model<f32>,
    /// Moments and steps taken.
    pub optimiser: AdamW<Model<f32>>,
    grads: Model<f32>,
}

/// What a step is taken on.
pub(crate) struct StepInput<'a> {
    pub(crate) batch: &'a Batch,
    pub(crate) targets: &'a Targets,
    pub(crate) labels: &'a [usize],
    pub(crate) step: &'a Step,
    pub(crate) dropout: Dropout,
    pub(crate) clip: f64,
}

/// What a step saw.
#[derive(Clone, Debug)]
pub(crate) struct StepResult {
    pub(crate) loss: f64,
    pub(crate) per_exit: Vec<f64>,
    pub(crate) accuracies: Vec<f64>,
    pub(crate) gradient_norm: f64,
}

impl Trainer {
    /// A model at the start of its training.
    pub fn new(model: Model<f32>, weight_decay: f64) -> Trainer {
        let optimiser = AdamW::new(&model, weight_decay);
        let grads = model.zeros_like();
        Trainer { model, optimiser, grads }
    }

    /// Loss and gradient of a step on a batch.
    pub fn gradient(
        &mut self,
        batch: &Batch,
        targets: &Targets,
        labels: &[usize],
        step: &Step,
        dropout: Dropout,
    ) -> (JointLoss<f32>, &Model<f32>) {
        self.grads.set_zero();
        let (outputs, saved) = self.model.forward(batch, dropout);
        let joint = joint_loss(&outputs, targets, labels, step);
        self.model.backward(batch, &joint.gradients, &saved, step.trunk, &mut self.grads);
        (joint, &self.grads)
    }

    /// One step: gradient, clipping, AdamW. `rate` is told a parameter's name and says its learning rate, none where it stands still. Nothing is changed where loss
    /// or gradient is not finite.
    pub(crate) fn step(&mut self, input: &StepInput<'_>, rate: impl Fn(&str) -> Option<f64>) -> StepResult {
        in_pool(|| {
            let StepInput { batch, targets, labels, step, dropout, clip } = *input;
            let (joint, _) = self.gradient(batch, targets, labels, step, dropout);
            let norm = grad_norm(&self.grads);
            if joint.loss.is_finite() && norm.is_finite() {
                self.optimiser.step(&mut self.model, &self.grads, clip_grad_norm(norm, clip), rate);
            }
            let JointLoss { loss, per_exit, accuracies, .. } = joint;
            StepResult { loss, per_exit, accuracies, gradient_norm: norm }
        })
    }
}
