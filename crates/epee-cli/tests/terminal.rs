//! Text from files and arguments never controls the terminal: no command prints a control character or a direction mark.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use common::Workshop;
use serde_json::json;

/// An escape sequence, a bell, C1's escape, and a mark that reverses what follows.
const HOSTILE: &str = "\u{1b}[2J\u{7}\u{9b}31m\u{202e}";

/// Runs it and looks at every character of stdout and stderr.
fn check(shop: &Workshop, args: &[&str], code: i32) -> String {
    let output = common::epee().current_dir(shop.dir()).args(args).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", text.escape_debug());
    let acts = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
    assert!(!text.contains(acts), "{args:?} printed {}", text.escape_debug());
    text
}

/// A dataset with hostile labels and ids in `data`, a model trained on it in `model`, a trace of it.
fn workshop() -> Workshop {
    let shop = Workshop::empty();
    let row = |i: usize| {
        let label = ["off", "on"][i % 2];
        let text = format!("{label} {HOSTILE}ginkgo number {i} zinc");
        format!("{}\n", json!({"id": format!("{i}{HOSTILE}"), "t": text, "l": format!("{label}{HOSTILE}")}))
    };
    shop.write("own.jsonl", (0..60).map(row).collect::<String>());
    let import = ["data", "import", "jsonl", "--from", "own.jsonl", "--text", "t", "--label", "l", "--id", "id"];
    check(&shop, &[&import[..], &["--out", "data"]].concat(), 0);
    let train = ["train", "--init", "config.json", "--data", "data", "--out", "model", "--epochs", "1"];
    check(&shop, &train, 0);
    check(&shop, &["trace", "--model", "model", "--data", "data", "--split", "dev", "--out", "dev.st"], 0);
    shop
}

#[test]
fn labels_ids_and_texts() {
    let shop = workshop();
    let shown = check(&shop, &["data", "inspect", "data", "--examples", "3"], 0);
    assert!(shown.contains("\\u{1b}[2J\\u{7}\\u{9b}31m\\u{202e}"), "{shown}");
    let text = format!("ginkgo {HOSTILE}");
    let named = format!("dev{HOSTILE}.st");
    fs::copy(shop.dir().join("dev.st"), shop.dir().join(&named)).unwrap();
    for args in [
        &["info", "model"][..],
        &["info", "dev.st"],
        &["sweep", &named],
        &["compare", &named],
        &["predict", "--model", "model", &text],
        &["eval", "--model", "model", "--data", "data"],
        &["report", &named, "--out", "page.html", "--include-text", "--data", "data"],
        &["calibrate", &named, "--model", "model", "--max-loss", "0.5"],
        &["info", "model"],
    ] {
        check(&shop, args, 0);
    }
    // Data for programs keeps its values: JSON has an escape of its own.
    let output = shop.epee("predict --model model --format json zinc").output().unwrap();
    assert!(!output.stdout.contains(&0x1b));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(answer["label"].as_str().unwrap().ends_with(HOSTILE));
}

#[test]
fn errors_and_wrong_usage() {
    let shop = workshop();
    let absent = format!("{HOSTILE}/nothing");
    for args in [
        &["info", &absent][..],
        &["sweep", &absent],
        &["sweep", "dev.st", "--micro-over", &absent],
        &["trace", "--model", &absent, "--data", "data", "--out", "x.st"],
        &["trace", "--model", "model", "--data", "data", "--split", &absent, "--out", "x.st"],
        &["trace", "--model", "model", "--data", "data", "--out", &absent],
        &["predict", "--model", "model", "--file", &absent],
        &["data", "import", "csv", "--from", &absent, "--text", "t", "--label", "l", "--out", "d"],
        &["data", "import", "jsonl", "--from", "own.jsonl", "--text", &absent, "--label", "l", "--out", "d"],
        &["grid", "--config", &absent, "--out", "g"],
        &["train", "--init", &absent, "--data", "data", "--out", "t"],
    ] {
        check(&shop, args, 1);
    }
    for args in
        [&[HOSTILE][..], &["info"], &["info", "model", HOSTILE], &["predict", "--model", "m", "--policy", HOSTILE, "x"]]
    {
        check(&shop, args, 2);
    }
    let config = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut config = shop.read_json("config.json");
        change(&mut config);
        fs::create_dir_all(shop.dir().join("hostile")).unwrap();
        shop.write("hostile/config.json", config.to_string());
        check(&shop, &["info", "hostile"], 1)
    };
    config(&|config| config["model_type"] = json!(HOSTILE));
    config(&|config| config["hidden_size"] = json!(HOSTILE));
    config(&|config| config["hidden_act"] = json!(HOSTILE));
    shop.write("hostile.toml", format!("epochs = \"{}\"\n", "\\u001b[2J"));
    check(&shop, &["train", "--init", "config.json", "--data", "data", "--out", "t", "--config", "hostile.toml"], 1);
}
