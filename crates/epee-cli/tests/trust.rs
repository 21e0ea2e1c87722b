//! The word of a certificate: who vouches for it, what weakens it, who signed it.

#![allow(clippy::unwrap_used)]

mod common;

use common::Workshop;
use epee_exit::{Trace, TraceParts};
use serde_json::Value;

/// The trained model, and a trace of it with many samples: its own logits of the dev split, each a little moved.
fn shop(change: impl FnOnce(&mut TraceParts)) -> Workshop {
    let shop = Workshop::trained();
    shop.run("trace --model model --data data --split dev --out recorded.safetensors");
    let mut parts = Trace::load(shop.path("recorded.safetensors")).unwrap().into_parts();
    let (logits, labels) = (parts.logits.clone(), parts.labels.clone());
    (parts.logits, parts.labels) = (Vec::new(), Vec::new());
    (parts.ids, parts.tokens) = (Vec::new(), Vec::new());
    for round in 0..12 {
        parts.logits.extend(logits.iter().map(|logit| logit * (1.0 + 1e-4 * round as f32)));
        parts.labels.extend(&labels);
    }
    change(&mut parts);
    Trace::new(parts).unwrap().save(shop.path("made.safetensors")).unwrap();
    shop
}

/// The certificate of a calibration, and its caveats by kind.
fn certificate(shop: &Workshop, flags: &str) -> (Value, Vec<String>) {
    let said = shop.json(&format!("calibrate made.safetensors --model model --max-risk 0.2 {flags}"));
    let stored = shop.read_json("model/exits.json")["certificate"].clone();
    assert_eq!(said["certificate"], stored);
    let kinds = stored["caveats"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap().to_owned());
    (stored.clone(), kinds.collect())
}

fn info(shop: &Workshop) -> String {
    let output = shop.epee("info model").output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_trace_that_names_no_model_is_vouched_for_and_stays_so() {
    type Change = fn(&mut TraceParts);
    let cases: [(Change, &str); 2] = [
        (|parts| parts.provenance.model_digest = None, "The trace does not say which model recorded it"),
        (
            |parts| parts.provenance.model_digest = Some("v2:0123456789ab".into()),
            "another model recorded it (digest v2:0123456789ab)",
        ),
    ];
    for (change, words) in cases {
        let shop = shop(change);
        shop.error("calibrate made.safetensors --model model --max-risk 0.2");
        assert!(shop.read_json("model/exits.json").get("certificate").is_none());
        let (_, caveats) = certificate(&shop, "--trust-trace");
        assert_eq!(caveats, ["trusted-trace"]);
        assert!(info(&shop).contains(words), "{}", info(&shop));
    }
}

#[test]
fn a_train_split_a_chosen_seed_and_repeats_are_recorded_and_said() {
    let shop = shop(|parts| {
        parts.provenance.split = Some("train".into());
        parts.logits.copy_within(..200, 480);
    });
    let error = shop.error("calibrate made.safetensors --model model --max-risk 0.2");
    assert!(error.contains("repeat the logits and label of another") && error.contains("--allow-repeats"), "{error}");
    let (_, caveats) = certificate(&shop, "--allow-repeats --seed 7");
    assert_eq!(caveats, ["train-split", "repeats", "chosen-seed"]);
    for part in ["of the train split: the model has seen them", "repeat the logits and label", "The seed was chosen"] {
        assert!(info(&shop).contains(part), "{part}: {}", info(&shop));
    }
    // Said when it is made, too.
    let output = shop.epee("calibrate made.safetensors --model model --max-risk 0.2 --allow-repeats").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("warning: caveat of the certificate: The samples are of the train split"), "{said}");
}

#[test]
fn calibrations_on_the_same_samples_are_counted() {
    let shop = shop(|_| ());
    let (first, caveats) = certificate(&shop, "");
    assert_eq!(caveats, [""; 0]);
    // The same again is the same; the samples fix the seed, in whatever order they come.
    assert_eq!(certificate(&shop, "").0, first);
    for seed in [3, 4] {
        certificate(&shop, &format!("--seed {seed}"));
    }
    let (last, caveats) = certificate(&shop, "--seed 5");
    assert_eq!(caveats, ["chosen-seed", "earlier"]);
    let earlier = &last["caveats"][1];
    assert_eq!((&earlier["calibrations"], &earlier["seeds"]), (&3.into(), &serde_json::json!([3, 4])));
    assert!((earlier["delta"].as_f64().unwrap() - 0.2).abs() < 1e-9, "{earlier}");
    assert!(
        info(&shop).contains("There were 3 other calibrations on the same samples, with the seeds 3, 4"),
        "{}",
        info(&shop)
    );
    // A calibration without a promise in between does not wipe them out.
    shop.run("calibrate made.safetensors --model model --saving 0.1");
    assert_eq!(certificate(&shop, "").1, ["earlier"]);
    // Nor does a test that fails.
    shop.error("calibrate made.safetensors --model model --abstain 0.011 --confidence 0.9");
    let attempts = |shop: &Workshop| shop.read_json("model/exits.json")["attempts"].as_array().unwrap().len();
    assert_eq!(attempts(&shop), 5, "four certificates, one abstention rule");
    shop.error("calibrate made.safetensors --model model --max-risk 0.21 --abstain 0.011 --confidence 0.9");
    assert_eq!(attempts(&shop), 6, "a certificate that was tested before the rule failed");
}

#[test]
fn a_signature_shows_who_vouches_and_an_edit_breaks_it() {
    let shop = shop(|_| ());
    // Keys as OpenSSL writes them: `openssl genpkey -algorithm ed25519`, `openssl pkey -pubout`.
    let pem = |kind: &str, body: &str| format!("-----BEGIN {kind} KEY-----\n{body}\n-----END {kind} KEY-----\n");
    shop.write("key.pem", pem("PRIVATE", "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"));
    shop.write("public.pem", pem("PUBLIC", "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="));
    shop.write("other.pem", pem("PUBLIC", "MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="));
    let (unsigned, _) = certificate(&shop, "");
    assert!(unsigned.get("signature").is_none());
    assert!(info(&shop).contains("It is not signed, so nothing shows"));
    let verify = |what: &str, code| {
        let output = shop.epee(&format!("info {what}")).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        (String::from_utf8(output.stdout).unwrap(), said)
    };
    let refused = verify("model --verify public.pem", 1).1;
    assert!(refused.contains("model: the certificate is void: it is not signed"), "{refused}");
    let refused = verify("made.safetensors --verify public.pem", 1).1;
    assert!(refused.contains("--verify: expected a model directory, got made.safetensors"), "{refused}");
    let (signed, _) = certificate(&shop, "--sign key.pem --abstain 0.4");
    // RFC 8032, test 1: the key of this secret.
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    assert_eq!(signed["signature"]["public_key"], key);
    assert!(info(&shop).contains("signed by the key d75a980182b1, and the signature fits"), "{}", info(&shop));
    let words = verify("model --verify public.pem", 0).0;
    assert_eq!(words.matches("Valid: signed by the key that was asked for (d75a980182b1)").count(), 2, "{words}");
    assert!(
        verify("model --verify other.pem", 1)
            .0
            .contains("VOID: it is signed by the key d75a980182b1, not by 3d4017c3e843")
    );
    let error = shop.error("info model --verify key.pem");
    assert!(
        error.contains("key.pem: expected an ed25519 public key in PEM form") && !error.contains("MC4C"),
        "{error}"
    );
    let error = shop.error("calibrate made.safetensors --model model --max-risk 0.2 --sign public.pem");
    assert!(error.contains("expected an ed25519 private key"), "{error}");
    // What no count gives is protected by the signature alone.
    let mut exits = shop.read_json("model/exits.json");
    exits["certificate"]["caveats"] = serde_json::json!([]);
    exits["certificate"]["scope"]["split"] = "test".into();
    shop.write("model/exits.json", exits.to_string());
    assert!(verify("model --verify public.pem", 1).0.contains("VOID: its file was changed after it was written"));
    let resealed: epee_exit::Certificate = serde_json::from_value(exits["certificate"].clone()).unwrap();
    let signature = resealed.signature.clone();
    let sealed = epee_exit::Sealed::sealed(&resealed);
    exits["certificate"] =
        serde_json::to_value(epee_exit::Sealed::with(&sealed, sealed.seal.clone(), signature)).unwrap();
    shop.write("model/exits.json", exits.to_string());
    assert!(verify("model --verify public.pem", 1).0.contains("VOID: its signature does not fit its content"));
}

#[test]
fn each_precision_is_warned_of_and_two_promises_share_a_line() {
    let shop = shop(|_| ());
    certificate(&shop, "--abstain 0.4");
    let output = shop.epee("eval --model model --data data --precision f32,bf16,int8").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let void: Vec<&str> = said.lines().filter(|line| line.contains(" void: ")).collect();
    assert_eq!(void.len(), 2, "{said}");
    for (line, precision) in void.iter().zip(["bf16", "int8"]) {
        let words =
            "the certificate and the abstention of this model are void: it was given for precision f32, this is";
        assert!(line.contains(&format!("{words} {precision};")), "{line}");
    }
}
