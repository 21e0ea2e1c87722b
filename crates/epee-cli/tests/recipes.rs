//! Recipes, batches by tokens, augmentation and the files that training writes, through the command.
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use common::Workshop;
use serde_json::Value;

#[test]
fn a_learned_exit_head_is_trained_recorded_and_decides() {
    let shop = Workshop::trained();
    shop.run(
        "train --init config.json --data data --out alternating --recipe alternating --epochs 3 --learning-rate 2e-3 \
         --batch-tokens 256 --label-smoothing 0.1",
    );
    let exits = shop.read_json("alternating/exits.json");
    assert_eq!(exits["score"], true);
    shop.run("trace --model alternating --data data --split dev --out dev.safetensors");
    let rows = shop.json("sweep dev.safetensors --policy berxit");
    let rows = rows.as_array().unwrap();
    // It was not trained for long, but it was: thresholds in the middle differ from both ends.
    let saving = |row: &Value| row["saving"].as_f64().unwrap();
    assert!(rows.iter().any(|row| saving(row) == 0.0) && rows.iter().any(|row| saving(row) == 0.5), "{rows:?}");
    let policy = rows.iter().find(|row| saving(row) > 0.0).unwrap()["policy"].as_str().unwrap();
    let policy = if policy.contains('(') { policy.to_owned() } else { format!("{policy}(threshold=0.5)") };
    let live = shop.json(&format!("eval --model alternating --data data --split dev --policy '{policy}'"));
    assert!(live.to_string().contains("berxit"), "{live}");

    let card = shop.read_text("alternating/README.md");
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
    let log = shop.read_text("alternating/metrics.jsonl");
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
    let refused = |flags: &str, parts: &[&str]| {
        let error = shop.error(&format!("train --init config.json --data data --out new {flags}"));
        assert!(!shop.dir().join("new/model.safetensors").exists());
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    };
    refused(
        "--recipe two-stage --exit-weights late",
        &["--exit-weights: expected none, got late with recipe two-stage"],
    );
    refused("--distill-temperature 3", &["--distill-temperature: expected a distill_weight above 0 beside it"]);
    refused("--flip", &["--flip: expected images, got a dataset of texts for BERT"]);
    shop.write("run.toml", "epochs = 3\nrecipe = \"mixd\"\n");
    refused("--config run.toml", &["run.toml, line 2", "did you mean `mixed`?"]);
    shop.write("run.toml", "distil_weight = 0.3\n");
    refused("--config run.toml", &["line 1", "did you mean `distill_weight`?"]);
}

#[test]
fn a_rate_that_diverges_says_what_is_kept() {
    let shop = Workshop::trained();
    let error = shop
        .error("train --init config.json --data data --out new --learning-rate 1e30 --warmup 0 --clip 1e30 --epochs 2");
    assert!(
        error.contains("no model of this run was kept: it was the first epoch\nhint: a lower --learning-rate"),
        "{error}"
    );
}

#[test]
fn drawings_are_trained_on_mirrored_moved_and_mixed() {
    let shop = Workshop::empty();
    shop.run("data synth --task vision --out cells --train 80 --dev 40 --test 40");
    let vit = r#"{"model_type": "vit", "image_size": 28, "patch_size": 7, "num_channels": 3, "hidden_size": 16,
        "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}"#;
    shop.write("vit.json", vit);
    let train = |out: &str, flags: &str| {
        shop.run(&format!("train --init vit.json --data cells --out {out} --epochs 1 {flags}"));
        shop.read(&format!("{out}/model.safetensors"))
    };
    let plain = train("plain", "");
    for (out, flags) in [("flip", "--flip"), ("shift", "--shift 2"), ("mixup", "--mixup 0.3")] {
        let model = train(out, flags);
        assert!(model != plain, "{out} changes nothing");
        assert!(model == train(&format!("{out}-again"), flags), "{out}: another model of the same seed");
    }
    shop.write("flip.toml", "flip = true\n");
    assert!(train("file", "--config flip.toml") != plain);
    assert!(train("unflipped", "--config flip.toml --flip=false") == plain, "a flag overrides the file");
    let card = shop.read_text("flip/README.md");
    assert!(card.contains("images mirrored"), "{card}");
}
