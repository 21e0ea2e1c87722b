//! Every pooling and both kinds of pooler: the whole model's gradient against finite differences in f64.

#![allow(clippy::unwrap_used)]

use epee_model::{BackboneGradient, Batch, Config, ExitConfig, Model, PoolerKind, Pooling};
use epee_nn::{Dropout, Parameters};

const CONFIG: &str = r#"{"model_type": "bert", "vocab_size": 9, "hidden_size": 4, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 6, "max_position_embeddings": 5, "initializer_range": 0.5}"#;

/// The sum of all logits, weighted so that no two count the same.
fn objective(model: &Model<f64>, batch: &Batch) -> f64 {
    let (outputs, _) = model.forward(batch, Dropout::off());
    outputs.logits.iter().flat_map(|z| z.data()).enumerate().map(|(i, z)| weight(i) * z).sum()
}

fn weight(i: usize) -> f64 {
    ((i * 7 + 3) % 11) as f64 / 5.0 - 1.0
}

#[test]
fn gradients() {
    let config = Config::from_json(serde_json::from_str(CONFIG).unwrap()).unwrap();
    let batch = Batch {
        ids: vec![1, 2, 3, 4, 5, 6],
        type_ids: vec![0, 0, 1, 0, 1, 1],
        offsets: vec![0, 1, 4, 6],
        ..Batch::default()
    };
    for pooling in [Pooling::First, Pooling::Last, Pooling::Mean] {
        for pooler in [PoolerKind::Shared, PoolerKind::PerExit] {
            let model: Model<f64> =
                Model::new(&config, ExitConfig { pooling, pooler, ..ExitConfig::of(&config, 3) }, 7);
            let (mut outputs, saved) = model.forward(&batch, Dropout::off());
            for (i, d) in outputs.logits.iter_mut().flat_map(|d| d.data_mut()).enumerate() {
                *d = weight(i);
            }
            let mut grads = model.zeros_like();
            model.backward(&batch, &outputs.logits.into(), &saved, BackboneGradient::Joint, &mut grads);
            for (p, (name, grad)) in grads.parameters().into_iter().enumerate() {
                for i in (0..grad.len()).step_by(3) {
                    let at = |h: f64| {
                        let mut moved = model.clone();
                        moved.parameters_mut()[p].1.data_mut()[i] += h;
                        objective(&moved, &batch)
                    };
                    let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
                    let got = grad.data()[i];
                    assert!(
                        (got - expected).abs() <= 1e-6 * (1.0 + expected.abs()),
                        "{pooling:?}, {pooler:?}, {name}[{i}]: got {got}, finite differences say {expected}"
                    );
                }
            }
        }
    }
}
