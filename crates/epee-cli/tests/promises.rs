//! Calibration by goal, certificates and their end, comparison and the formats of a sweep, through the binary.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::Path;

use common::{Workshop, epee, error_of, json};
use epee_exit::{Trace, TraceParts};
use serde_json::Value;

/// A trace of the trained model's shape and digest whose exits are as wanted: exit 1 differs from exit 2 in one of `every`.
fn trace(shop: &Workshop, samples: usize, every: usize, change: impl FnOnce(&mut TraceParts)) -> String {
    let recorded = shop.path("recorded.safetensors");
    let (model, data) = (shop.path("model"), shop.path("data"));
    epee()
        .args(["trace", "--model", &model, "--data", &data, "--split", "dev", "--out", &recorded, "--force"])
        .assert()
        .success();
    let from = Trace::load(&recorded).unwrap().provenance().clone();
    let mut parts = TraceParts { exits: 2, classes: 4, provenance: from, ..TraceParts::default() };
    for sample in 0..samples {
        let label = sample % 4;
        for exit in 1..=2 {
            let differs = exit == 1 && sample % every == 0;
            let says = if differs { (label + 1) % 4 } else { label };
            let sure = if differs { 1.0 } else { 4.0 + (sample % 7) as f32 / 4.0 };
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
    serde_json::from_slice(&fs::read(shop.dir().join("model/exits.json")).unwrap()).unwrap()
}

#[test]
fn a_certificate_is_given_shown_and_voided() {
    let shop = Workshop::trained();
    let model = shop.path("model");
    let made = trace(&shop, 1200, 10, |_| {});
    let base = ["calibrate", &made, "--model", &model, "--max-risk", "0.05"];
    let risks = ["--risk", "consistency,gap,class:1", "--report-on", &made, "--format", "json"];
    let said = json(epee().args(base).args(risks));
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
        let output = epee().args(["info", &shop.path("model")]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(words(&shop).contains("Valid. The promise fails with a probability of at most 5 %"), "{}", words(&shop));
    assert!(words(&shop).contains("At most 5 % of all answers differ from those of the whole model."));

    // As it is, it answers in silence; at another precision, and with other labels, it says that the promise is void.
    let predict = |more: &[&str]| {
        let output = epee().args(["predict", "--model", &model, "She takes ginkgo."]).args(more).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(predict(&[]), "");
    let text = predict(&["--precision", "int8"]);
    assert!(text.contains("certificate of this model is void: it was given for precision f32, this is int8"), "{text}");
    let config = fs::read_to_string(shop.dir().join("model/config.json")).unwrap();
    fs::write(shop.dir().join("model/config.json"), config.replace(&shop.labels()[0], "Renamed")).unwrap();
    let text = predict(&[]);
    assert!(text.contains("certificate of this model is void: it was given for the classes"), "{text}");
    assert!(words(&shop).contains("VOID: it was given for the classes"));
    fs::write(shop.dir().join("model/config.json"), config).unwrap();

    // Another policy than the certified, by hand.
    let file = shop.dir().join("model/exits.json");
    let mut by_hand = exits(&shop);
    by_hand["policy"] = "patience(patience=1)".into();
    fs::write(&file, by_hand.to_string()).unwrap();
    assert!(predict(&[]).contains("void: it was given for the policy"));

    // A file whose numbers were mended by hand does not bear its promise out.
    let mut by_hand = exits(&shop);
    by_hand["policy"] = by_hand["certificate"]["scope"]["policy"].clone();
    by_hand["certificate"]["epsilon"] = 0.0001.into();
    fs::write(&file, by_hand.to_string()).unwrap();
    assert!(predict(&[]).contains("in its file do not support it"), "{}", predict(&[]));

    // A plain goal takes the place of the promise.
    epee().args(["calibrate", &made, "--model", &model, "--saving", "0.3"]).assert().success();
    assert!(exits(&shop).get("certificate").is_none());
}

#[test]
fn what_cannot_be_certified_is_full_depth() {
    let shop = Workshop::trained();
    let model = shop.path("model");
    let made = trace(&shop, 78, 10, |_| {});
    epee().args(["calibrate", &made, "--model", &model, "--saving", "0.2"]).assert().success();
    assert_ne!(exits(&shop)["policy"], "full");
    let text = error_of(epee().args(["calibrate", &made, "--model", &model, "--max-risk", "0.02"]));
    assert!(
        text.contains("not certifiable: n = 78, needs 149") && text.contains("now answers at full depth"),
        "{text}"
    );
    assert_eq!(exits(&shop)["policy"], "full");
    // What was chosen before can be had back.
    let kept: Value = serde_json::from_slice(&fs::read(shop.dir().join("model/exits.json.before")).unwrap()).unwrap();
    assert_ne!(kept["policy"], "full");
}

#[test]
fn impossible_demands_leave_the_model_as_it_was() {
    let shop = Workshop::trained();
    let model = shop.path("model");
    let made = trace(&shop, 400, 10, |_| {});
    epee().args(["calibrate", &made, "--model", &model, "--saving", "0.2"]).assert().success();
    let before = fs::read(shop.dir().join("model/exits.json")).unwrap();
    let error = |trace: &str, flags: &[&str]| {
        let text = error_of(epee().args(["calibrate", trace, "--model", &model]).args(flags));
        assert_eq!(fs::read(shop.dir().join("model/exits.json")).unwrap(), before, "{flags:?}");
        text
    };
    for (flags, part) in [
        (&["--max-risk", "0"][..], "max risk: expected a number above 0 and below 1, got 0"),
        (&["--max-risk", "NaN"], "max risk: expected a number above 0 and below 1, got NaN"),
        (&["--max-risk", "0.1", "--confidence", "1"], "confidence: expected a number above 0 and below 1, got 1"),
        (&["--max-risk", "0.1", "--risk", "harm"], "expected consistency, gap, error or class:NAME, got harm"),
        (&["--max-risk", "0.1", "--risk", "class:Nothing"], "--risk class: expected one of "),
        (&["--max-risk", "0.1", "--path", "prior"], "a path fixed beforehand needs settings with a natural order"),
        (&["--max-risk", "0.1", "--policy", "berxit"], "learned exit head"),
        (&["--max-risk", "0.1", "--policy", "elbert", "--threshold", "0.5"], "elbert needs 2 classes"),
        (&["--saving", "0.2", "--policy", "berxit"], "learned exit head"),
        (&["--max-latency", "1us"], "no setting of the grid reaches the goal (max-latency 0.001ms)"),
        (&["--max-latency", "1us"], "the fastest takes "),
        (&["--saving", "0.9"], "the greatest saving is 0.500"),
        (&["--saving", "0.2", "--risk", "gap"], "--risk is part of a promise, and this goal makes none"),
        (&["--saving", "0.2", "--confidence", "0.9"], "--confidence is part of a promise"),
        (&["--max-risk", "-0.1"], "max risk: expected a number above 0 and below 1, got -0.1"),
        (&["--max-risk", "0.1", "--abstain", "0.0001"], "not certifiable: n = 200, needs"),
        (&["--abstain", "2"], "abstain: expected a number above 0 and below 1, got 2"),
    ] {
        let text = error(&made, flags);
        assert!(text.contains(part), "{flags:?}: {text}");
    }
    let unlabelled = trace(&shop, 400, 10, |parts| parts.labels.fill(-1));
    assert!(error(&unlabelled, &["--max-risk", "0.1", "--risk", "gap"]).contains("the risk `consistency` needs none"));
    assert!(error(&unlabelled, &["--max-loss", "0.01"]).contains("expected a trace with labels"));
    assert!(error(&unlabelled, &["--abstain", "0.1"]).contains("no sample of the trace has one"));
    let single = trace(&shop, 400, 10, |parts| parts.labels.fill(2));
    assert!(
        error(&single, &["--max-risk", "0.1", "--risk", "error"]).contains("every labelled sample is of the class")
    );
    assert!(error(&single, &["--max-loss", "0.01"]).contains("every labelled sample is of one class"));
    assert!(error(&single, &["--max-loss", "0.01", "--fit-temperatures"]).contains("class"));
    let other = trace(&shop, 400, 10, |parts| parts.provenance.model_digest = Some("sha256:0123".into()));
    assert!(error(&other, &["--max-risk", "0.1"]).contains("got one of another"));
    let renamed = trace(&shop, 400, 10, |parts| parts.provenance.label_names.swap(0, 1));
    assert!(error(&renamed, &["--saving", "0.2"]).contains("expected the model's classes"));
    let vague = trace(&shop, 400, 10, |parts| parts.provenance.precision = None);
    assert!(error(&vague, &["--max-risk", "0.1"]).contains("does not say at which it was recorded"));
    let odd = trace(&shop, 400, 10, |parts| parts.provenance.precision = Some("f17".into()));
    assert!(error(&odd, &["--max-risk", "0.1"]).contains("precision: "));
    let one = trace(&shop, 1, 10, |_| {});
    assert!(
        error(&one, &["--abstain", "0.1"]).contains("not certifiable: n = 0")
            || error(&one, &["--abstain", "0.1"]).contains("every labelled")
    );
    let timeless = trace(&shop, 400, 10, |parts| parts.provenance.layer_seconds.clear());
    assert!(error(&timeless, &["--max-latency", "20ms"]).contains("no measured times of layers"));
}

#[test]
fn a_model_abstains_where_it_is_unsure() {
    let shop = Workshop::trained();
    let model = shop.path("model");
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
    epee().args(["calibrate", &made, "--model", &model, "--saving", "0.2", "--abstain", "0.02"]).assert().success();
    let rule = &exits(&shop)["abstention"];
    let coverage = rule["coverage"].as_f64().unwrap();
    assert!((0.7..0.9).contains(&coverage) && rule["errors"] == 0, "{rule}");
    let output = epee().args(["predict", "--model", &model, "--format", "json", "x"]).output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(answer["abstains"].is_boolean(), "{answer}");
    // The rule is about this policy: with another, or at another precision, its promise is void.
    for flags in [["--policy", "full"], ["--precision", "int8"]] {
        let output = epee().args(["predict", "--model", &model, "x"]).args(flags).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("the abstention of this model is void"), "{flags:?}: {text}");
    }
    let info = String::from_utf8(epee().args(["info", &model]).output().unwrap().stdout).unwrap();
    assert!(info.contains("the model abstains"), "{info}");
}

#[test]
fn temperatures_and_thresholds_by_exit_go_into_the_model_and_are_used() {
    let shop = Workshop::trained();
    let (model, data) = (shop.path("model"), shop.path("data"));
    let dev = shop.path("dev.safetensors");
    epee().args(["trace", "--model", &model, "--data", &data, "--split", "dev", "--out", &dev]).assert().success();
    let flags = ["--saving", "0.1", "--fit-temperatures", "--per-exit", "--policy", "entropy", "--format", "json"];
    let said = json(epee().args(["calibrate", &dev, "--model", &model]).args(flags));
    assert_eq!(said["quality"]["after"].as_array().unwrap().len(), 2);
    let exits = exits(&shop);
    assert_eq!(exits["temperatures"].as_array().unwrap().len(), 2);
    let live = json(epee().args(["eval", "--model", &model, "--data", &data, "--split", "dev", "--format", "json"]));
    assert_eq!(live["metrics"]["saving"], said["chosen"]["saving"]);
    assert_eq!(live["metrics"]["macro_f1"], said["chosen"]["macro_f1"]);
}

#[test]
fn policies_are_listed_swept_and_compared() {
    let shop = Workshop::trained();
    let list = json(epee().args(["policy", "list", "--format", "json"]));
    assert_eq!(list.as_array().unwrap().len(), 15);
    assert!(list.as_array().unwrap().iter().all(|line| line["source"].is_string() && line["about"].is_string()));
    let made = trace(&shop, 300, 10, |_| {});
    let rows = json(epee().args(["sweep", &made, "--policy", "all", "--format", "json"]));
    let (csv, parquet) = (shop.path("rows.csv"), shop.path("rows.parquet"));
    for (format, out) in [("csv", &csv), ("parquet", &parquet)] {
        epee().args(["sweep", &made, "--policy", "all", "--format", format, "--out", out]).assert().success();
    }
    assert_eq!(fs::read_to_string(&csv).unwrap().lines().count(), rows.as_array().unwrap().len() + 1);
    assert!(fs::read(&parquet).unwrap().starts_with(b"PAR1"));
    assert!(error_of(epee().args(["sweep", &made, "--format", "csv", "--out", &csv])).contains("exists already"));
    epee().args(["info", &shop.path("model"), "--format", "csv"]).assert().code(2);

    let compared = json(epee().args(["compare", &made, "--dev", &made, "--saving", "0.3", "--format", "json"]));
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
    let text = error_of(epee().args(["compare", &made, "--policies", "epee,elbert"]));
    assert!(text.contains("elbert needs 2 classes, got 4"), "{text}");
    let text = error_of(epee().args(["compare", &made, &made, "--dev", &made]));
    assert!(text.contains("--dev: expected a trace for each of the 2"), "{text}");
    assert!(Path::new(&made).exists());
}
