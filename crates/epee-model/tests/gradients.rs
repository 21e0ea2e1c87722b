//! The whole model's backward pass against finite differences in f64: every pooling and pooler, the learned exit head, and the ways
//! in which the exits' gradients enter the backbone.

#![allow(clippy::unwrap_used)]

mod common;

use common::agree;
use epee_model::{BackboneGradient, Batch, ExitConfig, Model, OutputGradients, Outputs, PoolerKind, Pooling};
use epee_nn::{Dropout, Parameters, Tensor, sigmoid};

const EXITS: usize = 3;
const CLASSES: usize = 2;

fn model(family: &str) -> Model<f64> {
    let pooling = if family == "gpt2" { Pooling::Mean } else { Pooling::First };
    model_of(family, |exit_config| ExitConfig { pooling, ..exit_config })
}

fn model_of(family: &str, change: impl Fn(ExitConfig) -> ExitConfig) -> Model<f64> {
    let config = common::config(&serde_json::json!({
        "model_type": family, "vocab_size": 9, "hidden_size": 4, "num_hidden_layers": EXITS, "num_attention_heads": 2,
        "intermediate_size": 6, "max_position_embeddings": 5, "initializer_range": 0.5,
        "n_embd": 4, "n_layer": EXITS, "n_head": 2, "n_inner": 6, "n_positions": 5,
    }));
    Model::new(&config, change(ExitConfig { score: true, ..ExitConfig::of(&config, CLASSES) }), 7)
}

fn batch(sequences: &[&[u32]]) -> Batch {
    let mut batch = Batch { offsets: vec![0], ..Batch::default() };
    for ids in sequences {
        batch.ids.extend_from_slice(ids);
        batch.offsets.push(batch.ids.len());
    }
    batch.type_ids = batch.ids.iter().map(|id| id % 2).collect();
    batch
}

const SEQUENCES: [&[u32]; 3] = [&[1], &[2, 3, 4], &[5, 6]];

/// The weights of a loss on the logits and scores of each exit.
#[derive(Clone, Copy)]
struct Weights {
    logits: [f64; EXITS],
    scores: [f64; EXITS],
}

const ALL: Weights = Weights { logits: [0.3, 2.0, 0.7], scores: [1.1, 0.0, 0.4] };

impl Weights {
    /// Those of one exit, times a factor. The others are zero.
    fn only(self, m: usize, factor: f64) -> Weights {
        let only = |weights: [f64; EXITS]| std::array::from_fn(|i| if i == m { factor * weights[i] } else { 0.0 });
        Weights { logits: only(self.logits), scores: only(self.scores) }
    }
}

fn weight(i: usize) -> f64 {
    ((i * 7 + 3) % 11) as f64 / 5.0 - 1.0
}

/// BERxiT's target for a sample at an exit.
fn target(m: usize, i: usize) -> f64 {
    ((m + i) % 2) as f64
}

/// `Σ_m a_m Σ_i weight_i z_i + b_m Σ_i (σ(s_i) − target_i)²`
fn loss(outputs: &Outputs<f64>, weights: Weights) -> f64 {
    let of_logits =
        |m: usize| outputs.logits[m].data().iter().enumerate().map(|(i, z)| weight(i + 6 * m) * z).sum::<f64>();
    let of_scores = |m: usize| {
        outputs.scores[m].data().iter().enumerate().map(|(i, &s)| (sigmoid(s) - target(m, i)).powi(2)).sum::<f64>()
    };
    (0..EXITS).map(|m| weights.logits[m] * of_logits(m) + weights.scores[m] * of_scores(m)).sum()
}

fn gradients(outputs: &Outputs<f64>, weights: Weights) -> OutputGradients<f64> {
    let of = |tensors: &[Tensor<f64>], factors: [f64; EXITS], f: &dyn Fn(usize, usize, f64) -> f64| {
        let at = |m: usize| {
            let data = tensors[m].data().iter().enumerate().map(|(i, &x)| factors[m] * f(m, i, x)).collect();
            (factors[m] != 0.0).then(|| Tensor::from_vec(tensors[m].shape(), data))
        };
        (0..EXITS).map(at).collect()
    };
    OutputGradients {
        logits: of(&outputs.logits, weights.logits, &|m, i, _| weight(i + 6 * m)),
        scores: of(&outputs.scores, weights.scores, &|m, i, s| {
            let u = sigmoid(s);
            2.0 * (u - target(m, i)) * u * (1.0 - u)
        }),
    }
}

fn backward(model: &Model<f64>, dropout: Dropout, weights: Weights, backbone: BackboneGradient) -> Model<f64> {
    let batch = &batch(&SEQUENCES);
    let (outputs, saved) = model.forward(batch, dropout);
    let mut grads = model.zeros_like();
    model.backward(batch, &gradients(&outputs, weights), &saved, backbone, &mut grads);
    grads
}

/// The loss on [`SEQUENCES`].
fn loss_of(model: &Model<f64>, dropout: Dropout, weights: Weights) -> f64 {
    loss(&model.forward(&batch(&SEQUENCES), dropout).0, weights)
}

fn in_backbone(name: &str) -> bool {
    !name.starts_with("exits.")
}

#[test]
fn a_loss_on_scores_and_logits_with_and_without_dropout() {
    for family in ["bert", "gpt2"] {
        let model = model(family);
        for dropout in [Dropout::off(), Dropout::new(0.5, 3)] {
            for weights in [ALL, Weights { logits: [0.0; EXITS], ..ALL }] {
                let grads = backward(&model, dropout, weights, BackboneGradient::Joint);
                agree(&model, &grads, |model| loss_of(model, dropout, weights), |_| true);
            }
        }
    }
}

#[test]
fn every_pooling_and_pooler() {
    for pooling in [Pooling::First, Pooling::Last, Pooling::Mean] {
        for pooler in [PoolerKind::Shared, PoolerKind::PerExit] {
            println!("{pooling:?}, {pooler:?}");
            let model = model_of("bert", |exit_config| ExitConfig { pooling, pooler, ..exit_config });
            let grads = backward(&model, Dropout::off(), ALL, BackboneGradient::Joint);
            agree(&model, &grads, |model| loss_of(model, Dropout::off(), ALL), |_| true);
        }
    }
}

#[test]
fn a_frozen_backbone_gets_no_gradient_and_exits_get_the_usual_one() {
    for family in ["bert", "gpt2"] {
        let model = model(family);
        let frozen = backward(&model, Dropout::off(), ALL, BackboneGradient::Frozen);
        let joint = backward(&model, Dropout::off(), ALL, BackboneGradient::Joint);
        for ((name, frozen), (_, joint)) in frozen.parameters().into_iter().zip(joint.parameters()) {
            if in_backbone(&name) {
                assert!(frozen.data().iter().all(|&g| g == 0.0), "{name}");
            } else {
                assert!(frozen == joint && joint.data().iter().any(|&g| g != 0.0), "{name}");
            }
        }
    }
}

#[test]
fn balanced_exits_enter_the_backbone_with_equal_norms() {
    let model = model("bert");
    // Exits read only the first row of a sequence. So with one sequence, the gradient of the layer's last bias is the gradient at that row.
    let squares = |m: usize, ids: &[u32], at: usize| -> f64 {
        // Targets and weights depend on the sample's place in the batch.
        let whole = batch(&SEQUENCES);
        let (outputs, _) = model.forward(&whole, Dropout::off());
        let all = gradients(&outputs, ALL.only(m, 1.0));
        let row = |g: &Option<Tensor<f64>>| g.as_ref().map(|g| Tensor::from_vec(&[1, g.cols()], g.row(at).to_vec()));
        let alone = batch(&[ids]);
        let (_, saved) = model.forward(&alone, Dropout::off());
        let of_row = OutputGradients {
            logits: all.logits.iter().map(row).collect(),
            scores: all.scores.iter().map(row).collect(),
        };
        let mut grads = model.zeros_like();
        model.backward(&alone, &of_row, &saved, BackboneGradient::Joint, &mut grads);
        let name = format!("layers.{m}.feed_forward_norm.bias");
        let (_, bias) = grads.parameters().into_iter().find(|(other, _)| *other == name).unwrap();
        bias.data().iter().map(|g| g * g).sum()
    };
    let norms: Vec<f64> = (0..EXITS)
        .map(|m| SEQUENCES.iter().enumerate().map(|(at, ids)| squares(m, ids, at)).sum::<f64>().sqrt())
        .collect();
    let mean = norms.iter().sum::<f64>() / EXITS as f64;
    assert!(norms.iter().any(|norm| (norm / mean - 1.0).abs() > 0.2), "{norms:?} are all alike");

    let batch = batch(&SEQUENCES);
    let balanced = backward(&model, Dropout::off(), ALL, BackboneGradient::Balanced);
    let scaled = |model: &Model<f64>| {
        let (outputs, _) = model.forward(&batch, Dropout::off());
        (0..EXITS).map(|m| loss(&outputs, ALL.only(m, mean / norms[m]))).sum()
    };
    agree(&model, &balanced, scaled, in_backbone);
    let joint = backward(&model, Dropout::off(), ALL, BackboneGradient::Joint);
    for ((name, balanced), (_, joint)) in balanced.parameters().into_iter().zip(joint.parameters()) {
        assert_eq!(balanced == joint, !in_backbone(&name), "{name}");
    }
}

#[test]
fn one_exit_alone_is_not_scaled_and_a_gradient_of_zero_stays_zero() {
    let batch = batch(&SEQUENCES);
    let model = model("bert");
    let one = ALL.only(1, 1.0);
    let joint = backward(&model, Dropout::off(), one, BackboneGradient::Joint);
    let balanced = backward(&model, Dropout::off(), one, BackboneGradient::Balanced);
    assert!(balanced.parameters() == joint.parameters());
    let (outputs, saved) = model.forward(&batch, Dropout::off());
    let zeros = outputs.logits.iter().map(Tensor::zeros_like).collect::<Vec<_>>();
    let mut grads = model.zeros_like();
    model.backward(&batch, &zeros.into(), &saved, BackboneGradient::Balanced, &mut grads);
    assert!(grads.parameters().iter().all(|(_, g)| g.data().iter().all(|&g| g == 0.0)));
}

#[test]
fn the_backward_pass_skips_layers_above_the_highest_exit_with_a_gradient() {
    let batch = batch(&SEQUENCES);
    let mut model = model("bert");
    let weights = ALL.only(1, 1.0);
    let whole = backward(&model, Dropout::off(), weights, BackboneGradient::Joint);
    let below = |name: &str| !name.starts_with("layers.2.");
    agree(&model, &whole, |model| loss_of(model, Dropout::off(), weights), below);
    for (name, tensor) in model.parameters_mut() {
        if name.starts_with("layers.2.") {
            tensor.data_mut().fill(f64::NAN);
        }
    }
    for backbone in [BackboneGradient::Joint, BackboneGradient::Balanced] {
        let grads = backward(&model, Dropout::off(), weights, backbone);
        assert!(grads.parameters() == whole.parameters(), "a gradient of zero went through the last layer");
    }
    let none = OutputGradients { logits: vec![None; EXITS], scores: Vec::new() };
    let (_, saved) = model.forward(&batch, Dropout::off());
    let mut grads = model.zeros_like();
    model.backward(&batch, &none, &saved, BackboneGradient::Joint, &mut grads);
    assert!(grads.parameters().iter().all(|(_, g)| g.data().iter().all(|&g| g == 0.0)));
}
