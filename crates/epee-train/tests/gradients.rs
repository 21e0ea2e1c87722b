//! The gradient of Eq. 4 against PyTorch's (`scripts/reference.py`): a tiny BERT in full, MiniLM by norms and samples.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use epee_model::{Batch, BertConfig, Model, PoolerKind, Pooling, read_backbone, read_whole};
use epee_nn::{Dropout, Parameters};
use epee_train::Trainer;
use safetensors::SafeTensors;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../epee-model/tests/fixtures").join(name)
}

fn floats(file: &SafeTensors<'_>, name: &str) -> Vec<f32> {
    let data = file.tensor(name).unwrap_or_else(|error| panic!("{name}: {error}")).data();
    data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

fn integers(file: &SafeTensors<'_>, name: &str) -> Vec<usize> {
    let data = file.tensor(name).unwrap().data();
    data.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as usize).collect()
}

fn norm(values: impl IntoIterator<Item = f32>) -> f64 {
    values.into_iter().map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt()
}

/// The gradient of a fixture's batch, after its loss was compared.
fn gradient(model: Model, file: &SafeTensors<'_>) -> Model {
    let narrow = |name: &str| integers(file, name).into_iter().map(|x| x as u32).collect();
    let batch = Batch { ids: narrow("ids"), type_ids: narrow("type_ids"), offsets: integers(file, "offsets") };
    let mut trainer = Trainer::new(model, 0.0);
    let (joint, grads) = trainer.gradient(&batch, &integers(file, "labels"), Dropout::off());
    let expected = f64::from(floats(file, "loss")[0]);
    assert!((joint.loss - expected).abs() < 1e-5, "loss: got {}, expected {expected}", joint.loss);
    grads.clone()
}

#[test]
fn every_entry_of_a_tiny_bert() {
    let dir = fixture("tiny-bert");
    let config = BertConfig::read(&dir.join("config.json")).unwrap();
    let model = read_whole(&dir, &config, 3, PoolerKind::Shared, Pooling::First).unwrap();
    let bytes = std::fs::read(dir.join("expected.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let grads = gradient(model, &file);
    let all: Vec<(String, Vec<f32>, Vec<f32>)> = grads
        .parameters()
        .into_iter()
        .map(|(name, got)| (name.clone(), got.data().to_vec(), floats(&file, &format!("grad.{name}"))))
        .collect();
    let global = norm(all.iter().flat_map(|(.., expected)| expected.iter().copied()));
    assert!(global > 1e-2, "the reference gradient vanishes: {global}");
    for (name, got, expected) in &all {
        assert_eq!(got.len(), expected.len(), "{name}");
        let error = norm(got.iter().zip(expected).map(|(g, e)| g - e));
        let bound = 1e-4 * norm(expected.iter().copied()).max(1e-3 * global);
        assert!(error <= bound, "{name}: ‖Δ‖ is {error}, allowed {bound}");
    }
}

#[test]
fn norms_and_samples_of_minilm() {
    let root = std::env::var_os("EPEE_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")), PathBuf::from);
    let dir = root.join("minilm-l6-v2");
    if !dir.exists() {
        let required = std::env::var("EPEE_REQUIRE_DATA").is_ok_and(|value| value == "1");
        assert!(!required, "{} is required and absent", dir.display());
        println!("skipped: norms_and_samples_of_minilm needs {}", dir.display());
        return;
    }
    let config = BertConfig::read(&dir.join("config.json")).unwrap();
    let bytes = std::fs::read(fixture("minilm-expected.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let (mut model, _) = read_backbone(&dir, &config, 2, PoolerKind::Shared, Pooling::First, 1).unwrap();
    for (name, tensor) in model.parameters_mut() {
        if name.starts_with("exits.") {
            tensor.data_mut().copy_from_slice(&floats(&file, &name));
        }
    }
    let grads = gradient(model, &file);
    let global = f64::from(floats(&file, "global_norm")[0]);
    for (name, tensor) in grads.parameters() {
        let expected = f64::from(floats(&file, &format!("norm.{name}"))[0]);
        let bound = 1e-4 * expected.max(1e-3 * global);
        let got = norm(tensor.data().iter().copied());
        assert!((got - expected).abs() <= bound, "{name}: norm {got}, expected {expected}");
        let values = floats(&file, &format!("value.{name}"));
        let at = integers(&file, &format!("index.{name}"));
        let error = norm(at.iter().zip(&values).map(|(&i, value)| tensor.data()[i] - value));
        assert!(error <= bound, "{name}: ‖Δ‖ of {} entries is {error}, allowed {bound}", at.len());
    }
}
