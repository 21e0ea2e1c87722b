//! The main job end to end through the binary, on generated notes and a tiny model.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;

use common::{Workshop, epee, error_of, json};
use serde_json::Value;

#[test]
fn data_to_prediction() {
    let shop = Workshop::trained();
    let (model, data) = (shop.path("model"), shop.path("data"));

    let trace = shop.path("dev.safetensors");
    epee()
        .args(["trace", "--split", "dev"])
        .args(["--model", &model, "--data", &data, "--out", &trace])
        .assert()
        .success();
    let rows = json(epee().args(["sweep", &trace, "--format", "json"]));
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 21 * 3);
    for key in ["policy", "threshold", "patience", "accuracy", "macro_f1", "saving", "ratio"] {
        assert!(rows[0].get(key).is_some(), "no {key} in {}", rows[0]);
    }

    let choice = json(epee().args(["calibrate", &trace, "--model", &model, "--saving", "0.2", "--format", "json"]));
    let exits: Value = serde_json::from_slice(&fs::read(shop.dir().join("model/exits.json")).unwrap()).unwrap();
    assert_eq!(exits["policy"], choice["policy"], "{choice}");
    assert_eq!(exits["calibration"]["goal"], "saving 0.2");

    // `predict` and `eval` use the chosen policy without being told.
    let eval = json(epee().args(["eval", "--split", "dev", "--model", &model, "--data", &data, "--format", "json"]));
    assert_eq!(eval["policy"], exits["policy"]);
    assert!(
        (eval["metrics"]["saving"].as_f64().unwrap() - exits["calibration"]["saving"].as_f64().unwrap()).abs() < 1e-12
    );
    assert!(eval["wall_clock"]["policy_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(eval["grades"].as_array().unwrap().len(), 5);

    let texts = shop.path("texts.txt");
    fs::write(&texts, "Patient takes ginkgo daily.\nShe stopped melatonin.\n").unwrap();
    let from_file = epee().args(["predict", "--model", &model, "--file", &texts, "--format", "json"]).output().unwrap();
    let from_stdin = epee()
        .args(["predict", "--model", &model, "-", "--format", "json"])
        .write_stdin(fs::read(&texts).unwrap())
        .output();
    assert_eq!(from_file.stdout, from_stdin.unwrap().stdout);
    let lines = String::from_utf8(from_file.stdout).unwrap();
    assert_eq!(lines.lines().count(), 2);
    for line in lines.lines() {
        let prediction: Value = serde_json::from_str(line).unwrap();
        assert_eq!(prediction["exits"], 2);
        assert!((1..=2).contains(&prediction["exit"].as_u64().unwrap()));
        let sum: f64 = prediction["probabilities"].as_object().unwrap().values().map(|p| p.as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-5);
    }

    let info = json(epee().args(["info", &model, "--format", "json"]));
    assert_eq!((info["exits"].as_u64(), &info["policy"]), (Some(2), &exits["policy"]));
    epee().args(["info", &trace]).assert().success();
}

#[test]
fn sweep_and_live_runs_agree_exactly_on_exits_and_labels() {
    let shop = Workshop::trained();
    let (model, data) = (shop.path("model"), shop.path("data"));
    let trace_path = shop.path("test.safetensors");
    epee().args(["trace", "--model", &model, "--data", &data, "--out", &trace_path]).assert().success();
    let trace = epee_exit::Trace::load(&trace_path).unwrap();
    let rows = json(epee().args([
        "sweep",
        &trace_path,
        "--threshold",
        "0.3,0.6",
        "--patience",
        "2,never",
        "--format",
        "json",
    ]));
    let names = shop.labels();
    for row in rows.as_array().unwrap() {
        let setting = row["setting"].as_str().unwrap();
        let policy: epee_exit::Policy = setting.parse().unwrap();
        let replay = epee_exit::replay(&policy.check(2, 4).unwrap(), &trace).unwrap();
        let most = std::thread::available_parallelism().map_or(1, usize::from).min(2).to_string();
        for (batch, threads) in [("1", "1"), ("1", most.as_str()), ("16", &most)] {
            let answers = shop.path("answers.jsonl");
            let eval =
                json(epee().args(["eval", "--model", &model, "--data", &data, "--policy", setting, "--force"]).args([
                    "--batch-size",
                    batch,
                    "--threads",
                    threads,
                    "--predictions",
                    &answers,
                    "--format",
                    "json",
                ]));
            for key in ["accuracy", "macro_f1", "saving", "ratio"] {
                assert_eq!(eval["metrics"][key], row[key], "{key} of {setting}, batch size {batch}");
            }
            let lines = fs::read_to_string(&answers).unwrap();
            assert_eq!(lines.lines().count(), trace.samples());
            for (i, line) in lines.lines().enumerate() {
                let answer: Value = serde_json::from_str(line).unwrap();
                assert_eq!(answer["exit"].as_u64(), Some(u64::from(replay.exits[i])), "sample {i}, {setting}");
                assert_eq!(answer["label"], names[replay.labels[i] as usize].as_str(), "sample {i}, {setting}");
                // Exactly equal in memory; reading JSON may move the last bit.
                let entropy = answer["entropy"].as_f64().unwrap();
                assert!((entropy - replay.entropies[i]).abs() <= 1e-15, "sample {i}, {setting}");
            }
        }
    }
}

#[test]
fn a_learned_exit_head_answers_live_as_in_a_trace_of_it() {
    let shop = Workshop::trained();
    let (model, data, dev) = (shop.path("model"), shop.path("data"), shop.path("dev.safetensors"));
    let record = || {
        let mut command = epee();
        command.args(["trace", "--model", &model, "--data", &data, "--split", "dev", "--out", &dev, "--force"]);
        command.assert().success();
        epee_exit::Trace::load(&dev).unwrap()
    };
    let eval = || {
        let mut command = epee();
        command.args(["eval", "--model", &model, "--data", &data, "--split", "dev", "--format", "json"]);
        command
    };
    // Without the head nothing has scores, and whoever asks for them is told.
    assert!(record().scores().is_none());
    let berxit = ["--policy", "berxit(threshold=0.5)"];
    for command in [&mut eval(), epee().args(["predict", "--model", &model, "x"])] {
        let text = error_of(command.args(berxit));
        assert!(text.contains("the policy needs a learned exit head, which this model does not have"), "{text}");
    }

    shop.add_score_head();
    let trace = record();
    let scores = trace.scores().unwrap();
    assert_eq!(scores.len(), 2 * trace.samples());
    let threshold = {
        let mut first: Vec<f32> = scores.iter().step_by(2).copied().collect();
        first.sort_by(f32::total_cmp);
        first[first.len() / 2].to_string()
    };
    let sweep = ["sweep", &dev, "--policy", "berxit", "--threshold", &threshold, "--format", "json"];
    let row = json(epee().args(sweep))[0].clone();
    let policy: epee_exit::Policy = row["setting"].as_str().unwrap().parse().unwrap();
    let replay = epee_exit::replay(&policy.check(2, 4).unwrap(), &trace).unwrap();
    // Half of the samples are below the middle score.
    assert!(replay.exits.contains(&1) && replay.exits.contains(&2));
    for batch in ["1", "16"] {
        let answers = shop.path("answers.jsonl");
        let flags = ["--batch-size", batch, "--predictions", &answers, "--force", "--policy"];
        let live = json(eval().args(flags).arg(policy.to_string()));
        for key in ["accuracy", "macro_f1", "saving"] {
            assert_eq!(live["metrics"][key], row[key], "{key}, batch size {batch}");
        }
        for (i, line) in fs::read_to_string(&answers).unwrap().lines().enumerate() {
            let answer: Value = serde_json::from_str(line).unwrap();
            let (exit, label) = (u64::from(replay.exits[i]), shop.labels()[replay.labels[i] as usize].clone());
            assert_eq!(
                (answer["exit"].as_u64(), answer["label"].as_str()),
                (Some(exit), Some(&label[..])),
                "sample {i}"
            );
        }
    }

    // What is chosen becomes the model's own.
    let goal = ["calibrate", &dev, "--model", &model, "--policy", "berxit", "--saving", "0.1", "--format", "json"];
    let choice = json(epee().args(goal));
    assert!(choice["policy"].as_str().unwrap().starts_with("berxit("), "{choice}");
    assert_eq!(json(&mut eval())["metrics"]["saving"], choice["chosen"]["saving"]);
    let info = json(epee().args(["info", &model, "--format", "json"]));
    assert_eq!((&info["learned_exit_head"], &info["policy"]), (&Value::Bool(true), &choice["policy"]));
    assert_eq!(json(epee().args(["info", &dev, "--format", "json"]))["learned_exit_scores"], true);
    let compared = json(epee().args(["compare", &dev, "--dev", &dev, "--saving", "0.2", "--format", "json"]));
    assert!(compared[0]["rows"].as_array().unwrap().iter().any(|row| row["name"] == "berxit"), "{compared}");
    let page = shop.path("report.html");
    epee().args(["report", &dev, "--out", &page]).assert().success();
    assert!(fs::read_to_string(&page).unwrap().contains("berxit"));

    // A trace without scores cannot tell what was chosen by them.
    let mut parts = trace.into_parts();
    parts.scores = None;
    let bare = shop.path("bare.safetensors");
    epee_exit::Trace::new(parts).unwrap().save(&bare).unwrap();
    let text = error_of(epee().args(goal).args(["--report-on", &bare]));
    assert!(text.contains("expected learned exit scores"), "{text}");
}

#[test]
fn every_precision_runs_and_a_trace_says_which_it_was() {
    let shop = Workshop::trained();
    let (model, data) = (shop.path("model"), shop.path("data"));
    for precision in ["f32", "bf16", "int8"] {
        let path = shop.path(&format!("{precision}.safetensors"));
        epee()
            .args(["trace", "--model", &model, "--data", &data, "--out", &path, "--precision", precision])
            .assert()
            .success();
        let trace = epee_exit::Trace::load(&path).unwrap();
        assert_eq!(trace.provenance().precision.as_deref(), Some(precision));
        // What was recorded at a precision is what runs live at it.
        let policy = "epee(threshold=0.6, patience=2)";
        let eval = json(
            epee()
                .args(["eval", "--model", &model, "--data", &data, "--precision", precision, "--policy", policy])
                .args(["--batch-size", "7", "--format", "json"]),
        );
        let checked = policy.parse::<epee_exit::Policy>().unwrap().check(2, 4).unwrap();
        let metrics = epee_exit::replay(&checked, &trace).unwrap().metrics(&trace);
        assert_eq!(eval["precision"], precision);
        assert_eq!(eval["metrics"]["accuracy"].as_f64(), Some(metrics.accuracy));
        assert_eq!(eval["metrics"]["mean_exit"].as_f64(), Some(metrics.mean_exit));
        assert!(eval["wall_clock"]["tokenise_ms"].as_f64().unwrap() > 0.0);
    }
    let both = json(
        epee()
            .args(["eval", "--model", &model, "--data", &data, "--precision", "f32,int8", "--limit", "40"])
            .args(["--format", "json"]),
    );
    let names: Vec<&Value> = both.as_array().unwrap().iter().map(|run| &run["precision"]).collect();
    assert_eq!(names, ["f32", "int8"]);
}

#[test]
fn bench_measures_every_depth() {
    let shop = Workshop::trained();
    let (model, data) = (shop.path("model"), shop.path("data"));
    let bench =
        json(epee().args(["bench", "--model", &model, "--data", &data, "--limit", "30", "--seconds", "0.01"]).args([
            "--tokens",
            "8",
            "--thread-counts",
            "1",
            "--precision",
            "f32,int8",
            "--format",
            "json",
        ]));
    let latency = bench["latency"].as_array().unwrap();
    // Two exits, and the last one with all rows, at two precisions.
    assert_eq!(latency.len(), 6);
    for row in latency {
        let at = |name: &str| row[name].as_f64().unwrap();
        assert!(0.0 < at("p50_ms") && at("p50_ms") <= at("p90_ms") && at("p90_ms") <= at("p99_ms"), "{row}");
    }
    assert_eq!(latency.iter().filter(|row| row["all_rows"] == true).count(), 2);
    for row in bench["arithmetic"].as_array().unwrap() {
        assert!(row["gops"].as_f64().unwrap() > 0.0 && row["share"].as_f64().unwrap() < 1.2, "{row}");
    }
    assert_eq!(bench["saving"].as_array().unwrap().len(), 2);
}

#[test]
fn people_s_own_csv_is_trained_on() {
    let shop = Workshop::empty();
    let csv = shop.path("own.csv");
    let mut text = "note,status\n".to_owned();
    for i in 0..40 {
        text.push_str(&format!("\"patient {i}, takes\nginkgo\",yes\n\"no supplements, visit {i}\",no\n"));
    }
    fs::write(&csv, text).unwrap();
    let (data, model) = (shop.path("data"), shop.path("model"));
    epee()
        .args(["data", "import", "csv", "--from", &csv, "--text", "note", "--label", "status", "--out", &data])
        .assert()
        .success();
    epee()
        .args(["train", "--init", &shop.config(), "--data", &data, "--out", &model])
        .args(["--epochs", "6", "--learning-rate", "3e-3"])
        .assert()
        .success();
    let eval = json(epee().args(["eval", "--split", "dev", "--model", &model, "--data", &data, "--format", "json"]));
    assert_eq!(eval["metrics"]["accuracy"], 1.0, "{eval}");
}
