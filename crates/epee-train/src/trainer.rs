//! One training step: forward and backward pass, clipping, AdamW.

use epee_model::{Batch, Model};
use epee_nn::{AdamW, Dropout, Parameters, Targets, clip_grad_norm, grad_norm, in_pool};

use crate::{JointLoss, Objective, joint_loss};

/// A model in training: weights, the optimiser's moments and a buffer for gradients.
///
/// With it you can write a training loop of your own:
///
/// ```
/// use epee_input::Encoding;
/// use epee_model::{Batch, Config, ExitConfig, Model};
/// use epee_nn::{Dropout, Targets};
/// use epee_train::{RecipeName, Stage, StepInput, Trainer};
///
/// let config = Config::from_json(serde_json::from_str(
///     r#"{"model_type": "bert", "vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
///         "intermediate_size": 16, "max_position_embeddings": 4}"#,
/// )?)?;
/// let mut trainer = Trainer::new(Model::new(&config, ExitConfig::of(&config, 2), 1), 0.0);
/// // Two sequences of three tokens; the label says if token 7 occurs.
/// let text = |ids: [u32; 3]| Encoding { ids: ids.to_vec(), type_ids: vec![0; 3], truncated: false }.into();
/// let batch = Batch::new(&[text([1, 7, 3]), text([1, 4, 3])]);
/// let labels = [1, 0];
/// let objective = RecipeName::Paper.recipe().objective(Stage::Second, 0, config.depth());
/// let input = StepInput {
///     batch: &batch,
///     targets: &Targets::of(&labels, 2),
///     labels: &labels,
///     objective: &objective,
///     dropout: Dropout::off(),
///     clip: 1.0,
/// };
/// let losses: Vec<f64> = (0..60).map(|_| trainer.step(&input, |_| Some(1e-2)).loss).collect();
/// assert!((losses[0] - 2f64.ln()).abs() < 0.1); // a guess between two classes
/// assert!(losses[59] < 0.1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Trainer {
    /// The weights.
    pub model: Model<f32>,
    /// Moments and steps taken.
    pub optimiser: AdamW<Model<f32>>,
    grads: Model<f32>,
}

/// The input of a step.
#[derive(Clone, Copy)]
pub struct StepInput<'a> {
    /// Sequences.
    pub batch: &'a Batch,
    /// Their targets, which may be weighted, smoothed or mixed labels.
    pub targets: &'a Targets,
    /// Their classes, from 0, for accuracies and the learned exit head.
    pub labels: &'a [usize],
    /// The loss to minimise.
    pub objective: &'a Objective,
    /// The source of dropout masks; each place in the model has its own rate.
    pub dropout: Dropout,
    /// Largest norm of the gradient.
    pub clip: f64,
}

/// The result of a step, from before the weights moved.
#[derive(Clone, Debug)]
pub struct StepResult {
    /// The objective's loss, in nats.
    pub loss: f64,
    /// Cross-entropy of each exit, in nats.
    pub exit_losses: Vec<f64>,
    /// Accuracy of each exit on the batch.
    pub exit_accuracies: Vec<f64>,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
}

impl Trainer {
    /// A model at the start of its training.
    pub fn new(model: Model<f32>, weight_decay: f64) -> Trainer {
        let optimiser = AdamW::new(&model, weight_decay);
        let grads = model.zeros_like();
        Trainer { model, optimiser, grads }
    }

    /// Loss and gradient of a step. The weights do not change.
    ///
    /// # Panics
    /// If batch, targets and labels have different lengths.
    pub fn gradient(&mut self, input: &StepInput<'_>) -> (JointLoss<f32>, &Model<f32>) {
        self.grads.set_zero();
        let (outputs, saved) = self.model.forward(input.batch, input.dropout);
        let joint = joint_loss(&outputs, input.targets, input.labels, input.objective);
        self.model.backward(input.batch, &joint.gradients, &saved, input.objective.backbone, &mut self.grads);
        (joint, &self.grads)
    }

    /// One step: gradient, clipping, AdamW. `rate` gets a parameter's name and returns its learning rate, `None` for a frozen
    /// one. If the loss or the gradient is not finite, the weights do not change: check the result.
    ///
    /// # Panics
    /// As [`Trainer::gradient`].
    pub fn step(&mut self, input: &StepInput<'_>, rate: impl Fn(&str) -> Option<f64>) -> StepResult {
        in_pool(|| {
            let (JointLoss { loss, per_exit, accuracies, .. }, _) = self.gradient(input);
            let gradient_norm = grad_norm(&self.grads);
            if loss.is_finite() && gradient_norm.is_finite() {
                let factor = clip_grad_norm(gradient_norm, input.clip);
                self.optimiser.step(&mut self.model, &self.grads, factor, rate);
            }
            StepResult { loss, exit_losses: per_exit, exit_accuracies: accuracies, gradient_norm }
        })
    }
}
