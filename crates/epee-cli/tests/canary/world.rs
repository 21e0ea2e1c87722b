//! A workshop in which every text, and everything else that a mix-up could put in its place, holds a canary.

use std::fs;
use std::path::{Path, PathBuf};

use epee_data::DatasetInfo;
use epee_exit::Trace;
use epee_files::sha256;
use epee_input::ImageProcessor;
use epee_model::{Config, ExitConfig, ExitsFile, Model, ModelCard, ModelDir};

use crate::common::Workshop;

/// In every text; searched for without regard to case, since tokenizers have none.
const CANARY: &[u8] = b"zqcanary7431";

/// `@` in a text stands for the canary.
pub(crate) fn planted(text: &str) -> String {
    text.replace('@', "Zqcanary7431")
}

/// True if the bytes hold the canary.
pub(crate) fn shows(bytes: &[u8]) -> bool {
    bytes.windows(CANARY.len()).any(|window| window.eq_ignore_ascii_case(CANARY))
}

/// The dataset's files and the pages that the user asks to hold texts; `in` holds what the test made.
fn may_hold_text(path: &Path) -> bool {
    let split = ["train.jsonl", "dev.jsonl", "test.jsonl"].iter().any(|name| path.ends_with(name));
    split || path.starts_with("in") || path.ends_with("with-texts.html")
}

/// Files below the workshop that hold the canary and should not.
pub(crate) fn leaks(shop: &Workshop) -> Vec<PathBuf> {
    let mut leaks = Vec::new();
    let mut folders = vec![shop.dir().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = path.strip_prefix(shop.dir()).unwrap().to_owned();
            if shows(name.as_os_str().as_encoded_bytes()) && !may_hold_text(&name) {
                leaks.push(name);
            } else if path.is_dir() {
                folders.push(path);
            } else if !may_hold_text(&name) && shows(&fs::read(&path).unwrap()) {
                leaks.push(name);
            }
        }
    }
    leaks
}

/// Thirty-two notes on two classes, each with a second text.
fn notes() -> String {
    let row = |i: usize| {
        let (word, label) = [("takes", "on"), ("stopped", "off")][i % 2];
        format!("{i},@ {word} zinc {i},@ since day {i},{label}\n")
    };
    format!("key,note,more,status\n{}", (0..32).map(row).collect::<String>())
}

const VIT: &[u8] = br#"{"model_type": "vit", "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 16, "image_size": 8, "patch_size": 4, "num_channels": 3}"#;

/// A tokenizer without a token for unknown words: it refuses most texts.
const WORDS: &str = r#"{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
    "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
    "model": {"type": "WordLevel", "vocab": {"zinc": 0}, "unk_token": "[UNK]"}}"#;

/// Lines of a split that are no examples.
const BAD_LINES: [&str; 8] = [
    r#""@""#,
    r#"{"id": "1", "text": ["@"]}"#,
    r#"{"id": "1", "text": "@", "@": 1}"#,
    r#"{"id": "1", "text": "@", "label": "@"}"#,
    r#"{"id": "1", "text": "@", "grade": "@"}"#,
    r#"{"id": "1", "text": "@ zinc"#,
    r#"{"id": "1", "pair": "@"}"#,
    r#"{"id": "1", "text": "@", "label": "on"} @"#,
];

/// The one that is an example of a class called as its text.
pub(crate) const NAME: usize = 3;

/// The workshop: own files in `in`, a dataset in `data`, models in `run`, `vit` and `words`, a trace in `dev.safetensors`,
/// datasets with a bad line in `in/bad-N`.
pub(crate) fn world() -> Workshop {
    let shop = Workshop::empty();
    fs::create_dir(shop.dir().join("in")).unwrap();
    let put = |name: &str, text: &str| shop.write(&format!("in/{name}"), planted(text));
    put("notes.csv", &notes());
    put("headless.csv", &notes().lines().skip(1).map(|line| format!("{line}\n")).collect::<String>());
    put("short.csv", "note,status\n@ takes zinc,on\n@ stopped\n");
    put("long.csv", "note,status\n@, takes zinc,on\n");
    put("quote.csv", "note,status\n@ takes zinc,on\n\"@ stopped,off\n");
    put("seen.csv", "note,status\na,on\nb,off\n");
    put("unseen.csv", "note,status\n@ takes zinc,@ takes zinc daily\n");
    shop.write("in/latin.csv", [planted("note,status\n@ m").as_bytes(), b"\xFCde,on\n"].concat());
    shop.write("in/latin.txt", [planted("@ m").as_bytes(), b"\xFCde\n"].concat());
    let csv = fs::read_to_string(shop.dir().join("in/notes.csv")).unwrap();
    shop.write("in/notes.tsv", csv.replace(',', "\t"));
    for (i, line) in BAD_LINES.iter().enumerate() {
        put(&format!("bad-{i}.jsonl"), &format!("{}\n{line}\n", r#"{"text": "a", "label": "on"}"#));
    }
    put("texts.txt", "@ takes zinc.\n-- @ stopped zinc.\n");
    put("blank.txt", "@ takes zinc.\n\n");
    put("options.toml", "# @\nnote = 1\n");
    put("advice.json", r#"[{"instruction": "", "input": "@", "output": "@"}]"#);
    put("array.json", r#"[{"input": "@", "output": ["@"]}, "@"]"#);
    put("supplement.csv", "text,label,split\n@ zinc,@ iron,@\n");
    put("split.csv", "text,label,split\n@ zinc,Started,@\n");
    put("reviews.tsv", "\treview\trating\n1\t@ zinc\t@ iron\n");
    for folder in [
        "phee",
        "git",
        "ddi/Train/DrugBank",
        "ddi/Test/MedLine",
        "ddi-2/Train/DrugBank",
        "ddi-2/Test/MedLine",
        "images/a",
    ] {
        fs::create_dir_all(shop.dir().join(format!("in/{folder}"))).unwrap();
    }
    put("phee/train.json", r#"{"id": "1", "context": "@", "annotations": [{"events": [{"event_type": "@"}]}]}"#);
    put("phee/dev.json", r#"{"id": "1", "context": "@", "annotations": "@"}"#);
    put("git/renew_triplet_T_train.jsonl", r#"{"PREDICATE": "@", "SUBJECT_TEXT": "@", "OBJECT_TEXT": "@"}"#);
    for folder in ["Train/DrugBank", "Test/MedLine"] {
        let pair = r#"<pair id="@" e1="@" e2="@" ddi="@"/>"#;
        put(
            &format!("ddi/{folder}/1.xml"),
            &format!("<document><sentence id=\"1\" text=\"@\">{pair}</sentence></document>"),
        );
    }
    put("ddi-2/Train/DrugBank/1.xml", "<document><sentence text=\"@ &@; b\"></@></document>");
    put("ddi-2/Test/MedLine/1.xml", "<document><sentence text=\"@\"></@></document>");
    put("images/a/1.png", "@ is no image");
    put("images.npz", "@ is no archive");

    shop.run("data synth --out synth --train 40 --dev 20 --test 20");
    shop.run(
        "data import csv --from in/notes.csv --text note --pair more --label status --id key --fractions 0.5,0.25,0.25 \
         --out data",
    );
    shop.run("train --init config.json --tokenizer synth/tokenizer.json --data data --out run --epochs 1");
    shop.run("trace --model run --data data --split dev --out dev.safetensors");
    late_trace(&shop);
    models(&shop);
    for (i, line) in BAD_LINES.iter().enumerate() {
        bad_split(&shop, &format!("in/bad-{i}"), &planted(line));
    }
    let metadata = [("ids", planted("@ takes zinc"))].map(|(key, text)| (key.to_owned(), text));
    let trace = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![1, 1, 2], &[0; 8]).unwrap();
    let bytes = safetensors::serialize([("logits", trace)], Some(metadata.into_iter().collect())).unwrap();
    shop.write("in/ids.safetensors", bytes);
    let header = planted(r#"{"@": "@"}"#);
    shop.write("in/header.safetensors", [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat());
    shop
}

/// A trace of `dev` in `late.safetensors` whose first exit is wrong and the last right, so that samples leave late.
fn late_trace(shop: &Workshop) {
    let mut parts = Trace::load(shop.path("dev.safetensors")).unwrap().into_parts();
    let right = |label: i64| if label == 0 { [4.0, 0.0] } else { [0.0, 4.0] };
    let exits = |label: i64| [right(1 - label).map(|logit| logit / 40.0), right(label)].concat();
    parts.logits = parts.labels.iter().flat_map(|&label| exits(label)).collect();
    Trace::new(parts).unwrap().save(shop.path("late.safetensors")).unwrap();
}

/// A model of images in `vit`, and one in `words` whose tokenizer refuses most texts.
fn models(shop: &Workshop) {
    let config = Config::from_bytes(VIT).unwrap();
    let exits = ExitConfig::of(&config, 2);
    let (model, file) = (Model::new(&config, exits, 1), ExitsFile::new(&config, exits));
    let processor = ImageProcessor::new(8, 8, 3).to_json();
    let input = ("preprocessor_config.json", processor.as_slice());
    let labels = ["off", "on"].map(str::to_owned);
    ModelDir::save(&shop.dir().join("vit"), &model, &config, &labels, &file, input, &ModelCard::default()).unwrap();
    fs::create_dir(shop.dir().join("words")).unwrap();
    for file in ["config.json", "model.safetensors", "exits.json"] {
        fs::copy(shop.dir().join("run").join(file), shop.dir().join("words").join(file)).unwrap();
    }
    shop.write("words/tokenizer.json", WORDS);
}

/// A copy of the dataset whose splits are one line, with the digests that belong to it.
fn bad_split(shop: &Workshop, name: &str, line: &str) {
    fs::create_dir(shop.dir().join(name)).unwrap();
    let mut info: DatasetInfo = serde_json::from_value(shop.read_json("data/dataset.json")).unwrap();
    for split in info.splits.values_mut() {
        shop.write(&format!("{name}/{}", split.file), line);
        (split.rows, split.digest) = (1, sha256(line.as_bytes()));
    }
    info.digest = info.compute_digest();
    shop.write(&format!("{name}/dataset.json"), serde_json::to_vec(&info).unwrap());
}
