//! The gradient of Eq. 4 against PyTorch's (`scripts/parity/reference.py`): a tiny model of each family in full, MiniLM by norms and samples.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use epee_model::{Batch, Config, ExitConfig, Model, read_backbone, read_whole};
use epee_nn::{Dropout, Parameters, Targets};
use epee_train::{RecipeName, Stage, StepInput, Trainer};
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

/// The gradient of a fixture's batch by the names it is stored under, after its loss was compared.
fn gradient(model: Model, config: &Config, heads: ExitConfig, file: &SafeTensors<'_>) -> BTreeMap<String, Vec<f32>> {
    let narrow = |name: &str| integers(file, name).into_iter().map(|x| x as u32).collect();
    let mut batch = Batch { offsets: integers(file, "offsets"), ..Batch::default() };
    match file.tensor("pixels") {
        Ok(_) => batch.pixels = floats(file, "pixels"),
        Err(_) => (batch.ids, batch.type_ids) = (narrow("ids"), narrow("type_ids")),
    }
    let mut trainer = Trainer::new(model, 0.0);
    let labels = integers(file, "labels");
    let targets = &Targets::of(&labels, heads.classes);
    let objective = &RecipeName::Paper.recipe().objective(Stage::Second, 0, config.depth());
    let input = StepInput { batch: &batch, targets, labels: &labels, objective, dropout: Dropout::off(), clip: 1.0 };
    let (joint, grads) = trainer.gradient(&input);
    let expected = f64::from(floats(file, "loss")[0]);
    assert!((joint.loss - expected).abs() < 1e-5, "loss: got {}, expected {expected}", joint.loss);
    config.stored(grads, heads).into_iter().map(|(name, (_, values))| (name, values)).collect()
}

#[test]
fn every_entry_of_a_tiny_model_of_each_family() {
    for family in ["bert", "albert", "distilbert", "gpt2", "vit", "deit"] {
        let dir = fixture(&format!("tiny-{family}"));
        let config = Config::read(&dir.join("config.json")).unwrap();
        let heads = ExitConfig::of(&config, 3);
        let model = read_whole(&dir, &config, heads).unwrap();
        let bytes = std::fs::read(dir.join("expected.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let grads = gradient(model, &config, heads, &file);
        let expected = |name: &str| floats(&file, &format!("grad.{name}"));
        let global = norm(grads.keys().flat_map(|name| expected(name)));
        assert!(global > 1e-2, "{family}: the reference gradient vanishes: {global}");
        let compared = file.names().iter().filter(|name| name.starts_with("grad.")).count();
        assert_eq!(compared, grads.len(), "{family}: gradients in the fixture");
        for (name, got) in &grads {
            let expected = expected(name);
            assert_eq!(got.len(), expected.len(), "{family}, {name}");
            let error = norm(got.iter().zip(&expected).map(|(g, e)| g - e));
            let bound = 1e-4 * norm(expected).max(1e-3 * global);
            assert!(error <= bound, "{family}, {name}: ‖Δ‖ is {error}, allowed {bound}");
        }
    }
}

#[test]
fn norms_and_samples_of_minilm() {
    let Some(dir) = epee_testing::shared_data("norms_and_samples_of_minilm", "minilm-l6-v2") else { return };
    let config = Config::read(&dir.join("config.json")).unwrap();
    let bytes = std::fs::read(fixture("minilm-expected.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let heads = ExitConfig::of(&config, 2);
    let (mut model, _) = read_backbone(&dir, &config, heads, 1).unwrap();
    for (name, tensor) in model.parameters_mut() {
        if let Some((m, leaf)) = name.strip_prefix("exits.classifiers.").and_then(|rest| rest.split_once('.')) {
            let stored = format!("exits.{}.classifier.{leaf}", m.parse::<usize>().unwrap() + 1);
            tensor.data_mut().copy_from_slice(&floats(&file, &stored));
        }
    }
    let global = f64::from(floats(&file, "global_norm")[0]);
    for (name, values) in gradient(model, &config, heads, &file) {
        let expected = f64::from(floats(&file, &format!("norm.{name}"))[0]);
        let bound = 1e-4 * expected.max(1e-3 * global);
        let got = norm(values.iter().copied());
        assert!((got - expected).abs() <= bound, "{name}: norm {got}, expected {expected}");
        let samples = floats(&file, &format!("value.{name}"));
        let at = integers(&file, &format!("index.{name}"));
        let error = norm(at.iter().zip(&samples).map(|(&i, sample)| values[i] - sample));
        assert!(error <= bound, "{name}: ‖Δ‖ of {} entries is {error}, allowed {bound}", at.len());
    }
}
