//! A model that is read and written again has the same tensors under the same names, for every architecture.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{FAMILIES, fixture, fixture_config};
use epee_model::{
    Config, Engine, Error, ExitConfig, ExitsFile, Model, ModelCard, ModelDir, PoolerKind, model_digest, read_backbone,
    read_whole,
};
use epee_nn::Precision;
use safetensors::SafeTensors;

/// Saves a model with the labels of the fixtures.
fn save(dir: &Path, model: &Model, config: &Config, exit_config: ExitConfig) {
    let labels = ["none", "weak", "strong"].map(str::to_owned);
    let (labels, exits) = (&labels[..exit_config.classes], ExitsFile::new(config, exit_config));
    let input = ("tokenizer.json", &b"{}"[..]);
    ModelDir::save(dir, model, config, labels, &exits, input, &ModelCard::default()).unwrap();
}

/// Shape and bytes of every tensor.
fn tensors(dir: &Path) -> BTreeMap<String, (Vec<usize>, Vec<u8>)> {
    let bytes = std::fs::read(dir.join("model.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    file.tensors().into_iter().map(|(name, view)| (name, (view.shape().to_vec(), view.data().to_vec()))).collect()
}

#[test]
fn files_of_transformers_are_written_again() {
    for family in FAMILIES {
        let name = format!("tiny-{family}");
        let (dir, config) = (fixture(&name), fixture_config(&name));
        let exit_config = ExitConfig::of(&config, 3);
        let model = read_whole(&dir, &config, exit_config).unwrap();
        let out = tempfile::tempdir().unwrap();
        save(out.path(), &model, &config, exit_config);
        let (expected, got) = (tensors(&dir), tensors(out.path()));
        assert_eq!(got.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{family}");
        assert!(got == expected, "{family}: a tensor changed");

        // The model directory gives the same model, packed and not.
        let model_dir = ModelDir::load(out.path()).unwrap();
        assert_eq!((model_dir.exits.exit_config(), model_dir.config.title()), (exit_config, config.title()));
        assert_eq!(model_dir.engine(Precision::F32).unwrap().depth(), model.depth());
        assert!(tensors(out.path()) == expected);
        let json = |dir: &Path| -> serde_json::Value {
            serde_json::from_slice(&std::fs::read(dir.join("config.json")).unwrap()).unwrap()
        };
        let (mut before, mut after) = (json(&dir), json(out.path()));
        for config in [&mut before, &mut after] {
            config.as_object_mut().unwrap().remove("dtype");
            config.as_object_mut().unwrap().remove("torch_dtype");
        }
        assert_eq!(after, before, "{family}");
    }
}

#[test]
fn a_pooler_of_every_kind_and_exits_without_the_final_norm() {
    for (family, pooler) in [
        ("bert", PoolerKind::None),
        ("albert", PoolerKind::PerExit),
        ("gpt2", PoolerKind::Shared),
        ("vit", PoolerKind::PerExit),
    ] {
        let name = format!("tiny-{family}");
        let (dir, config) = (fixture(&name), fixture_config(&name));
        let exit_config = ExitConfig { pooler, norm: false, score: true, ..ExitConfig::of(&config, 2) };
        let (model, report) = read_backbone(&dir, &config, exit_config, 1).unwrap();
        let scores = report.fresh.iter().filter(|name| name.starts_with("exits.score.")).count();
        assert_eq!(scores, 2, "{family}: {:?}", report.fresh);
        let poolers = report.fresh.iter().filter(|name| name.contains("pooler")).count();
        // GPT-2 and this ViT have no pooler to start from.
        let expected = match (family, pooler) {
            ("gpt2", _) => 2,
            ("vit", _) => 2 * model.depth(),
            _ => 0,
        };
        assert_eq!(poolers, expected, "{family}: {:?}", report.fresh);
        assert_eq!(report.left_out.iter().any(|name| name.starts_with("pooler.")), family == "bert");
        let out = tempfile::tempdir().unwrap();
        save(out.path(), &model, &config, exit_config);
        let model_dir = ModelDir::load(out.path()).unwrap();
        assert!(model_dir.exits.score && model_dir.engine(Precision::F32).unwrap().has_scores());
        assert_eq!(tensors(out.path())["exits.score.weight"].0, [1, config.shape.hidden_size]);
        let back = model_dir.model().unwrap();
        assert!(config.stored(&back, exit_config) == config.stored(&model, exit_config), "{family}");
    }
}

#[test]
fn a_learned_exit_head_is_stored_and_required() {
    let (dir, config) = (fixture("tiny-bert"), fixture_config("tiny-bert"));
    let plain = ExitConfig::of(&config, 2);
    let save = |exit_config: ExitConfig, out: &Path| {
        let (model, _) = read_backbone(&dir, &config, exit_config, 1).unwrap();
        save(out, &model, &config, exit_config);
        std::fs::read_to_string(out.join("exits.json")).unwrap()
    };
    let out = tempfile::tempdir().unwrap();
    let text = save(plain, out.path());
    // The same file as before learned exit heads existed.
    assert!(!text.contains("score"), "{text}");
    assert!(!ExitsFile::load(out.path()).unwrap().score);
    let digest = model_digest(out.path()).unwrap();
    let replaced = |from: &str, to: &str| {
        let text = std::fs::read_to_string(out.path().join("exits.json")).unwrap();
        std::fs::write(out.path().join("exits.json"), text.replace(from, to)).unwrap();
    };
    replaced("\"policy\": \"full\"", "\"policy\": \"berxit(threshold=0.3)\"");
    let error = ExitsFile::load(out.path()).unwrap_err().to_string();
    assert!(error.contains("a learned exit head, which this model does not have"), "{error}");

    save(ExitConfig { score: true, ..plain }, out.path());
    replaced("\"policy\": \"full\"", "\"policy\": \"berxit(threshold=0.3)\"");
    let model_dir = ModelDir::load(out.path()).unwrap();
    assert_ne!(model_dir.digest().unwrap(), digest, "the digest leaves the head out");
    // A tensor that exits.json does not mention is an error, and so is a missing one.
    replaced("\"score\": true,", "");
    replaced("berxit(threshold=0.3)", "full");
    let error = ModelDir::load(out.path()).unwrap().engine(Precision::F32).err().unwrap().to_string();
    assert!(error.contains("unknown tensors exits.score.bias, exits.score.weight"), "{error}");
    save(plain, out.path());
    replaced("\"policy\"", "\"score\": true,\n  \"policy\"");
    let error = ModelDir::load(out.path()).unwrap().engine(Precision::F32).err().unwrap().to_string();
    assert!(error.contains("no tensor for exits.score.weight, exits.score.bias"), "{error}");
}

/// A policy allocates by exit and by class: what `exits.json` states is bounded before that.
#[test]
fn absurd_numbers_of_exits_and_classes_are_refused() {
    let (config, out) = (fixture_config("tiny-bert"), tempfile::tempdir().unwrap());
    let file = ExitsFile::new(&config, ExitConfig::of(&config, 2));
    let refusal = |exits: usize, classes: usize| {
        ExitsFile { exits, classes, ..file.clone() }.save(out.path()).unwrap();
        ExitsFile::load(out.path()).unwrap_err().to_string()
    };
    for (exits, classes) in [(99_999_999_999, 2), (usize::MAX, 2), (1025, 2), (4, usize::MAX), (4, 65_537)] {
        let error = refusal(exits, classes);
        let expected = format!("expected at most 1024 exits and 65536 classes, got {exits} and {classes}");
        assert!(error.ends_with(&expected), "{error}");
    }
}

#[test]
fn a_layer_too_wide_for_int8_is_refused_by_name_before_its_weights_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let config = common::config(&serde_json::json!({
        "model_type": "bert", "vocab_size": 5, "hidden_size": 2, "num_hidden_layers": 1, "num_attention_heads": 1,
        "intermediate_size": 131_001, "max_position_embeddings": 4,
    }));
    let exit_config = ExitConfig::of(&config, 2);
    let model = Model::new(&config, exit_config, 1);
    save(dir.path(), &model, &config, exit_config);
    let stored = ModelDir::load(dir.path()).unwrap();
    for precision in [Precision::F32, Precision::Bf16] {
        assert!(stored.engine(precision).is_ok(), "{precision}");
    }
    let Err(error) = stored.engine(Precision::Int8) else { panic!("int8 took it") };
    let expected = "config.json: intermediate_size: expected rows of at most 131000 values in int8, got 131001";
    assert!(error.to_string().ends_with(expected), "{error}");
    assert!(matches!(Engine::new(&model, Precision::Int8), Err(Error::Width(_))));
}
