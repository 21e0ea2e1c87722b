//! `epee grid` through the binary, on generated notes and a tiny model.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::{Workshop, epee};
use serde_json::Value;

/// Writes a grid's config.
fn config(shop: &Workshop, rest: &str) {
    shop.write("grid.toml", format!("init = \"config.json\"\ndata = \"data\"\n{rest}"));
}

const GRID: &str = "grid --config grid.toml --out grid";
const RESUME: &str = "grid --config grid.toml --out grid --resume";

const SMALL: &str = "[options]\nepochs = 2\n[grid]\nbatch_size = [16, 32]\nlearning_rate = [1e-9, 2e-3]\n";

/// The rows by column, but for the seconds.
fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().clone();
    let row = |record: csv::StringRecord| {
        let cells = header.iter().zip(&record).filter(|(name, _)| *name != "seconds");
        cells.map(|(name, cell)| (name.to_owned(), cell.to_owned())).collect()
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}

#[test]
fn a_grid_trains_every_combination_and_keeps_the_best() {
    let shop = Workshop::trained();
    config(&shop, SMALL);
    let said = shop.json(GRID);
    let rows = rows(&shop.dir().join("grid/results.csv"));
    let names: Vec<&str> = rows.iter().map(|row| row["run"].as_str()).collect();
    let expected = ["batch-16_rate-1e-9", "batch-16_rate-2e-3", "batch-32_rate-1e-9", "batch-32_rate-2e-3"];
    assert_eq!(names, expected.map(|name| format!("{name}_seed-1")));
    assert!(rows.iter().all(|row| row["state"] == "finished" && row["reason"].is_empty()), "{rows:?}");
    assert_eq!((rows[1]["batch_size"].as_str(), rows[1]["learning_rate"].as_str()), ("16", "0.002"));
    for column in ["score", "metric", "best_epoch", "exit_1_accuracy", "exit_2_macro_f1", "majority", "majority_exits"]
    {
        assert!(rows.iter().all(|row| !row[column].is_empty()), "{column}: {rows:?}");
    }

    // The best run has the highest score, and its model is that of a single run with the same options.
    let score = |row: &BTreeMap<String, String>| row["score"].parse::<f64>().unwrap();
    // Of equals the first.
    let best = rows.iter().rev().max_by(|a, b| score(a).total_cmp(&score(b))).unwrap();
    assert_eq!(said["best"], best["run"].as_str());
    let options = format!("--batch-size {} --learning-rate {}", best["batch_size"], best["learning_rate"]);
    shop.run(&format!("train --init config.json --data data --out alone --epochs 2 {options}"));
    let weights = |path: &str| fs::read(shop.dir().join(path).join("model.safetensors")).unwrap();
    assert!(weights("grid/best") == weights("alone"));
    shop.run("info grid/best");
    for row in &rows {
        let dir = shop.dir().join("grid/runs").join(&row["run"]);
        assert!(!dir.join("checkpoints").exists() && !dir.join("model.safetensors").exists(), "{}", dir.display());
        assert!(dir.join("metrics.jsonl").exists() && dir.join("run.json").exists());
    }

    // An existing grid stays. With --resume nothing is trained again, and other options are refused.
    let error = shop.error(GRID);
    assert!(error.contains("holds something already") && error.contains("--resume"), "{error}");
    let log = format!("grid/runs/{}/metrics.jsonl", best["run"]);
    let before = shop.read(&log);
    let output = shop.epee(RESUME).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && stdout.contains("macro-F1 by exit"), "{stdout}");
    assert_eq!(shop.read(&log), before);
    config(&shop, &SMALL.replace("epochs = 2", "epochs = 3"));
    let error = shop.error(RESUME);
    assert!(error.contains("was run with options that differ") && error.contains("grid.toml"), "{error}");
    config(&shop, &SMALL.replace("16, ", ""));
    let error = shop.error(RESUME);
    assert!(error.contains("batch-16_rate-1e-9_seed-1") && error.contains("not in the config"), "{error}");

    // The report shows it.
    shop.run("trace --split dev --model grid/best --data data --out dev.safetensors");
    shop.run("report dev.safetensors --grid grid --out report.html");
    let page = shop.read_text("report.html");
    assert!(page.contains("Score by learning rate and batch size") && page.contains("2e-3"));
    let error = shop.error("report dev.safetensors --grid data --out r.html");
    assert!(error.contains("expected the folder of an `epee grid`"), "{error}");
}

#[test]
fn a_run_that_fails_is_recorded_and_the_others_finish() {
    let shop = Workshop::trained();
    config(&shop, "[options]\nepochs = 1\n[grid]\nlearning_rate = [1e30, 1e-3]\nseed = [3]\n");
    let output = shop.epee(&format!("{GRID} --results rows.csv --keep-all")).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("error: 1 of 2 runs failed"), "{stderr}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains("failed: the "), "{stdout}");
    let rows = rows(&shop.dir().join("rows.csv"));
    assert_eq!((rows[0]["state"].as_str(), rows[1]["state"].as_str()), ("failed", "finished"));
    assert!(rows[0]["reason"].contains("at step"), "{rows:?}");
    assert_eq!(rows[0]["score"], "");
    assert!(shop.dir().join("grid/runs/batch-16_rate-1e-3_seed-3/model.safetensors").exists());
    assert!(!shop.dir().join("grid/results.csv").exists());
}

#[test]
fn runs_that_learn_nothing_are_marked() {
    let shop = Workshop::empty();
    let mut text = "text,label\n".to_owned();
    for i in 0..80 {
        text.push_str(&format!("note {i},{}\n", if i % 4 == 0 { "rare" } else { "common" }));
    }
    shop.write("own.csv", text);
    shop.run("data import csv --from own.csv --text text --label label --out data");
    // So strong a decay leaves no weight: biases decide, and they know how common classes are.
    let rest =
        "[options]\nepochs = 6\nrecipe = \"paper\"\nweight_decay = 60.0\nlearning_rate = 1e-2\n[grid]\nseed = [1]\n";
    config(&shop, rest);
    let output = shop.epee(GRID).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && stdout.contains("every exit answers the majority class (common)"), "{stdout}");
    let rows = rows(&shop.dir().join("grid/results.csv"));
    assert_eq!((rows[0]["majority"].as_str(), rows[0]["majority_exits"].as_str()), ("true", "2"));
}

#[test]
fn mistakes_in_the_config_are_refused_before_anything_is_written() {
    let shop = Workshop::trained();
    for (rest, more, parts) in [
        (
            "[grid]\nlearning_rat = [1e-5]\n",
            "",
            &["grid.toml, line 4: unknown key `learning_rat`", "hint: did you mean `learning_rate`?"][..],
        ),
        ("[grid]\nbatch_size = [16, 0]\n", "", &["grid.toml, line 4: [grid] batch_size: expected at least 1, got 0"]),
        (
            "[options]\nbatch_size = 8\n[grid]\nbatch_tokens = [300]\n",
            "",
            &["expected batch_size or batch_tokens, got both"],
        ),
        (
            "[options]\nepochs = 1\n[grid]\nrecipe = [\"mixed\"]\n",
            "",
            &["epochs: expected at least 2 with a recipe of two stages"],
        ),
        ("", "--jobs 100000", &["--jobs: expected 1 to "]),
        ("", "--results rows.txt", &[".csv or .parquet"]),
    ] {
        config(&shop, rest);
        let error = shop.error(&format!("{GRID} {more}"));
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        assert!(!shop.dir().join("grid").exists());
    }

    // A missing model is one error, not one for every run.
    for (start, expected) in [("init", "cannot read"), ("model", "no such folder")] {
        shop.write("missing.toml", format!("{start} = \"./nowhere\"\ndata = \"data\"\n"));
        let error = shop.error("grid --config missing.toml --out grid");
        assert!(error.contains(expected) && error.contains("nowhere") && !shop.dir().join("grid").exists(), "{error}");
    }

    config(&shop, "");
    let error = shop.error("grid --config grid.toml --out data --resume");
    assert!(error.contains("it has no grid to resume"), "{error}");

    // `epee train` suggests by the same rule.
    shop.write("options.toml", "epochs = 1\nbatchsize = 4\n");
    let error = shop.error("train --init config.json --data data --out grid --config options.toml");
    assert!(error.contains("options.toml, line 2: unknown key `batchsize`"), "{error}");
    assert!(error.contains("hint: did you mean `batch_size`?"), "{error}");
}

#[test]
fn the_schema_is_printed_and_the_published_one() {
    let printed = epee().args(["grid", "--schema"]).output().unwrap();
    let published = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/grid.schema.json")).unwrap();
    assert!(printed.status.success() && printed.stdout == published);
    let schema: Value = serde_json::from_slice(&published).unwrap();
    assert_eq!(schema["properties"]["options"]["$ref"], "#/$defs/TrainOptions");
}

#[test]
fn a_grid_does_not_resume_with_another_config_or_tokenizer() {
    let shop = Workshop::trained();
    config(&shop, "[options]\nepochs = 1\n[grid]\nlearning_rate = [2e-3]\n");
    shop.run(GRID);
    for (file, what) in [("data/tokenizer.json", "a tokenizer's files"), ("config.json", "settings of the start")] {
        let before = shop.read(file);
        shop.write(file, [&before[..], b"\n"].concat());
        let error = shop.error(RESUME);
        assert!(error.contains(&format!("it was run with {what} that differ")), "{error}");
        shop.write(file, before);
    }
    shop.run(RESUME);
}

#[test]
fn a_grid_by_tokens_runs() {
    let shop = Workshop::trained();
    config(&shop, "[options]\nepochs = 1\nbatch_tokens = 256\n[grid]\nlearning_rate = [2e-3]\n");
    shop.run(GRID);
    let rows = rows(&shop.dir().join("grid/results.csv"));
    assert_eq!((rows[0]["run"].as_str(), rows[0]["state"].as_str()), ("batch-tokens-256_rate-2e-3_seed-1", "finished"));
    assert_eq!(rows[0]["batch_tokens"], "256");
}

#[cfg(unix)]
mod interrupted {
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use super::*;

    const LONGER: &str = "[options]\nepochs = 6\n[grid]\nlearning_rate = [1e-3, 2e-3]\n";

    fn begin(shop: &Workshop, out: &str) -> Child {
        Command::new(assert_cmd::cargo::cargo_bin!("epee"))
            .current_dir(shop.dir())
            .args(["grid", "--config", "grid.toml", "--out", out])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn wait_for_steps(log: &Path, steps: usize) {
        let begun = Instant::now();
        while fs::read_to_string(log).unwrap_or_default().lines().count() < steps {
            assert!(begun.elapsed() < Duration::from_secs(120), "no {steps} lines in {}", log.display());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn signal(signal: &str, process: &str) {
        assert!(Command::new("kill").args([signal, process]).status().unwrap().success());
    }

    #[test]
    fn a_grid_that_was_killed_resumes_to_the_same_results() {
        let shop = Workshop::trained();
        config(&shop, LONGER);
        shop.run("grid --config grid.toml --out whole");
        let mut grid = begin(&shop, "parts");
        let log = shop.dir().join("parts/runs/batch-16_rate-2e-3_seed-1/metrics.jsonl");
        wait_for_steps(&log, 20);
        signal("-KILL", &grid.id().to_string());
        // The run ends when it notices; the grid that is resumed at once waits for it.
        grid.wait().unwrap();
        let epoch_line =
            |text: &str| text.lines().find(|line| line.contains("\"event\":\"epoch\"")).unwrap().to_owned();
        let first_epoch = epoch_line(&fs::read_to_string(&log).unwrap());
        let output = shop.epee("grid --config grid.toml --out parts --resume").output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && stderr.contains("1 of 2 runs are finished already"), "{stderr}");
        // Its times are those of before too: it was resumed and did not start again.
        assert_eq!(epoch_line(&fs::read_to_string(&log).unwrap()), first_epoch);
        let results = |out: &str| rows(&shop.dir().join(out).join("results.csv"));
        assert_eq!(results("parts"), results("whole"));
        let best = |out: &str| fs::read(shop.dir().join(out).join("best/model.safetensors")).unwrap();
        assert!(best("parts") == best("whole"));
    }

    #[test]
    fn ctrl_c_reaches_the_runs_and_the_grid_resumes() {
        let shop = Workshop::trained();
        config(&shop, LONGER);
        let grid = begin(&shop, "grid");
        let run = shop.dir().join("grid/runs/batch-16_rate-1e-3_seed-1");
        wait_for_steps(&run.join("metrics.jsonl"), 3);
        let error = shop.error(RESUME);
        assert!(error.contains("is writing to it"), "{error}");
        signal("-TERM", &grid.id().to_string());
        let output = grid.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{stderr}");
        assert!(stderr.contains("0 of 2 runs are finished") && stderr.contains("--resume continues"), "{stderr}");
        assert!(run.join("checkpoints").exists());
        let state = || shop.read_json("grid/runs/batch-16_rate-1e-3_seed-1/run.json")["state"].clone();
        assert_eq!(state(), "stopped");
        shop.run(RESUME);
        assert_eq!(state(), "finished");
        assert_eq!(rows(&shop.dir().join("grid/results.csv")).len(), 2);
    }
}
