//! The main job end to end through the binary, on generated notes and a tiny model.

#![allow(clippy::unwrap_used)]

mod common;

use common::Workshop;
use serde_json::Value;

#[test]
fn data_to_prediction() {
    let shop = Workshop::trained();

    shop.run("trace --split dev --model model --data data --out dev.safetensors");
    let rows = shop.json("sweep dev.safetensors");
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 21 * 3);
    for key in ["policy", "threshold", "patience", "accuracy", "macro_f1", "saving", "ratio"] {
        assert!(rows[0].get(key).is_some(), "no {key} in {}", rows[0]);
    }

    let choice = shop.json("calibrate dev.safetensors --model model --saving 0.2");
    let exits = shop.read_json("model/exits.json");
    assert_eq!(exits["policy"], choice["policy"], "{choice}");
    assert_eq!(exits["calibration"]["goal"], "saving 0.2");

    // `predict` and `eval` use the chosen policy without being told.
    let eval = shop.json("eval --split dev --model model --data data");
    assert_eq!(eval["policy"], exits["policy"]);
    assert!(
        (eval["metrics"]["saving"].as_f64().unwrap() - exits["calibration"]["saving"].as_f64().unwrap()).abs() < 1e-12
    );
    assert!(eval["wall_clock"]["policy_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(eval["grades"].as_array().unwrap().len(), 5);

    let texts = "Patient takes ginkgo daily.\nShe stopped melatonin.\n";
    shop.write("texts.txt", texts);
    let from_file = shop.epee("predict --model model --file texts.txt --format json").output().unwrap();
    let from_stdin = shop.epee("predict --model model - --format json").write_stdin(texts).output();
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

    let info = shop.json("info model");
    assert_eq!((info["exits"].as_u64(), &info["policy"]), (Some(2), &exits["policy"]));
    shop.run("info dev.safetensors");
}

/// A setting's row of a sweep is what a live run of it gives, metrics and every answer; returns the replay.
fn check_live(shop: &Workshop, eval: &str, row: &Value, trace: &epee_exit::Trace) -> epee_exit::Replay {
    let policy: epee_exit::Policy = row["setting"].as_str().unwrap().parse().unwrap();
    let replay = epee_exit::replay(&policy.check(2, 4).unwrap(), trace).unwrap();
    let live = shop.json(&format!("{eval} --policy '{policy}' --predictions answers.jsonl --force"));
    for key in ["accuracy", "macro_f1", "saving", "ratio"] {
        assert_eq!(live["metrics"][key], row[key], "{key} of {policy}: {eval}");
    }
    let (names, lines) = (shop.labels(), shop.read_text("answers.jsonl"));
    assert_eq!(lines.lines().count(), trace.samples());
    for (i, line) in lines.lines().enumerate() {
        let answer: Value = serde_json::from_str(line).unwrap();
        assert_eq!(answer["exit"].as_u64(), Some(u64::from(replay.exits[i])), "sample {i}, {policy}");
        assert_eq!(answer["label"], names[replay.labels[i] as usize].as_str(), "sample {i}, {policy}");
        // Exactly equal in memory; reading JSON may move the last bit.
        let entropy = answer["entropy"].as_f64().unwrap();
        assert!((entropy - replay.entropies[i]).abs() <= 1e-15, "sample {i}, {policy}");
    }
    replay
}

#[test]
fn sweep_and_live_runs_agree_exactly_on_exits_and_labels() {
    let shop = Workshop::trained();
    shop.run("trace --model model --data data --out test.safetensors");
    let trace = epee_exit::Trace::load(shop.path("test.safetensors")).unwrap();
    let rows = shop.json("sweep test.safetensors --threshold 0.3,0.6 --patience 2,never");
    for row in rows.as_array().unwrap() {
        let most = std::thread::available_parallelism().map_or(1, usize::from).min(2).to_string();
        for (batch, threads) in [("1", "1"), ("1", most.as_str()), ("16", &most)] {
            let flags = format!("--batch-size {batch} --threads {threads}");
            check_live(&shop, &format!("eval --model model --data data {flags}"), row, &trace);
        }
    }
}

#[test]
fn a_learned_exit_head_answers_live_as_in_a_trace_of_it() {
    let shop = Workshop::trained();
    let dev = shop.path("dev.safetensors");
    let record = || {
        shop.run("trace --model model --data data --split dev --out dev.safetensors --force");
        epee_exit::Trace::load(&dev).unwrap()
    };
    let eval = "eval --model model --data data --split dev";
    // Without the head nothing has scores, and whoever asks for them is told.
    assert!(record().scores().is_none());
    for command in [eval, "predict --model model x"] {
        let text = shop.error(&format!("{command} --policy berxit(threshold=0.5)"));
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
    let row = shop.json(&format!("sweep dev.safetensors --policy berxit --threshold {threshold}"))[0].clone();
    for batch in ["1", "16"] {
        let replay = check_live(&shop, &format!("{eval} --batch-size {batch}"), &row, &trace);
        // Half of the samples are below the middle score.
        assert!(replay.exits.contains(&1) && replay.exits.contains(&2));
    }

    // What is chosen becomes the model's own.
    let goal = "calibrate dev.safetensors --model model --policy berxit --saving 0.1";
    let choice = shop.json(goal);
    assert!(choice["policy"].as_str().unwrap().starts_with("berxit("), "{choice}");
    assert_eq!(shop.json(eval)["metrics"]["saving"], choice["chosen"]["saving"]);
    let info = shop.json("info model");
    assert_eq!((&info["learned_exit_head"], &info["policy"]), (&Value::Bool(true), &choice["policy"]));
    assert_eq!(shop.json("info dev.safetensors")["learned_exit_scores"], true);
    let compared = shop.json("compare dev.safetensors --dev dev.safetensors --saving 0.2");
    assert!(compared[0]["rows"].as_array().unwrap().iter().any(|row| row["name"] == "berxit"), "{compared}");
    shop.run("report dev.safetensors --out report.html");
    assert!(shop.read_text("report.html").contains("berxit"));

    // A trace without scores cannot tell what was chosen by them.
    let mut parts = trace.into_parts();
    parts.scores = None;
    let bare = shop.path("bare.safetensors");
    epee_exit::Trace::new(parts).unwrap().save(&bare).unwrap();
    let text = shop.error(&format!("{goal} --report-on {bare}"));
    assert!(text.contains("expected learned exit scores"), "{text}");
}

#[test]
fn every_precision_runs_and_a_trace_says_which_it_was() {
    let shop = Workshop::trained();
    for precision in ["f32", "bf16", "int8"] {
        let path = shop.path(&format!("{precision}.safetensors"));
        shop.run(&format!("trace --model model --data data --out {path} --precision {precision}"));
        let trace = epee_exit::Trace::load(&path).unwrap();
        assert_eq!(trace.provenance().precision.as_deref(), Some(precision));
        // What was recorded at a precision is what runs live at it.
        let policy = "epee(threshold=0.6, patience=2)";
        let eval = shop.json(&format!(
            "eval --model model --data data --precision {precision} --policy '{policy}' --batch-size 7"
        ));
        let checked = policy.parse::<epee_exit::Policy>().unwrap().check(2, 4).unwrap();
        let metrics = epee_exit::replay(&checked, &trace).unwrap().metrics(&trace);
        assert_eq!(eval["precision"], precision);
        assert_eq!(eval["metrics"]["accuracy"].as_f64(), Some(metrics.accuracy));
        assert_eq!(eval["metrics"]["mean_exit"].as_f64(), Some(metrics.mean_exit));
        assert!(eval["wall_clock"]["tokenise_ms"].as_f64().unwrap() > 0.0);
    }
    let both = shop.json("eval --model model --data data --precision f32,int8 --limit 40");
    let names: Vec<&Value> = both.as_array().unwrap().iter().map(|run| &run["precision"]).collect();
    assert_eq!(names, ["f32", "int8"]);
}

#[test]
fn bench_measures_every_depth() {
    let shop = Workshop::trained();
    let bench = shop.json(
        "bench --model model --data data --limit 30 --seconds 0.01 --tokens 8 --thread-counts 1 --precision f32,int8",
    );
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
    let mut text = "note,status\n".to_owned();
    for i in 0..40 {
        text.push_str(&format!("\"patient {i}, takes\nginkgo\",yes\n\"no supplements, visit {i}\",no\n"));
    }
    shop.write("own.csv", text);
    shop.run("data import csv --from own.csv --text note --label status --out data");
    shop.run("train --init config.json --data data --out model --epochs 6 --learning-rate 3e-3");
    let eval = shop.json("eval --split dev --model model --data data");
    assert_eq!(eval["metrics"]["accuracy"], 1.0, "{eval}");
}
