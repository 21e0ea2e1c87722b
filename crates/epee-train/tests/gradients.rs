//! The gradient of Eq. 4 against PyTorch's (`scripts/parity/reference.py`): a tiny model of each family in full, MiniLM by norms and samples.
#![allow(clippy::unwrap_used)]

#[path = "../../epee-model/tests/common/mod.rs"]
mod common;

use std::collections::BTreeMap;

use common::{Expected, FAMILIES, fixture, fixture_config};
use epee_model::{Config, ExitConfig, Model, read_backbone, read_whole};
use epee_nn::{Dropout, Targets};
use epee_train::{RecipeName, Stage, StepInput, Trainer};

fn norm(values: impl IntoIterator<Item = f32>) -> f64 {
    values.into_iter().map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt()
}

/// The gradient of a fixture's batch by the names it is stored under, after its loss was compared.
fn gradient(model: Model, config: &Config, heads: ExitConfig, file: &Expected) -> BTreeMap<String, Vec<f32>> {
    let mut trainer = Trainer::new(model, 0.0);
    let labels = file.integers("labels");
    let targets = &Targets::of(&labels, heads.classes);
    let objective = &RecipeName::Paper.recipe().objective(Stage::Second, 0, config.depth());
    let input =
        StepInput { batch: &file.batch(), targets, labels: &labels, objective, dropout: Dropout::off(), clip: 1.0 };
    let (joint, grads) = trainer.gradient(&input);
    let expected = f64::from(file.floats("loss")[0]);
    assert!((joint.loss - expected).abs() < 1e-5, "loss: got {}, expected {expected}", joint.loss);
    config.stored(grads, heads).into_iter().map(|(name, (_, values))| (name, values)).collect()
}

#[test]
fn every_entry_of_a_tiny_model_of_each_family() {
    for family in FAMILIES {
        let name = format!("tiny-{family}");
        let (dir, config) = (fixture(&name), fixture_config(&name));
        let heads = ExitConfig::of(&config, 3);
        let model = read_whole(&dir, &config, heads).unwrap();
        let file = Expected::read(&format!("{name}/expected.safetensors"));
        let grads = gradient(model, &config, heads, &file);
        let expected = |name: &str| file.floats(&format!("grad.{name}"));
        let global = norm(grads.keys().flat_map(|name| expected(name)));
        assert!(global > 1e-2, "{family}: the reference gradient vanishes: {global}");
        let compared = file.file().names().iter().filter(|name| name.starts_with("grad.")).count();
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
    let file = Expected::read("minilm-expected.safetensors");
    let heads = ExitConfig::of(&config, 2);
    let (mut model, _) = read_backbone(&dir, &config, heads, 1).unwrap();
    file.fill_classifiers(&mut model);
    let global = f64::from(file.floats("global_norm")[0]);
    for (name, values) in gradient(model, &config, heads, &file) {
        let expected = f64::from(file.floats(&format!("norm.{name}"))[0]);
        let bound = 1e-4 * expected.max(1e-3 * global);
        let got = norm(values.iter().copied());
        assert!((got - expected).abs() <= bound, "{name}: norm {got}, expected {expected}");
        let samples = file.floats(&format!("value.{name}"));
        let at = file.integers(&format!("index.{name}"));
        let error = norm(at.iter().zip(&samples).map(|(&i, sample)| values[i] - sample));
        assert!(error <= bound, "{name}: ‖Δ‖ of {} entries is {error}, allowed {bound}", at.len());
    }
}
