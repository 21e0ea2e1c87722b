//! Every architecture through the binary: trained, traced, evaluated, asked, opened again as a checkpoint.

#![allow(clippy::unwrap_used)]

mod common;

use common::Workshop;
use serde_json::{Value, json};

const TEXT: [&str; 3] = [
    r#"{"model_type": "albert", "embedding_size": 12, "hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2,
        "intermediate_size": 48, "max_position_embeddings": 40, "initializer_range": 0.1}"#,
    r#"{"model_type": "distilbert", "dim": 24, "n_layers": 3, "n_heads": 2, "hidden_dim": 48, "max_position_embeddings": 40,
        "initializer_range": 0.1}"#,
    r#"{"model_type": "gpt2", "n_embd": 24, "n_layer": 3, "n_head": 2, "n_positions": 40, "initializer_range": 0.1}"#,
];
const VISION: [&str; 2] = [
    r#"{"model_type": "vit", "hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 48,
        "image_size": 16, "patch_size": 4, "num_channels": 3, "initializer_range": 0.1}"#,
    r#"{"model_type": "deit", "hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 48,
        "image_size": [16, 24], "patch_size": [8, 4], "num_channels": 3, "initializer_range": 0.1}"#,
];

/// A workshop with a dataset in `data` and a configuration.
fn shop(config: &str, synth: &str) -> Workshop {
    let shop = Workshop::empty();
    shop.write("config.json", config);
    shop.run(&format!("data synth --out data --train 80 --dev 40 --test 40 {synth}"));
    shop
}

fn train(shop: &Workshop, from_and_out: &str) {
    shop.run(&format!("train {from_and_out} --data data --epochs 1 --learning-rate 1e-3"));
}

/// Trains, and checks that a trace's replay is what a live run does; returns what `info` says.
fn main_job(shop: &Workshop) -> Value {
    train(shop, "--init config.json --out model");
    shop.run("trace --model model --data data --out test.safetensors");
    let sweep = shop.json("sweep test.safetensors --threshold 0.9 --patience 2");
    let eval = shop.json("eval --model model --data data --policy 'epee(threshold=0.9, patience=2)'");
    for metric in ["accuracy", "saving"] {
        let (live, replayed) = (eval["metrics"][metric].as_f64().unwrap(), sweep[0][metric].as_f64().unwrap());
        assert!((live - replayed).abs() < 1e-12, "{metric}: {live} live, {replayed} replayed");
    }
    shop.json("info model")
}

#[test]
fn a_text_model_of_each_family() {
    for (config, title) in TEXT.into_iter().zip(["ALBERT", "DistilBERT", "GPT-2"]) {
        let shop = shop(config, "");
        let info = main_job(&shop);
        assert_eq!(info["architecture"], title);
        assert_eq!(info["pooling"], if title == "GPT-2" { "last" } else { "first" });
        assert_eq!(info["pooler"], if title == "ALBERT" { "shared" } else { "none" });
        // Longer than the model's positions: cut, and said.
        let long = "takes ginkgo ".repeat(60);
        let predict = shop.epee(&format!("predict --model model '{long}' --format json")).output().unwrap();
        let said = String::from_utf8(predict.stderr).unwrap();
        assert!(said.contains("1 of 1 texts are longer than 40 tokens"), "{said}");
        assert_eq!(serde_json::from_slice::<Value>(&predict.stdout).unwrap()["tokens"], 40);
        // The model directory is a checkpoint too; its exits are known and left out.
        train(&shop, "--model model --out again");
    }
}

#[test]
fn a_vision_model_of_each_family() {
    for (config, title, tokens) in [(VISION[0], "ViT", 17), (VISION[1], "DeiT", 14)] {
        let shop = shop(config, "--task vision --pixels 20");
        let info = main_job(&shop);
        assert_eq!((&info["architecture"], &info["tokens"]), (&json!(title), &json!(tokens)));
        train(&shop, "--model model --out again");
        shop.run("train --model model --image-size 32 --data data --out larger --epochs 1");
        let larger = shop.json("info larger");
        assert_eq!(larger["image"], "32 x 32 pixels, 3 channels");

        // What cannot be: a text, a file that is no image, a dataset of texts, a model of grey images.
        let predict = |input: &str| shop.error(&format!("predict --model model '{input}'"));
        let error = predict("Takes ginkgo.");
        assert!(error.contains("input 1: expected an image file, got no file of this name"), "{error}");
        assert!(!error.contains("ginkgo"), "{error}");
        shop.write("not.png", b"GIF89a");
        assert!(predict("./not.png").contains("not.png: expected PNG or JPEG"));
        shop.run("data synth --out notes");
        let fail = |config: &str, data: &str| {
            shop.write("config.json", config);
            let error = shop.error(&format!("train --init config.json --data {data} --out never"));
            assert!(!shop.dir().join("never").exists());
            error
        };
        let error = fail(VISION[0], "notes");
        assert!(error.contains("a dataset of texts, but ViT reads images"), "{error}");
        let error = fail(&VISION[0].replace("\"num_channels\": 3", "\"num_channels\": 1"), "data");
        assert!(error.contains("expected a grey image (1 channel), got RGB (3 channels)"), "{error}");
        let error = fail(TEXT[0], "data");
        assert!(error.contains("a dataset of images, but ALBERT reads text"), "{error}");
        let error = fail(&VISION[0].replace("\"num_channels\": 3", "\"num_channels\": 2"), "data");
        assert!(error.contains("num_channels: expected 1 or 3, got 2"), "{error}");
    }
}

#[test]
fn class_names_that_do_not_fit_the_head() {
    let shop = Workshop::trained();
    let mut config = shop.read_json("model/config.json");
    config["id2label"].as_object_mut().unwrap().remove("3");
    shop.write("model/config.json", config.to_string());
    let error = shop.error("predict --model model ginkgo");
    assert!(error.contains("id2label: expected names for the ids 0 to 3, as exits.json has classes"), "{error}");
}
