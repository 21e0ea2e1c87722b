//! One training step.

use epee_model::{Batch, Model, Trunk};
use epee_nn::{AdamW, Dropout, Parameters, clip_grad_norm, grad_norm, in_pool};

use crate::{JointLoss, joint_loss};

/// A model in training: its weights, the optimiser's moments, and where gradients are gathered.
pub struct Trainer {
    /// The weights.
    pub model: Model<f32>,
    /// Moments and steps taken.
    pub optimiser: AdamW<Model<f32>>,
    grads: Model<f32>,
}

/// What a step saw.
#[derive(Clone, Debug)]
pub(crate) struct StepResult {
    pub(crate) loss: f64,
    pub(crate) per_exit: Vec<f64>,
    pub(crate) gradient_norm: f64,
}

impl Trainer {
    /// A model at the start of its training.
    pub fn new(model: Model<f32>, weight_decay: f64) -> Trainer {
        let optimiser = AdamW::new(&model, weight_decay);
        let grads = model.zeros_like();
        Trainer { model, optimiser, grads }
    }

    /// Loss and gradient of Eq. 4 on a batch.
    pub fn gradient(&mut self, batch: &Batch, labels: &[usize], dropout: Dropout) -> (JointLoss<f32>, &Model<f32>) {
        self.grads.set_zero();
        let (outputs, saved) = self.model.forward(batch, dropout);
        let joint = joint_loss(&outputs.logits, labels);
        self.model.backward(batch, &joint.dlogits.clone().into(), &saved, Trunk::Joint, &mut self.grads);
        (joint, &self.grads)
    }

    /// One step: gradient, clipping, AdamW. Nothing is changed where loss or gradient is not finite.
    pub(crate) fn step(
        &mut self,
        batch: &Batch,
        labels: &[usize],
        dropout: Dropout,
        learning_rate: f64,
        clip: f64,
    ) -> StepResult {
        in_pool(|| self.step_here(batch, labels, dropout, learning_rate, clip))
    }

    fn step_here(
        &mut self,
        batch: &Batch,
        labels: &[usize],
        dropout: Dropout,
        learning_rate: f64,
        clip: f64,
    ) -> StepResult {
        let (joint, _) = self.gradient(batch, labels, dropout);
        let norm = grad_norm(&self.grads);
        if joint.loss.is_finite() && norm.is_finite() {
            self.optimiser.step(&mut self.model, &self.grads, learning_rate, clip_grad_norm(norm, clip));
        }
        StepResult { loss: joint.loss, per_exit: joint.per_exit, gradient_norm: norm }
    }
}
