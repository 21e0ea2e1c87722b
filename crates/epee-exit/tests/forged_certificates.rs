//! Certificates that were edited: every field of the file, one by one, with and without a new seal.

#![allow(clippy::unwrap_used)]

#[path = "common/population.rs"]
mod population;

use epee_exit::{
    Abstention, AbstentionRequest, Bound, Certificate, CertificateRequest, Grid, PathSource, PolicyKind, Provenance,
    Risk, RuntimeIdentity, Sealed, Trace, VoidReason, abstain, certify,
};
use population::population;
use serde::de::DeserializeOwned;
use serde_json::json;

fn trace() -> Trace {
    let mut parts = population(1200, 4, 3).into_parts();
    parts.provenance = Provenance {
        model_digest: Some("m".into()),
        precision: Some("f32".into()),
        numeric_class: Some("fused-1".into()),
        split: Some("dev".into()),
        data_digest: Some("d".into()),
        label_names: vec!["no".into(), "yes".into()],
        ..Provenance::here()
    };
    Trace::new(parts).unwrap()
}

/// A certificate of each kind of risk, bound and path.
fn certificates() -> Vec<Certificate> {
    let trace = trace();
    let base = CertificateRequest::new(0.15, 0.05);
    let entropy = Grid::standard(4, 2).with_kinds([PolicyKind::Entropy]);
    let all = vec![Risk::Consistency, Risk::Error, Risk::Class(1)];
    let requests = [
        CertificateRequest { risks: all, epsilon: 0.3, seed: Some(3), fit_temperatures: true, ..base.clone() },
        CertificateRequest { risks: vec![Risk::Gap], ..base.clone() },
        CertificateRequest { bound: Some(Bound::HoeffdingBentkus), path: PathSource::Prior, ..base },
    ];
    let certificate = |request: &CertificateRequest| {
        let got = certify(&trace, &entropy, request).unwrap();
        assert!(got.certified > 1);
        Certificate::new(&got, request, &trace, "t".to_owned())
    };
    requests.iter().map(certificate).collect()
}

fn runs<'a>(of: &'a epee_exit::CertificateScope) -> RuntimeIdentity<'a> {
    RuntimeIdentity {
        model_digest: "m",
        labels: &of.labels,
        precision: "f32",
        numeric_class: "fused-1",
        policy: &of.policy,
        temperatures: &of.temperatures,
    }
}

/// Edits every field of a promise and gives the edits that are still believed.
fn believed<P: Sealed + DeserializeOwned>(
    promise: &P,
    reseal: bool,
    void: impl Fn(&P) -> Option<VoidReason>,
) -> Vec<String> {
    assert_eq!(void(promise), None);
    let whole = serde_json::to_value(promise).unwrap();
    assert_eq!(void(&serde_json::from_value(whole.clone()).unwrap()), None, "stored and read it is the same");
    let mut believed = Vec::new();
    for (edit, edited) in epee_testing::json_edits(&whole) {
        let Ok(edited) = serde_json::from_value::<P>(edited) else { continue };
        let edited = if reseal { edited.sealed() } else { edited };
        if edited != *promise && void(&edited).is_none() {
            believed.push(edit);
        }
    }
    believed
}

#[test]
fn an_edit_of_any_field_voids_a_certificate() {
    for certificate in certificates() {
        let scope = certificate.scope.clone();
        assert_eq!(believed(&certificate, false, |it| it.void(&runs(&scope))), [""; 0]);
    }
}

#[test]
fn a_new_seal_hides_no_edit_of_what_follows_from_the_counts() {
    // The origin of the samples, the seed and the caveats follow from no count: a signature protects them.
    let origin =
        ["/scope/split", "/scope/data_digest", "/scope/trace_digest", "/scope/epee_version", "/seed", "/caveats"];
    for certificate in certificates() {
        let scope = certificate.scope.clone();
        let mut left = believed(&certificate, true, |it| it.void(&runs(&scope)));
        left.retain(|edit| !origin.iter().any(|field| edit.starts_with(field)));
        // Halves of an odd number are as large as those of an even one.
        left.retain(|edit| !edit.starts_with("/samples"));
        // A setting between the first and the last stands for itself: its own counts support it.
        left.retain(|edit| !edit.starts_with("/path"));
        assert_eq!(left, [""; 0]);
    }
}

#[test]
fn a_setting_of_the_path_needs_counts_that_support_it() {
    let certificate = certificates().remove(0);
    let scope = certificate.scope.clone();
    let void = |change: &dyn Fn(&mut Certificate)| {
        let mut edited = certificate.clone();
        change(&mut edited);
        edited.sealed().void(&runs(&scope)).map(|reason| reason.to_string()).unwrap_or_default()
    };
    assert_eq!(void(&|_| ()), "");
    // More losses than the bound allows, more samples than were tested, samples that left nowhere.
    let supported = "the test results of `consistency` in its file do not support it";
    assert_eq!(void(&|it| it.path[1].losses[0].sum = 300), supported);
    let counts = |field: &str| format!("{field} in its file is not what the counts give");
    assert_eq!(void(&|it| it.path[1].losses[1].n = 601), counts("the number of samples of `error`"));
    assert_eq!(void(&|it| it.path[1].exits[0] += 1), counts("the exits of the path"));
    assert_eq!(void(&|it| it.path[1].losses.truncate(1)), counts("the path"));
    assert_eq!(void(&|it| it.path[0].policy = it.scope.policy.clone()), counts("the path"));
    assert_eq!(void(&|it| it.saving = 0.9), counts("the saving"));
    assert_eq!(void(&|it| it.risks[0].mean = 0.0), counts("the mean of `consistency`"));
    assert_eq!(void(&|it| it.risks[0].upper += 1e-3), counts("the upper bound of `consistency`"));
    assert_eq!(void(&|it| it.risks[0].risk = "harm".into()), counts("the risk `harm` with bound `exact`"));
    assert_eq!(void(&|it| it.risks[2].bound = "guess".into()), counts("the risk `class:yes` with bound `guess`"));
    assert_eq!(void(&|it| it.delta = 0.01), counts("the upper bound of `consistency`"));
}

#[test]
fn an_edit_of_any_field_voids_an_abstention_rule() {
    let trace = trace();
    let policy = epee_exit::Policy::full().check(4, 2).unwrap();
    let rule: Abstention = abstain(&trace, &policy, &AbstentionRequest::new(0.1, 0.05), "t".to_owned()).unwrap();
    let scope = rule.scope.clone();
    assert_eq!(believed(&rule, false, |it| it.void(&runs(&scope))), [""; 0]);
    // Which confidence the counts belong to is not among them.
    let origin =
        ["/scope/split", "/scope/data_digest", "/scope/trace_digest", "/scope/epee_version", "/seed", "/caveats"];
    let mut left = believed(&rule, true, |it| it.void(&runs(&scope)));
    left.retain(|edit| !edit.starts_with("/below") && !origin.iter().any(|field| edit.starts_with(field)));
    assert_eq!(left, [""; 0]);
}

#[test]
fn a_record_of_version_0_1_is_read_and_void() {
    let old: Certificate = serde_json::from_value(json!({
        "grounds": {
            "policy": "epee(threshold=0.1, patience=3)", "trace_digest": "sha256:ab", "model_digest": "m", "data_digest": null,
            "split": "dev", "precision": "f32", "labels": ["no", "yes"], "epee_version": "0.1.0",
        },
        "epsilon": 0.02, "delta": 0.05,
        "risks": [{"risk": "consistency", "bound": "exact", "n": 480, "losses": 3.0, "mean": 0.00625, "upper": 0.0161, "p": 0.01}],
        "saving": 0.45, "samples": 960, "tested": 480, "path_source": "pareto", "seed": 1, "path": ["full"],
    }))
    .unwrap();
    assert_eq!(old.void(&runs(&old.scope)), Some(VoidReason::Outdated));
}
