//! Helpers of the tests of this crate and of `epee-train`.

#![allow(dead_code, clippy::unwrap_used)]

use std::path::PathBuf;

use epee_input::{Encoding, Sequence};
use epee_model::{Batch, Config, Model};
use epee_nn::Parameters;
use safetensors::SafeTensors;
use serde_json::Value;

/// All architectures. Each has the fixtures `tiny-NAME` and `tiny-NAME-hub`.
pub(crate) const FAMILIES: [&str; 6] = ["bert", "albert", "distilbert", "gpt2", "vit", "deit"];

pub(crate) fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../epee-model/tests/fixtures").join(name)
}

pub(crate) fn fixture_config(name: &str) -> Config {
    Config::read(&fixture(name).join("config.json")).unwrap()
}

/// A configuration from the JSON of a `config.json`.
pub(crate) fn config(json: &Value) -> Config {
    Config::from_json(json.as_object().unwrap().clone()).unwrap()
}

/// A text with these token ids and token types.
pub(crate) fn text(ids: impl IntoIterator<Item = u32>, type_ids: impl IntoIterator<Item = u32>) -> Sequence {
    let (ids, type_ids) = (ids.into_iter().collect(), type_ids.into_iter().collect());
    Sequence::from(Encoding { ids, type_ids, truncated: false })
}

pub(crate) fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

pub(crate) struct Expected(Vec<u8>);

impl Expected {
    pub(crate) fn read(name: &str) -> Expected {
        Expected(std::fs::read(fixture(name)).unwrap())
    }
    pub(crate) fn file(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.0).unwrap()
    }
    pub(crate) fn floats(&self, name: &str) -> Vec<f32> {
        let data = self.file().tensor(name).unwrap().data().to_vec();
        data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
    }
    pub(crate) fn integers(&self, name: &str) -> Vec<usize> {
        let data = self.file().tensor(name).unwrap().data().to_vec();
        data.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as usize).collect()
    }
    pub(crate) fn batch(&self) -> Batch {
        let narrow = |name: &str| self.integers(name).into_iter().map(|x| x as u32).collect();
        let mut batch = Batch { offsets: self.integers("offsets"), ..Batch::default() };
        match self.file().tensor("pixels") {
            Ok(_) => batch.pixels = self.floats("pixels"),
            Err(_) => (batch.ids, batch.type_ids) = (narrow("ids"), narrow("type_ids")),
        }
        batch
    }

    /// Sets the classifiers to those of the fixture, which counts exits from 1.
    pub(crate) fn fill_classifiers(&self, model: &mut Model) {
        for (name, tensor) in model.parameters_mut() {
            if let Some((m, leaf)) = name.strip_prefix("exits.classifiers.").and_then(|rest| rest.split_once('.')) {
                let stored = format!("exits.{}.classifier.{leaf}", m.parse::<usize>().unwrap() + 1);
                tensor.data_mut().copy_from_slice(&self.floats(&stored));
            }
        }
    }
}

/// Compares the gradients of chosen parameters with finite differences of a loss.
pub(crate) fn agree(
    model: &Model<f64>,
    grads: &Model<f64>,
    loss: impl Fn(&Model<f64>) -> f64,
    chosen: impl Fn(&str) -> bool,
) {
    let mut moves = 0;
    for (p, (name, grad)) in grads.parameters().into_iter().enumerate().filter(|(_, (name, _))| chosen(name)) {
        for i in (0..grad.len()).step_by(3) {
            let at = |h: f64| {
                let mut moved = model.clone();
                moved.parameters_mut()[p].1.data_mut()[i] += h;
                loss(&moved)
            };
            let (got, expected) = (grad.data()[i], (at(1e-5) - at(-1e-5)) / 2e-5);
            let text = format!("{name}[{i}]: got {got}, finite differences say {expected}");
            assert!((got - expected).abs() <= 1e-6 * (1.0 + expected.abs()), "{text}");
            moves += usize::from(expected.abs() > 1e-3);
        }
    }
    assert!(moves > 0, "nothing depends on the parameters that were chosen");
}
