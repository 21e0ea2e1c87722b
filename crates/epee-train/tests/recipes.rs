//! The gradient of every recipe's steps against finite differences in f64, at every parameter of a tiny model.
#![allow(clippy::unwrap_used)]

#[path = "../../epee-model/tests/common/mod.rs"]
mod common;

use common::agree;
use epee_model::{BackboneGradient, Batch, Config, ExitConfig, Model, Outputs};
use epee_nn::{Dropout, Parameters, Targets, Tensor, cross_entropy, distillation, exit_head_loss};
use epee_train::{Objective, RecipeName, Stage, joint_loss};

const CONFIG: &str = r#"{"model_type": "bert", "vocab_size": 9, "hidden_size": 4, "num_hidden_layers": 3, "num_attention_heads": 2,
    "intermediate_size": 6, "max_position_embeddings": 5, "initializer_range": 0.5}"#;

const LABELS: [usize; 3] = [2, 0, 1];

fn batch() -> Batch {
    Batch {
        ids: vec![1, 2, 3, 4, 5, 6],
        type_ids: vec![0, 0, 1, 0, 1, 1],
        offsets: vec![0, 1, 4, 6],
        ..Batch::default()
    }
}

fn model() -> Model<f64> {
    let config = Config::from_json(serde_json::from_str(CONFIG).unwrap()).unwrap();
    Model::new(&config, ExitConfig { score: true, ..ExitConfig::of(&config, 3) }, 7)
}

/// A step's loss, from the formulas of the recipes. `fixed` has the values that the gradient takes as constants: the teacher's
/// logits, and which answers are wrong.
fn loss(outputs: &Outputs<f64>, fixed: &Outputs<f64>, targets: &Targets, objective: &Objective) -> f64 {
    let last = outputs.logits.len() - 1;
    let of_exit = |m: usize| {
        let z = &outputs.logits[m];
        let mut loss = cross_entropy(z, targets).loss;
        if let (Some(taught), true) = (objective.distillation, m < last) {
            let kl = distillation(z, &fixed.logits[last], taught.temperature, targets).loss;
            loss = (1.0 - taught.weight) * loss + taught.weight * kl;
        }
        if objective.exit_head {
            let wrong: Vec<bool> = (0..3).map(|i| best(&fixed.logits[m], i) != LABELS[i]).collect();
            loss += exit_head_loss(&outputs.scores[m], &wrong, targets).loss;
        }
        loss
    };
    objective.exit_weights.iter().enumerate().map(|(m, weight)| weight * of_exit(m)).sum()
}

fn best(z: &Tensor<f64>, i: usize) -> usize {
    let row = z.row(i);
    (0..row.len()).fold(0, |best, k| if row[k] > row[best] { k } else { best })
}

#[test]
fn every_step_of_every_recipe() {
    let (model, batch) = (model(), batch());
    let (outputs, saved) = model.forward(&batch, Dropout::off());
    for name in RecipeName::ALL {
        let recipe = name.recipe();
        let weights = recipe.class_weights.of(&[0, 0, 0, 0, 1, 2], 3);
        let targets = Targets::of(&LABELS, 3).weighted(&weights).smoothed(0.1);
        for (stage, at) in [(Stage::First, 0), (Stage::Second, 0), (Stage::Second, 1)] {
            let objective = recipe.objective(stage, at, 3);
            let joint = joint_loss(&outputs, &targets, &LABELS, &objective);
            assert!((joint.loss - loss(&outputs, &outputs, &targets, &objective)).abs() < 1e-12, "{name}");
            let mut grads = model.zeros_like();
            model.backward(&batch, &joint.gradients, &saved, objective.backbone, &mut grads);
            println!("{name}, {stage:?}, step {at}");
            // A scaled gradient is not that of the loss: epee-model's tests check it.
            let head = |parameter: &str| parameter.starts_with("exits.");
            let chosen = |parameter: &str| objective.backbone == BackboneGradient::Joint || head(parameter);
            let loss =
                |model: &Model<f64>| loss(&model.forward(&batch, Dropout::off()).0, &outputs, &targets, &objective);
            agree(&model, &grads, loss, chosen);
            for (parameter, grad) in grads.parameters().into_iter().filter(|(parameter, _)| !head(parameter)) {
                let zero = grad.data().iter().all(|&g| g == 0.0);
                assert!(zero || objective.backbone != BackboneGradient::Frozen, "{name}: {parameter} moves");
            }
        }
    }
}

#[test]
fn the_accuracies_are_the_shares_of_correct_answers() {
    let logits = |rows: [[f64; 2]; 4]| Tensor::from_vec(&[4, 2], rows.concat());
    let outputs = Outputs {
        logits: vec![
            logits([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]),
            logits([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]),
        ],
        scores: Vec::new(),
    };
    let labels = [0, 1, 1, 0];
    let objective = RecipeName::Paper.recipe().objective(Stage::Second, 0, 2);
    let joint = joint_loss(&outputs, &Targets::of(&labels, 2), &labels, &objective);
    // A tie goes to the lowest class.
    assert_eq!(joint.accuracies, [0.75, 0.0]);
    assert!((joint.loss - (joint.per_exit[0] + 2.0 * joint.per_exit[1]) / 3.0).abs() < 1e-12);
}
