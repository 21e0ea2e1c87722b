//! Calibration by goal, certificates and their end, comparison and the formats of a sweep, through the binary.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::Workshop;
use epee_exit::{Trace, TraceParts};
use serde_json::Value;

/// A trace of the trained model's shape and digest whose exits are as wanted: exit 1 differs from exit 2 in one of `every`.
fn trace(shop: &Workshop, samples: usize, every: usize, change: impl FnOnce(&mut TraceParts)) -> String {
    let recorded = shop.path("recorded.safetensors");
    shop.run("trace --model model --data data --split dev --out recorded.safetensors --force");
    let from = Trace::load(&recorded).unwrap().provenance().clone();
    let mut parts = TraceParts { exits: 2, classes: 4, provenance: from, ..TraceParts::default() };
    for sample in 0..samples {
        let label = sample % 4;
        for exit in 1..=2 {
            let differs = exit == 1 && sample % every == 0;
            let says = if differs { (label + 1) % 4 } else { label };
            // No sample repeats another.
            let sure = if differs { 1.0 } else { 4.0 + (sample % 7) as f32 / 4.0 } + sample as f32 * 1e-5;
            parts.logits.extend((0..4).map(|k| if k == says { sure } else { 0.0 }));
        }
        parts.labels.push(label as i64);
    }
    change(&mut parts);
    let path = shop.path("made.safetensors");
    Trace::new(parts).unwrap().save(&path).unwrap();
    path
}

fn exits(shop: &Workshop) -> Value {
    shop.read_json("model/exits.json")
}

#[test]
fn a_certificate_is_given_shown_and_voided() {
    let shop = Workshop::trained();
    let made = trace(&shop, 1200, 10, |_| {});
    let said = shop.json(&format!(
        "calibrate {made} --model model --max-risk 0.05 --risk consistency,gap,class:1 --report-on {made}"
    ));
    let outcome = &said["reported_on"];
    assert_eq!(outcome["risks"].as_object().unwrap().len(), 3);
    assert!(outcome["risks"]["consistency"]["mean"].as_f64().unwrap() <= 0.05, "{outcome}");
    assert_eq!(outcome["risks"]["consistency"]["n"], 1200);
    let certificate = &exits(&shop)["certificate"];
    assert_eq!(&said["certificate"], certificate);
    assert_eq!((certificate["epsilon"].as_f64(), certificate["samples"].as_u64()), (Some(0.05), Some(1200)));
    assert_eq!((certificate["tested"].as_u64(), certificate["risks"].as_array().unwrap().len()), (Some(600), 3));
    assert!(certificate["scope"]["trace_digest"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(certificate["scope"]["policy"], exits(&shop)["policy"]);
    assert!(certificate["saving"].as_f64().unwrap() > 0.3, "{certificate}");

    let words = |shop: &Workshop| {
        let output = shop.epee("info model").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(words(&shop).contains("Consistent: every number follows from the counts"), "{}", words(&shop));
    assert!(words(&shop).contains("The promise fails with a probability of at most 5 %"), "{}", words(&shop));
    assert!(words(&shop).contains("At most 5 % of all answers differ from those of the whole model."));

    // As it is, it answers in silence; at another precision, and with other labels, it says that the promise is void.
    let predict = |more: &[&str]| {
        let output = shop.epee("predict --model model ginkgo").args(more).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(predict(&[]), "");
    let text = predict(&["--precision", "int8"]);
    assert!(text.contains("certificate of this model is void: it was given for precision f32, this is int8"), "{text}");
    let config = shop.read_text("model/config.json");
    shop.write("model/config.json", config.replace(&shop.labels()[0], "Renamed"));
    let text = predict(&[]);
    assert!(text.contains("certificate of this model is void: it was given for the classes"), "{text}");
    assert!(words(&shop).contains("VOID: it was given for the classes"));
    shop.write("model/config.json", config);

    // Another policy than the certified, by hand.
    let mut by_hand = exits(&shop);
    by_hand["policy"] = "patience(patience=1)".into();
    shop.write("model/exits.json", by_hand.to_string());
    assert!(predict(&[]).contains("void: it was given for the policy"));

    // A file whose numbers were mended by hand does not bear its promise out.
    let mut by_hand = exits(&shop);
    by_hand["policy"] = by_hand["certificate"]["scope"]["policy"].clone();
    by_hand["certificate"]["epsilon"] = 0.0001.into();
    shop.write("model/exits.json", by_hand.to_string());
    assert!(predict(&[]).contains("in its file do not support it"), "{}", predict(&[]));
    by_hand["certificate"]["epsilon"] = 0.05.into();
    by_hand["certificate"]["scope"]["split"] = "test".into();
    shop.write("model/exits.json", by_hand.to_string());
    assert!(predict(&[]).contains("its file was changed after it was written"), "{}", predict(&[]));

    // A plain goal takes the place of the promise.
    shop.run(&format!("calibrate {made} --model model --saving 0.3"));
    assert!(exits(&shop).get("certificate").is_none());
}

#[test]
fn what_cannot_be_certified_is_full_depth() {
    let shop = Workshop::trained();
    let made = trace(&shop, 78, 10, |_| {});
    shop.run(&format!("calibrate {made} --model model --saving 0.2"));
    assert_ne!(exits(&shop)["policy"], "full");
    let text = shop.error(&format!("calibrate {made} --model model --max-risk 0.02"));
    assert!(
        text.contains("not certifiable: n = 78, needs 149") && text.contains("now answers at full depth"),
        "{text}"
    );
    assert_eq!(exits(&shop)["policy"], "full");
    // What was chosen before can be had back.
    let kept = shop.read_json("model/exits.json.before");
    assert_ne!(kept["policy"], "full");
}

#[test]
fn impossible_demands_leave_the_model_as_it_was() {
    let shop = Workshop::trained();
    let made = trace(&shop, 400, 10, |_| {});
    shop.run(&format!("calibrate {made} --model model --saving 0.2"));
    // A test that was run is remembered; all else stays.
    let settings = || {
        let mut exits = exits(&shop);
        exits.as_object_mut().unwrap().remove("attempts");
        exits
    };
    let before = settings();
    let error = |trace: &str, flags: &str| {
        let text = shop.error(&format!("calibrate {trace} --model model {flags}"));
        assert_eq!(settings(), before, "{flags}");
        text
    };
    for (flags, part) in [
        ("--max-risk 0", "max risk: expected a number above 0 and below 1, got 0"),
        ("--max-risk NaN", "max risk: expected a number above 0 and below 1, got NaN"),
        ("--max-risk 0.1 --confidence 1", "confidence: expected a number above 0 and below 1, got 1"),
        ("--max-risk 0.1 --risk harm", "expected consistency, gap, error or class:NAME, got harm"),
        ("--max-risk 0.1 --risk class:Nothing", "--risk class: expected one of "),
        ("--max-risk 0.1 --path prior", "a path fixed beforehand needs settings with a natural order"),
        ("--max-risk 0.1 --policy berxit", "learned exit head"),
        ("--max-risk 0.1 --policy elbert --threshold 0.5", "elbert needs 2 classes"),
        ("--saving 0.2 --policy berxit", "learned exit head"),
        ("--max-latency 1us", "no setting of the grid reaches the goal (max-latency 0.001ms)"),
        ("--max-latency 1us", "the fastest takes "),
        ("--saving 0.9", "the greatest saving is 0.500"),
        ("--saving 0.2 --risk gap", "--risk is part of a promise, and this goal makes none"),
        ("--saving 0.2 --confidence 0.9", "--confidence is part of a promise"),
        ("--max-risk -0.1", "max risk: expected a number above 0 and below 1, got -0.1"),
        ("--max-risk 0.1 --abstain 0.0001", "not certifiable: n = 200, needs"),
        ("--abstain 2", "abstain: expected a number above 0 and below 1, got 2"),
    ] {
        let text = error(&made, flags);
        assert!(text.contains(part), "{flags}: {text}");
    }
    type Change = fn(&mut TraceParts);
    let cases: [(Change, &str, &str); 16] = [
        (|parts| parts.provenance.numeric_class = None, "--max-risk 0.1", "in which numeric class"),
        (|parts| parts.provenance.model_digest = None, "--max-risk 0.1", "or vouch for it with --trust-trace"),
        (
            |parts| parts.provenance.model_digest = None,
            "--abstain 0.1",
            "nothing shows that this one recorded the trace",
        ),
        (|parts| parts.provenance.model_digest = Some("sha256:0123".into()), "--max-risk 0.1", "it is of epee 0.1"),
        (
            |parts| parts.logits.copy_within(..80, 800),
            "--max-risk 0.1",
            "of 400 samples 10 repeat the logits and label",
        ),
        (|parts| parts.labels.fill(-1), "--max-risk 0.1 --risk gap", "the risk `consistency` needs none"),
        (|parts| parts.labels.fill(-1), "--max-loss 0.01", "expected a trace with labels"),
        (|parts| parts.labels.fill(-1), "--abstain 0.1", "no sample of the trace has one"),
        (|parts| parts.labels.fill(2), "--max-risk 0.1 --risk error", "every labelled sample is of the class"),
        (|parts| parts.labels.fill(2), "--max-loss 0.01", "every labelled sample is of one class"),
        (|parts| parts.labels.fill(2), "--max-loss 0.01 --fit-temperatures", "class"),
        (|parts| parts.provenance.model_digest = Some("v2:0123".into()), "--max-risk 0.1", "got one of another"),
        (|parts| parts.provenance.label_names.swap(0, 1), "--saving 0.2", "expected the model's classes"),
        (|parts| parts.provenance.precision = None, "--max-risk 0.1", "does not say at which it was recorded"),
        (|parts| parts.provenance.precision = Some("f17".into()), "--max-risk 0.1", "precision: "),
        (|parts| parts.provenance.layer_seconds.clear(), "--max-latency 20ms", "no measured times of layers"),
    ];
    for (change, flags, part) in cases {
        let text = error(&trace(&shop, 400, 10, change), flags);
        assert!(text.contains(part), "{flags}: {text}");
    }
    let text = error(&trace(&shop, 1, 10, |_| {}), "--abstain 0.1");
    assert!(text.contains("not certifiable: n = 0") || text.contains("every labelled"), "{text}");
}

#[test]
fn a_model_abstains_where_it_is_unsure() {
    let shop = Workshop::trained();
    let made = trace(&shop, 1200, 7, |parts| {
        // Unsure and wrong at every exit, in one of six.
        for (sample, label) in parts.labels.iter_mut().enumerate() {
            if sample % 6 == 0 {
                *label = (*label + 1) % 4;
                let row = &mut parts.logits[sample * 8..sample * 8 + 8];
                row.iter_mut().for_each(|z| *z /= 8.0);
            }
        }
    });
    shop.run(&format!("calibrate {made} --model model --saving 0.2 --abstain 0.02"));
    let rule = &exits(&shop)["abstention"];
    let coverage = rule["coverage"].as_f64().unwrap();
    assert!((0.7..0.9).contains(&coverage) && rule["upper"].as_f64().unwrap() <= 0.02, "{rule}");
    let answer = shop.json("predict --model model x");
    assert!(answer["abstains"].is_boolean(), "{answer}");
    // The rule is about this policy: with another, or at another precision, its promise is void.
    for flags in [["--policy", "full"], ["--precision", "int8"]] {
        let output = shop.epee("predict --model model x").args(flags).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("the abstention of this model is void"), "{flags:?}: {text}");
    }
    let info = String::from_utf8(shop.epee("info model").output().unwrap().stdout).unwrap();
    assert!(info.contains("the model abstains"), "{info}");
}

#[test]
fn temperatures_and_thresholds_by_exit_go_into_the_model_and_are_used() {
    let shop = Workshop::trained();
    shop.run("trace --model model --data data --split dev --out dev.safetensors");
    let said = shop
        .json("calibrate dev.safetensors --model model --saving 0.1 --fit-temperatures --per-exit --policy entropy");
    assert_eq!(said["quality"]["after"].as_array().unwrap().len(), 2);
    let exits = exits(&shop);
    assert_eq!(exits["temperatures"].as_array().unwrap().len(), 2);
    let live = shop.json("eval --model model --data data --split dev");
    assert_eq!(live["metrics"]["saving"], said["chosen"]["saving"]);
    assert_eq!(live["metrics"]["macro_f1"], said["chosen"]["macro_f1"]);
}

#[test]
fn policies_are_listed_swept_and_compared() {
    let shop = Workshop::trained();
    let list = shop.json("policy list");
    assert_eq!(list.as_array().unwrap().len(), epee::exit::PolicyKind::ALL.len());
    assert!(list.as_array().unwrap().iter().all(|line| line["source"].is_string() && line["about"].is_string()));
    let made = trace(&shop, 300, 10, |_| {});
    let rows = shop.json(&format!("sweep {made} --policy all"));
    for format in ["csv", "parquet"] {
        shop.run(&format!("sweep {made} --policy all --format {format} --out rows.{format}"));
    }
    assert_eq!(shop.read_text("rows.csv").lines().count(), rows.as_array().unwrap().len() + 1);
    assert!(shop.read("rows.parquet").starts_with(b"PAR1"));
    assert!(shop.error(&format!("sweep {made} --format csv --out rows.csv")).contains("exists already"));
    shop.epee("info model --format csv").assert().code(2);

    let compared = shop.json(&format!("compare {made} --dev {made} --saving 0.3"));
    let rows = compared[0]["rows"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    for name in
        ["epee", "epee, per exit", "entropy", "patience", "branchynet", "shallow-deep", "pcee", "fpabee", "voting"]
    {
        assert!(names.contains(&name), "{name} not among {names:?}");
    }
    assert!(!names.contains(&"elbert") && !names.contains(&"berxit"));
    let epee_row = rows.iter().find(|row| row["name"] == "epee").unwrap();
    assert!(epee_row["interval"]["low"].as_f64().unwrap() <= epee_row["value"].as_f64().unwrap());
    let text = shop.error(&format!("compare {made} --policies epee,elbert"));
    assert!(text.contains("elbert needs 2 classes, got 4"), "{text}");
    let text = shop.error(&format!("compare {made} {made} --dev {made}"));
    assert!(text.contains("--dev: expected a trace for each of the 2"), "{text}");
    assert!(Path::new(&made).exists());
}
