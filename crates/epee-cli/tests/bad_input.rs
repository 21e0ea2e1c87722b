//! Bad input: exit status 1, a sentence with what was expected and found, nothing half-written, no panic.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::Path;

use common::{Workshop, error_of};
use serde_json::{Value, json};

fn contains(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "expected `{part}` in: {error}");
    }
}

fn predict(shop: &Workshop) -> String {
    shop.error("predict --model model ginkgo")
}

fn edited(json: &[u8], change: impl Fn(&mut Value)) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(json).unwrap();
    change(&mut value);
    Some(value.to_string().into_bytes())
}

#[test]
fn a_damaged_file_of_a_model_is_named_with_what_was_expected() {
    let shop = Workshop::trained();
    let (weights, config, tokenizer) = ("model/model.safetensors", "model/config.json", "model/tokenizer.json");
    let not_whole = &["model.safetensors is not a whole safetensors file"][..];
    /// The new content, or none for a missing file.
    type Damage = fn(&[u8]) -> Option<Vec<u8>>;
    let cases: [(&str, Damage, &[&str]); 15] = [
        (weights, |whole| Some(whole[..whole.len() / 2].to_vec()), not_whole),
        (weights, |whole| Some([&(u64::MAX / 2).to_le_bytes(), &whole[8..]].concat()), not_whole),
        (weights, |_| Some(Vec::new()), not_whole),
        (weights, |_| None, &["model.safetensors not found"]),
        (
            weights,
            |whole| Some([&whole[..whole.len() - 4], &f32::NAN.to_le_bytes()].concat()),
            &["model.safetensors: tensor ", " holds NaN at index ", "expected finite numbers"],
        ),
        (
            config,
            |json| edited(json, |config| config["intermediate_size"] = json!(48)),
            &["encoder.layer.0.intermediate.dense.weight: expected shape [48, 32], got [64, 32]"],
        ),
        (
            config,
            |json| edited(json, |config| config["model_type"] = json!("llama")),
            &["config.json: model_type: expected one of \"bert\", ", "got \"llama\""],
        ),
        (
            config,
            |json| edited(json, |config| drop(config.as_object_mut().unwrap().remove("hidden_size"))),
            &["config.json: missing field hidden_size"],
        ),
        (config, |_| Some(b"{".to_vec()), &["config.json: not JSON"]),
        (config, |_| None, &["config.json not found"]),
        (
            tokenizer,
            |json| edited(json, |tokenizer| tokenizer["model"]["vocab"]["extra"] = json!(60_000)),
            &["tokenizer.json", "got 60001"],
        ),
        (
            tokenizer,
            // The library panics on a table that is missing.
            |json| edited(json, |tokenizer| tokenizer["normalizer"] = json!({ "type": "Precompiled" })),
            &["tokenizer.json: the library tokenizers", "it is damaged, or the library has a fault"],
        ),
        (
            tokenizer,
            |json| edited(json, |tokenizer| tokenizer["model"]["vocab"]["extra"] = json!(4_000_000_000_u32)),
            &["tokenizer.json: expected ids below", "got 4000000000"],
        ),
        (tokenizer, |_| Some(b"[]".to_vec()), &["tokenizer.json"]),
        (tokenizer, |_| None, &["expected a tokenizer: tokenizer.json, vocab.json"]),
    ];
    for (file, damage, parts) in cases {
        let whole = shop.read(file);
        match damage(&whole) {
            Some(bytes) => shop.write(file, bytes),
            None => fs::remove_file(shop.dir().join(file)).unwrap(),
        }
        let error = predict(&shop);
        contains(&error, parts);
        assert!(!error.contains("panicked"), "{error}");
        shop.write(file, whole);
    }

    let set = |file: &str, key: &str, value: u32| {
        shop.write(file, edited(&shop.read(file), |json| json[key] = json!(value)).unwrap());
    };
    set(config, "num_hidden_layers", 3);
    contains(&predict(&shop), &["exits: expected 3 as in config.json, got 2"]);
    set("model/exits.json", "exits", 3);
    contains(&predict(&shop), &["no tensor for encoder.layer.2.attention.self.query.weight"]);
    set(config, "num_hidden_layers", 1);
    set("model/exits.json", "exits", 1);
    contains(&predict(&shop), &["unknown tensors encoder.layer.1."]);

    fs::remove_file(shop.dir().join(weights)).unwrap();
    shop.write("model/pytorch_model.bin", b"pickle");
    contains(&predict(&shop), &["pytorch_model.bin is a pickle", "hint: ", "save_pretrained"]);
}

#[test]
fn own_files_that_are_no_dataset() {
    let shop = Workshop::empty();
    let import = |text: &[u8]| {
        shop.write("own.csv", text);
        let error = shop.error("data import csv --text t --label l --from own.csv --out d");
        assert!(!shop.dir().join("d").exists(), "half a dataset was written");
        error
    };
    contains(&import(b""), &["own.csv"]);
    contains(&import(b"t,l\n"), &["own.csv"]);
    contains(&import(b"t,l\na,x\nb\n"), &["own.csv:3:"]);
    contains(&import(b"t,l\na,x\n\xff,y\n"), &["own.csv:3:", "UTF-8"]);
    contains(&import(b"t,k\na,x\n"), &["own.csv", "l"]);
    contains(&import(b"t,l\na,x\nb,x\nc,x\n"), &["class"]);
}

#[test]
fn a_label_unseen_in_training() {
    let shop = Workshop::empty();
    shop.write("train.csv", "t,l\na,x\nb,y\nc,x\nd,y\n");
    shop.write("dev.csv", "t,l\ne,x\nf,z\n");
    let error = shop.error("data import csv --text t --label l --out d --train train.csv --dev dev.csv");
    contains(&error, &["dev.csv:3:", "the label does not occur in train, which has 2 others"]);
}

#[test]
fn settings_out_of_range() {
    let shop = Workshop::trained();
    for (policy, parts) in [
        ("epee(threshold=1.5, patience=2)", ["1.5"]),
        ("epee(threshold=0.1, patience=0)", ["0"]),
        ("epee(threshold=0.1, patience=3)", ["3"]),
        ("fixed(exit=7)", ["7"]),
    ] {
        let error = shop.error(&format!("predict --model model --policy '{policy}' ginkgo"));
        contains(&error, &parts);
        contains(&error, &["expected"]);
    }
    shop.epee("predict --model model --policy nonsense x").assert().code(2);
}

#[test]
fn a_trace_of_another_model_or_of_other_classes() {
    let shop = Workshop::trained();
    let trace = shop.path("dev.safetensors");
    shop.run("trace --split dev --model model --data data --out dev.safetensors");
    let calibrate = || shop.error("calibrate dev.safetensors --model model --max-loss 0.01");

    let weights = shop.dir().join("model/model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    let end = bytes.len();
    bytes[end - 1] ^= 1;
    fs::write(&weights, bytes).unwrap();
    contains(&calibrate(), &["expected a trace of this model"]);

    let parts =
        epee_exit::TraceParts { exits: 2, classes: 3, logits: vec![0.0; 12], labels: vec![0, 1], ..Default::default() };
    epee_exit::Trace::new(parts).unwrap().save(&trace).unwrap();
    contains(&calibrate(), &["4 classes", "3 classes"]);
    fs::write(&trace, b"no trace").unwrap();
    contains(&calibrate(), &["dev.safetensors"]);
}

#[test]
fn a_folder_that_holds_something_is_left_alone() {
    let shop = Workshop::trained();
    let before = shop.read("model/model.safetensors");
    let error = shop.error("train --init config.json --data data --out model");
    contains(&error, &["holds something already", "--force"]);
    assert!(shop.read("model/model.safetensors") == before);
    let error = shop.error("data synth --out data");
    contains(&error, &["--force"]);
    let error = shop.error("trace --model model --data data --out config.json");
    contains(&error, &["exists already", "--force"]);
    let error = shop.error("quickstart --out model");
    contains(&error, &["holds something already"]);
}

/// A limit on the size of files stands in for a full disk: the system refuses to write on.
#[cfg(unix)]
#[test]
fn a_full_disk_names_the_file_and_leaves_nothing_half_written() {
    let shop = Workshop::trained();
    let names = |dir: &Path| -> Vec<_> {
        let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names(shop.dir());
    let limited = |blocks: &str, args: &str| {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" {args}");
        let mut command = assert_cmd::Command::new("bash");
        error_of(command.current_dir(shop.dir()).arg("-c").arg(script).arg(assert_cmd::cargo::cargo_bin!("epee")))
    };
    let error = limited("1", "trace --model model --data data --out trace.safetensors");
    contains(&error, &["trace.safetensors"]);
    contains(&limited("1", "data synth --out notes"), &["cannot write", "notes"]);
    assert_eq!(names(shop.dir()), before);
    let error = limited("20", "train --init config.json --data data --out new --epochs 1");
    contains(&error, &["cannot write", "model.safetensors"]);
    assert_eq!(names(&shop.dir().join("new")), ["checkpoints", "metrics.jsonl", "tensorboard"]);
    assert!(names(&shop.dir().join("new/checkpoints")).is_empty());
}

#[test]
fn texts_longer_than_the_positions_are_cut_and_counted_once() {
    let shop = Workshop::trained();
    let long = "ginkgo ".repeat(200);
    let output = shop.epee(&format!("predict --model model '{long}' '{long}' short")).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    assert_eq!(stderr.matches("2 of 3 texts are longer than 48 tokens").count(), 1, "{stderr}");
}

#[test]
fn empty_texts_and_files() {
    let shop = Workshop::trained();
    contains(&shop.error("predict --model model a ' '"), &["text 2 is empty"]);
    contains(&error_of(shop.epee("predict --model model -").write_stdin("")), &["stdin"]);
    let bad = shop.epee("predict --model model -").write_stdin(b"ok\n\xff\n".to_vec()).output().unwrap();
    assert_eq!(bad.status.code(), Some(1));
    contains(&String::from_utf8_lossy(&bad.stderr), &["stdin, line 2"]);
    contains(&shop.error("predict --model model --file nothing.txt"), &["nothing.txt"]);
    contains(&shop.error("info nothing.txt"), &["no such file or folder"]);
    contains(&shop.error("predict --model ./nothing.txt x"), &["no such folder"]);
}

#[test]
fn options_out_of_range_and_files_of_options() {
    let shop = Workshop::trained();
    let train = |flags: &str| {
        let error = shop.error(&format!("train --init config.json --data data --out new {flags}"));
        assert!(!shop.dir().join("new/model.safetensors").exists());
        error
    };
    contains(&train("--learning-rate=-1"), &["--learning-rate: expected a number above 0, got -1"]);
    contains(&train("--epochs 0"), &["--epochs: expected 1 to 1000000, got 0"]);
    shop.write("run.toml", "epoch = 3\n");
    contains(&train("--config run.toml"), &["run.toml", "epoch"]);
    contains(&train("--resume"), &["no checkpoint to resume from", "hint: --out names the folder"]);
    // Before anything is read.
    contains(&shop.error("train --init none.json --data data --out new --resume"), &["no checkpoint to resume from"]);
    assert!(!shop.dir().join("new").exists());
}

#[test]
fn a_checkpoint_that_cannot_be_gone_on_from_or_written() {
    let shop = Workshop::trained();
    let train = |out_and_flags: &str| {
        shop.epee(&format!("train --init config.json --data data --epochs 2 --out {out_and_flags}"))
    };
    train("run").assert().success();
    let file = |step: usize| shop.dir().join(format!("run/checkpoints/step-{step:09}.safetensors"));
    // A damaged one is passed over, aloud.
    let whole = fs::read(file(30)).unwrap();
    fs::write(file(30), &whole[..whole.len() / 2]).unwrap();
    let output = train("run --resume").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    contains(&stderr, &["warning: ", "step-000000030.safetensors: not a whole checkpoint: expected ", " bytes, got "]);
    assert!(fs::read(file(30)).unwrap() == whole, "another end");

    let split = shop.dir().join("data/train.jsonl");
    let text = fs::read_to_string(&split).unwrap();
    shop.run("data synth --out data --train 240 --dev 60 --test 80 --seed 2 --force");
    assert_ne!(fs::read_to_string(&split).unwrap(), text);
    let error = error_of(&mut train("run --resume"));
    contains(&error, &[".jsonl: the ", " split changed since the checkpoint: expected digest sha256:", "hint: "]);

    // A full disk, at a checkpoint.
    let error = error_of(train("full").env("EPEE_FAULT", "fail:mid-data"));
    contains(
        &error,
        &[
            "cannot write the checkpoint ",
            "step-000000015.safetensors: ",
            "hint: free space and run again with --resume",
        ],
    );
    train("full --resume").assert().success();
    let error = error_of(train("fault").env("EPEE_FAULT", "fail:nowhere"));
    contains(
        &error,
        &["EPEE_FAULT: expected pause:Nms or fail:POINT, one of before-temporary, ", "got `fail:nowhere`"],
    );
    let output = train("seconds --checkpoint-every -1").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn precisions_threads_and_instruction_sets_this_machine_lacks() {
    let shop = Workshop::trained();
    let run = |args: &str| {
        let output = shop.epee(&format!("{args} --model model")).output().unwrap();
        assert!(output.status.code().is_some_and(|code| code == 1 || code == 2) && output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    };
    let error = run("predict --precision fp8 ginkgo");
    contains(&error, &["expected f32, bf16 or int8", "got `fp8`"]);
    let most = std::thread::available_parallelism().unwrap().get();
    for threads in ["0", "-1", "many", &(most + 1).to_string()] {
        let error = run(&format!("--threads={threads} predict ginkgo"));
        contains(&error, &[&format!("expected 1 to {most} (what this process may use), got `{threads}`")]);
    }
    let error = error_of(shop.epee("predict --model model ginkgo").env("EPEE_ISA", "mmx"));
    contains(&error, &["EPEE_ISA: expected one of portable", "got `mmx`"]);
    let error = run("bench --tokens 4000");
    contains(&error, &["--tokens: expected 1 to", "got 4000"]);
    contains(&run("bench --seconds 0"), &["--seconds: expected more than 0"]);
    contains(&run("bench --policy full"), &["--data"]);
    contains(&run("bench --data nowhere"), &["nowhere"]);
    let error = run("eval --data data --precision f32,int8 --predictions x.jsonl");
    contains(&error, &["--predictions: expected one precision, got 2"]);
}
