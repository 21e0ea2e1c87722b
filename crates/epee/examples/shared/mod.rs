//! A small trained model and its dataset, so that the examples run by themselves.

use std::path::{Path, PathBuf};

use epee::data::synth::{self, SynthConfig};
use epee::training::{Observer, Outcome, TrainOptions};

/// A small BERT; the vocabulary size comes from the dataset's tokenizer.
const CONFIG: &str = r#"{"model_type": "bert", "hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4,
    "intermediate_size": 96, "max_position_embeddings": 64}"#;

/// Writes generated notes to `dir/data` and a model trained on them to `dir/model`.
pub(crate) fn train(dir: &Path, observer: &mut dyn Observer) -> Result<(PathBuf, PathBuf, Outcome), epee::Error> {
    let (config, data, model) = (dir.join("config.json"), dir.join("data"), dir.join("model"));
    std::fs::write(&config, CONFIG).expect("a temporary folder can be written");
    synth::write(&SynthConfig { seed: 1, train: 600, dev: 200, test: 200 }, &data, false)?;
    let options = TrainOptions { epochs: 16, learning_rate: 3e-3, ..TrainOptions::default() };
    let outcome = epee::train(&config, &data, &model, options, observer)?;
    Ok((data, model, outcome))
}
