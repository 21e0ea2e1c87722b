//! No command shows a text of a sample, in no stream and no file, but where the text is the answer.
//!
//! Every text holds a canary. Every command runs, well and badly, with `RUST_BACKTRACE=1`; then stdout, stderr and every
//! file are searched for it. A command of `epee --help` without a case fails the test.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod world;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::Workshop;
use world::{NAME, leaks, planted, shows, world};

/// The commands that print texts because the user asked for them.
const TEXT_ON_STDOUT: [&str; 2] = ["predict", "data inspect"];

const IMPORT: &str = "--text note --label status --out none --from";

/// Commands with their exit status and arguments; `@` is the canary, an argument with blanks is within `'`.
fn cases() -> Vec<(&'static str, i32, String)> {
    let run = "--model run --data data";
    let mut cases: Vec<(&str, i32, String)> = Vec::new();
    let mut add = |command, status, arguments: &[&str]| {
        cases.extend(arguments.iter().map(|arguments| (command, status, (*arguments).to_owned())));
    };
    add("quickstart", 1, &["--out data"]);
    add("policy list", 0, &[""]);
    add("data list", 0, &[""]);
    add("data download", 0, &[""]);
    add("data download", 1, &["nothing"]);
    add("data synth", 0, &["--out again --train 20 --dev 8 --test 8"]);
    add("data synth", 1, &["--out data"]);
    add(
        "data import",
        0,
        &[
            "csv --from in/notes.csv --text note --label status --out csv",
            "csv --from in/headless.csv --no-header --text 2 --pair 3 --label 4 --out headless",
            "tsv --from in/notes.tsv --text note --label status --out tsv --format json",
        ],
    );
    let wrong =
        ["headless.csv", "short.csv", "long.csv", "quote.csv", "latin.csv", "notes.tsv", "texts.txt", "none.csv"];
    for file in wrong {
        add("data import", 1, &[&format!("csv {IMPORT} in/{file}")]);
    }
    add(
        "data import",
        1,
        &[
            // Columns mixed up: the text is the label, the id or both.
            "csv --from in/notes.csv --text more --label note --out none",
            "csv --from in/notes.csv --text note --label note --out none",
            "csv --from in/notes.csv --text note --id note --label status --out none",
            "csv --from in/notes.csv --text note --label key --out none",
            "csv --from in/headless.csv --no-header --text note --label 4 --out none",
            "csv --text note --label status --train in/seen.csv --test in/unseen.csv --out none",
            "csv --text note --label status --train in/unseen.csv --test in/seen.csv --out none",
            "csv --from in/notes.csv --text note --label status --out data",
            "jsonl --from in/notes.csv --out none",
            "npz --from in/images.npz --out none",
            "images --from in/images --out none",
            "health-advice --from in/advice.json --out none",
            "health-advice --from in/array.json --out none",
            "supplement --from in/supplement.csv --out none",
            "supplement --from in/split.csv --out none",
            "mimic --from in/supplement.csv --out none",
            "drug-review --from in/reviews.tsv --out none",
            "phee --from in/phee --out none",
            "git --from in/git --out none",
            "ddi --from in/ddi --out none",
            "ddi --from in/ddi-2 --out none",
            "breastmnist --from in/images.npz --out none",
        ],
    );
    add(
        "data inspect",
        0,
        &["data", "data --split dev --format json", "data --examples 0 --tokenizer synth/tokenizer.json"],
    );
    add(
        "data inspect",
        1,
        &["in", "data --split none", "data --tokenizer in/advice.json", "data --tokenizer words/tokenizer.json"],
    );
    for i in 0..8 {
        // What is in the place of a name, and as short, is a name.
        if i != NAME {
            add("data import", 1, &[&format!("jsonl --from in/bad-{i}.jsonl --out none")]);
        }
        add("data inspect", 1, &[&format!("in/bad-{i}")]);
        add("eval", 1, &[&format!("--model run --data in/bad-{i}")]);
    }
    let train = "--init config.json --tokenizer synth/tokenizer.json --out none";
    add(
        "train",
        0,
        &["--init config.json --tokenizer synth/tokenizer.json --data data --out more --epochs 2 --checkpoint-every 0"],
    );
    for rest in [
        "in/bad-2",
        "in/bad-3",
        "in/notes.csv",
        "data --max-tokens 3",
        "data --config in/options.toml",
        "data --config in/notes.csv",
    ] {
        add("train", 1, &[&format!("{train} --data {rest}")]);
    }
    add(
        "train",
        1,
        &[
            "--init in/advice.json --data data --out none",
            "--init config.json --tokenizer words/tokenizer.json --data data --out none",
        ],
    );
    add("grid", 0, &["--config grid.toml --out grid"]);
    add("grid", 1, &["--config in/notes.csv --out none", "--config in/options.toml --out none"]);
    add("trace", 0, &["--model run --data data --out test.safetensors"]);
    for model in ["run --data in/bad-3", "vit --data data", "words --data data", "run --data synth", "in --data data"] {
        add("trace", 1, &[&format!("--model {model} --out none.safetensors")]);
    }
    add("sweep", 0, &["dev.safetensors", "dev.safetensors --format csv"]);
    add("compare", 0, &["test.safetensors --dev dev.safetensors"]);
    add("calibrate", 0, &["dev.safetensors --model run --max-loss 0.5"]);
    add(
        "report",
        0,
        &[
            "dev.safetensors --out page.html --figures figures",
            "late.safetensors --include-text --data data --out with-texts.html",
        ],
    );
    add("info", 0, &["run", "dev.safetensors", "vit/config.json"]);
    for file in ["in/notes.csv", "in/ids.safetensors", "in/header.safetensors", "in/advice.json"] {
        add("sweep", 1, &[file]);
        add("compare", 1, &[&format!("{file} --dev dev.safetensors")]);
        add("calibrate", 1, &[&format!("{file} --model run --max-loss 0.5")]);
        add(
            "report",
            1,
            &[
                &format!("{file} --out none.html"),
                &format!("late.safetensors --include-text --data {file} --out none.html"),
            ],
        );
        add("info", 1, &[file]);
    }
    add("eval", 0, &[&format!("{run} --predictions answers.jsonl"), &format!("{run} --format json")]);
    for model in ["vit", "words", "in"] {
        add("eval", 1, &[&format!("--model {model} --data data")]);
    }
    add("bench", 0, &[&format!("{run} --seconds 0.01 --tokens 8 --thread-counts 1 --limit 4")]);
    add("bench", 1, &["--model words --data data --seconds 0.01", "--model run --data in/bad-3 --seconds 0.01"]);
    add(
        "predict",
        0,
        &[
            "--model run '@ takes zinc.' @",
            "--model run --file in/texts.txt --format json",
            "--model run -- '--@ zinc'",
        ],
    );
    for input in [
        "--model vit '@ takes zinc.'",
        "--model vit --file in/texts.txt",
        "--model words '@ takes zinc.'",
        "--model run --file in/latin.txt",
        "--model run --file in/blank.txt",
        "--model run '@ zinc' -",
        "--model run '@ zinc' ' '",
        "--model ./none '@ zinc'",
    ] {
        add("predict", 1, &[input]);
    }
    // Texts that are taken for something else.
    add(
        "predict",
        2,
        &[
            "--model run '-@ zinc'",
            "--model run '--@ zinc'",
            "--model run '- @ zinc'",
            "'@ zinc'",
            "--model run --file in/texts.txt '@ zinc'",
        ],
    );
    add("", 2, &["'@ takes zinc.'"]);
    add("data inspect", 2, &["data '@ takes zinc.'"]);
    cases
}

fn check(what: &str, output: &Output, may_print: bool) {
    let [stdout, stderr] = [&output.stdout, &output.stderr];
    let text = || format!("{what}\n{}{}", String::from_utf8_lossy(stdout), String::from_utf8_lossy(stderr));
    assert!(!shows(stderr), "stderr shows a text: {}", text());
    assert!(may_print || !shows(stdout), "stdout shows a text: {}", text());
    assert!(!String::from_utf8_lossy(stderr).contains("panicked"), "{}", text());
}

fn check_files(shop: &Workshop, after: &str) {
    assert!(leaks(shop).is_empty(), "texts in files after {after}: {:?}", leaks(shop));
}

/// The commands of `epee --help`, without `help`, down to those that have none of their own.
fn commands(shop: &Workshop, path: &str) -> BTreeSet<String> {
    let output = shop.epee(&format!("{path} --help")).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let Some((_, list)) = help.split_once("\nCommands:\n") else { return BTreeSet::from([path.trim().to_owned()]) };
    let lines = list.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    let names = lines.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    names.flat_map(|name| commands(shop, &format!("{path} {name}"))).collect()
}

#[test]
fn no_command_shows_a_text() {
    let shop = world();
    shop.write("grid.toml", "init = \"config.json\"\ndata = \"data\"\ntokenizer = \"synth/tokenizer.json\"\n[options]\nepochs = 1\n[grid]\nseed = [1]\n");
    // The search finds what is there.
    assert!(shows(&shop.read("data/train.jsonl")));
    check_files(&shop, "the making of it");
    let cases = cases();
    let tested: BTreeSet<String> =
        cases.iter().map(|(command, ..)| (*command).to_owned()).filter(|c| !c.is_empty()).collect();
    assert_eq!(commands(&shop, ""), tested, "every command needs a case");
    for (command, status, arguments) in &cases {
        let line = planted(&format!("{command} {arguments}"));
        let output = shop.epee(&line).env("RUST_BACKTRACE", "1").output().unwrap();
        let may_print = *status == 0 && TEXT_ON_STDOUT.contains(command) && !arguments.contains("--examples 0");
        check(&line, &output, may_print);
        assert_eq!(output.status.code(), Some(*status), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(shows(&output.stdout), may_print, "{line}: the texts that were asked for are there");
        check_files(&shop, &line);
    }
    assert!(shows(&shop.read("with-texts.html")));
}

/// Starts a command in the workshop.
fn start(shop: &Workshop, arguments: &str, variables: &[(&str, &str)]) -> Child {
    Command::new(assert_cmd::cargo::cargo_bin!("epee"))
        .current_dir(shop.dir())
        .args(arguments.split(' '))
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until something is there, at most a minute.
fn until(mut there: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !there() {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing after a minute");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_killed_or_failed_command_leaves_no_text_but_a_dataset_s() {
    let shop = world();
    let train = "train --init config.json --tokenizer synth/tokenizer.json --data data --checkpoint-every 0 --out";
    let checkpoints = shop.dir().join("killed/checkpoints");
    let mut child = start(&shop, &format!("{train} killed"), &[("EPEE_FAULT", "pause:20ms"), ("RUST_BACKTRACE", "1")]);
    until(|| fs::read_dir(&checkpoints).is_ok_and(|files| files.count() > 1));
    child.kill().unwrap();
    check("a killed training", &child.wait_with_output().unwrap(), false);
    let output =
        start(&shop, &format!("{train} failed"), &[("EPEE_FAULT", "fail:mid-data")]).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    check("a training on a full disk", &output, false);
    check_files(&shop, "killed trainings");

    // A full disk during an import leaves nothing of it.
    let rows: String = (0..20_000).map(|i| planted(&format!("@ takes zinc {i},{}\n", i % 2))).collect();
    shop.write("in/large.csv", format!("text,label\n{rows}"));
    let script = "trap '' XFSZ; ulimit -f 64; exec \"$0\" data import csv --from in/large.csv --out full";
    let mut bash = Command::new("bash");
    bash.current_dir(shop.dir()).args(["-c", script]).arg(assert_cmd::cargo::cargo_bin!("epee"));
    let output = bash.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    check("an import onto a full disk", &output, false);
    let hidden = |shop: &Workshop| {
        let names = fs::read_dir(shop.dir()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.as_encoded_bytes().starts_with(b".")).count()
    };
    assert_eq!(hidden(&shop), 0);
    check_files(&shop, "a failed import");

    // A killed one leaves the dataset's own files, in a hidden folder beside it.
    let mut child = start(&shop, "data import csv --from in/large.csv --out killed-import", &[]);
    until(|| hidden(&shop) > 0 || shop.dir().join("killed-import").exists());
    child.kill().unwrap();
    check("a killed import", &child.wait_with_output().unwrap(), false);
    check_files(&shop, "a killed import");
}

/// The memory of a command that holds texts is not written to a core file.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "core dumps are not switched off yet"]
fn no_core_file_holds_a_text() {
    let shop = world();
    let script = "ulimit -c unlimited; exec \"$0\" predict --model run -";
    let mut bash = Command::new("bash");
    bash.current_dir(shop.dir()).args(["-c", script]).arg(assert_cmd::cargo::cargo_bin!("epee")).stdin(Stdio::piped());
    let mut child = bash.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // More than a pipe holds: once it is written, the command has read texts.
    let texts = planted("@ takes zinc.\n").repeat(8_000);
    child.stdin.as_mut().unwrap().write_all(texts.as_bytes()).unwrap();
    assert!(Command::new("kill").args(["-ABRT", &child.id().to_string()]).status().unwrap().success());
    check("an aborted command", &child.wait_with_output().unwrap(), false);
    check_files(&shop, "an abort");
}
