//! Recipes, batches by tokens, augmentation and the files that training writes, through the command.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use common::{Workshop, epee, error_of, json};
use serde_json::Value;

#[test]
fn a_learned_exit_head_is_trained_recorded_and_decides() {
    let shop = Workshop::trained();
    let (model, data) = (shop.path("alternating"), shop.path("data"));
    epee()
        .args(["train", "--init", &shop.config(), "--data", &data, "--out", &model, "--recipe", "alternating"])
        .args(["--epochs", "3", "--learning-rate", "2e-3", "--batch-tokens", "256", "--label-smoothing", "0.1"])
        .assert()
        .success();
    let exits: Value = serde_json::from_slice(&fs::read(shop.dir().join("alternating/exits.json")).unwrap()).unwrap();
    assert_eq!(exits["score"], true);
    let trace = shop.path("dev.safetensors");
    epee().args(["trace", "--model", &model, "--data", &data, "--split", "dev", "--out", &trace]).assert().success();
    let rows = json(epee().args(["sweep", &trace, "--policy", "berxit", "--format", "json"]));
    let rows = rows.as_array().unwrap();
    // It was not trained for long, but it was: thresholds in the middle differ from both ends.
    let saving = |row: &Value| row["saving"].as_f64().unwrap();
    assert!(rows.iter().any(|row| saving(row) == 0.0) && rows.iter().any(|row| saving(row) == 0.5), "{rows:?}");
    let policy = rows.iter().find(|row| saving(row) > 0.0).unwrap()["policy"].as_str().unwrap();
    let policy = if policy.contains('(') { policy.to_owned() } else { format!("{policy}(threshold=0.5)") };
    let live =
        json(epee().args([
            "eval", "--model", &model, "--data", &data, "--split", "dev", "--policy", &policy, "--format", "json",
        ]));
    assert!(live.to_string().contains("berxit"), "{live}");

    let card = fs::read_to_string(shop.dir().join("alternating/README.md")).unwrap();
    for part in [
        "recipe alternating, the last exit and the others in turn, label smoothing 0.1, a learned exit head; 3 epochs, batch 256 tokens",
        "240 training examples (digest sha256:",
        "60 dev examples (digest sha256:",
        "| 2 | 0.",
    ] {
        assert!(card.contains(part), "no `{part}` in {card}");
    }
    let events: Vec<_> = fs::read_dir(shop.dir().join("alternating/tensorboard")).unwrap().collect();
    assert_eq!(events.len(), 1);
    assert!(events[0].as_ref().unwrap().metadata().unwrap().len() > 1000);
    let log = fs::read_to_string(shop.dir().join("alternating/metrics.jsonl")).unwrap();
    let steps: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let tokens: u64 = steps.iter().filter(|step| step["epoch"] == 1).filter_map(|step| step["tokens"].as_u64()).sum();
    let sequences: u64 =
        steps.iter().filter(|step| step["epoch"] == 1).filter_map(|step| step["sequences"].as_u64()).sum();
    assert_eq!(sequences, 240);
    assert!(steps.iter().all(|step| step["tokens"].as_u64() <= Some(256)) && tokens > 2000, "{tokens} tokens");
    assert!(steps[0]["exit_accuracies"].as_array().unwrap().len() == 2);
}

#[test]
fn contradictions_are_refused_before_anything_is_written() {
    let shop = Workshop::trained();
    let train = |args: &[&str]| {
        let mut command = epee();
        command.args(["train", "--init", &shop.config(), "--data", &shop.path("data"), "--out", &shop.path("new")]);
        command.args(args);
        let error = error_of(&mut command);
        assert!(!shop.dir().join("new/model.safetensors").exists());
        error
    };
    let error = train(&["--recipe", "two-stage", "--exit-weights", "late"]);
    assert!(error.contains("--exit-weights: expected none, got late with recipe two-stage"), "{error}");
    let error = train(&["--distill-temperature", "3"]);
    assert!(error.contains("--distill-temperature: expected a distill_weight above 0 beside it"), "{error}");
    let error = train(&["--flip"]);
    assert!(error.contains("--flip: expected images, got a dataset of texts for BERT"), "{error}");
    fs::write(shop.dir().join("run.toml"), "epochs = 3\nrecipe = \"mixd\"\n").unwrap();
    let error = train(&["--config", &shop.path("run.toml")]);
    assert!(error.contains("run.toml, line 2") && error.contains("did you mean `mixed`?"), "{error}");
    fs::write(shop.dir().join("run.toml"), "distil_weight = 0.3\n").unwrap();
    let error = train(&["--config", &shop.path("run.toml")]);
    assert!(error.contains("line 1") && error.contains("did you mean `distill_weight`?"), "{error}");
}

#[test]
fn a_rate_that_diverges_says_what_is_kept() {
    let shop = Workshop::trained();
    let mut command = epee();
    command.args(["train", "--init", &shop.config(), "--data", &shop.path("data"), "--out", &shop.path("new")]);
    command.args(["--learning-rate", "1e30", "--warmup", "0", "--clip", "1e30", "--epochs", "2"]);
    let error = error_of(&mut command);
    assert!(
        error.contains("no model of this run was kept: it was the first epoch\nhint: a lower --learning-rate"),
        "{error}"
    );
}

#[test]
fn drawings_are_trained_on_mirrored_moved_and_mixed() {
    let shop = Workshop::empty();
    let (data, config) = (shop.path("cells"), shop.path("vit.json"));
    epee()
        .args(["data", "synth", "--task", "vision", "--out", &data, "--train", "80", "--dev", "40", "--test", "40"])
        .assert()
        .success();
    let vit = r#"{"model_type": "vit", "image_size": 28, "patch_size": 7, "num_channels": 3, "hidden_size": 16,
        "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}"#;
    fs::write(&config, vit).unwrap();
    let train = |out: &str, args: &[&str]| {
        epee()
            .args(["train", "--init", &config, "--data", &data, "--out", &shop.path(out), "--epochs", "1"])
            .args(args)
            .assert()
            .success();
        fs::read(shop.dir().join(out).join("model.safetensors")).unwrap()
    };
    let plain = train("plain", &[]);
    for (out, args) in [("flip", &["--flip"][..]), ("shift", &["--shift", "2"]), ("mixup", &["--mixup", "0.3"])] {
        let model = train(out, args);
        assert!(model != plain, "{out} changes nothing");
        assert!(model == train(&format!("{out}-again"), args), "{out}: another model of the same seed");
    }
    let options = shop.path("flip.toml");
    fs::write(&options, "flip = true\n").unwrap();
    assert!(train("file", &["--config", &options]) != plain);
    assert!(train("unflipped", &["--config", &options, "--flip=false"]) == plain, "a flag overrides the file");
    let card = fs::read_to_string(shop.dir().join("flip/README.md")).unwrap();
    assert!(card.contains("images mirrored"), "{card}");
}
