//! The guarantee of certificates, by resampling; and requests that are refused.

#![allow(clippy::unwrap_used)]

#[path = "common/population.rs"]
mod population;

use epee_exit::{
    AbstentionRequest, Certificate, CertificateRequest, Certification, CertifyError, Goal, Grid, Metric, PathSource,
    Policy, PolicyKind, Risk, Scoring, Threshold, Trace, abstain, certify, choose_on, refine, replay,
};
use population::{draw, population, procedures, tolerated, violations};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

#[test]
fn a_certified_setting_violates_its_guarantee_at_most_at_rate_delta() {
    let (people, draws) = (population(20_000, 6, 1), 200);
    let request = CertificateRequest::new(0.05, 0.1);
    for (i, (name, grid, request)) in procedures(&people, 10, &request, 0.2).into_iter().enumerate() {
        let limit = tolerated(request.delta, draws);
        let got = violations(&people, &grid, &request, 1000, draws, 11);
        assert!(got.violated <= limit, "{name}: {} above {limit}", got.violated);
        // The first setting that failed would break the guarantee.
        assert!(i > 0 || got.planted > limit, "{name}: {}", got.planted);
    }
}

#[test]
fn a_certification_reports_its_test() {
    let trace = population(4000, 6, 2);
    let request =
        CertificateRequest { risks: vec![Risk::Consistency, Risk::Gap], ..CertificateRequest::new(0.05, 0.05) };
    let got = certify(&trace, &Grid::standard(6, 2), &request).unwrap();
    assert_eq!((got.samples, got.tested), (4000, 2000));
    assert_eq!(got.path[0].policy, Policy::full());
    let chosen = got.chosen();
    assert!(chosen.saving > 0.2, "{}", chosen.saving);
    assert!(chosen.p() <= 0.05 && got.path.get(got.certified).is_none_or(|next| next.p() > 0.05));
    assert!(got.path[..got.certified].windows(2).all(|w| w[0].p() <= 0.05 && w[1].p() <= 0.05));
    for (risk, &upper) in chosen.risks.iter().zip(&chosen.upper) {
        assert!(risk.n == 2000 && risk.mean < upper && upper <= 0.05 + 1e-6, "{risk:?} {upper}");
    }
    // Files of version 0.1 call the scope `grounds`.
    let certificate = Certificate::new(&got, &request, &trace, "digest".to_owned());
    let text = serde_json::to_string(&certificate).unwrap();
    for text in [text.replace("\"scope\":", "\"grounds\":"), text] {
        assert_eq!(serde_json::from_str::<Certificate>(&text).unwrap(), certificate);
    }
    // The samples fix the seed, in any order; the path is the half's, so another seed may choose another.
    let turned: Vec<usize> = (0..4000).rev().collect();
    let again = certify(&trace.subset(&turned), &Grid::standard(6, 2), &request).unwrap();
    assert_eq!(again, got);
    assert_ne!(certify(&trace, &Grid::standard(6, 2), &CertificateRequest { seed: Some(2), ..request }).unwrap(), got);
}

#[test]
fn a_class_is_protected_by_the_samples_that_full_depth_gives_to_it() {
    let trace = population(6000, 6, 3);
    let request = CertificateRequest { risks: vec![Risk::Class(1)], ..CertificateRequest::new(0.05, 0.05) };
    let got = certify(&trace, &Grid::standard(6, 2), &request).unwrap();
    let n = got.chosen().risks[0].n;
    assert!((400..1200).contains(&n), "{n}");
    // A class is rarer than all samples, so its bound lies further above what was seen.
    let all = certify(&trace, &Grid::standard(6, 2), &CertificateRequest::new(0.05, 0.05)).unwrap();
    let margin = |got: &Certification| got.chosen().upper[0] - got.chosen().risks[0].mean;
    assert!(margin(&got) > 1.5 * margin(&all), "{} {}", margin(&got), margin(&all));
}

#[test]
fn temperatures_come_from_the_half_that_does_not_test() {
    let trace = population(2000, 4, 4);
    let request = CertificateRequest { fit_temperatures: true, ..CertificateRequest::new(0.05, 0.05) };
    let got = certify(&trace, &Grid::standard(4, 2), &request).unwrap();
    assert_eq!((got.temperatures.len(), got.tested), (4, 1000));
    assert!(got.temperatures.iter().all(|&t| t != 1.0), "{:?}", got.temperatures);
    let other = certify(&trace, &Grid::standard(4, 2), &CertificateRequest { seed: Some(9), ..request }).unwrap();
    assert_ne!(other.temperatures, got.temperatures);
}

#[test]
fn too_few_samples_name_the_number_needed() {
    let small = population(78, 4, 5);
    let entropy = Grid::standard(4, 2).with_kinds([PolicyKind::Entropy]);
    let error = |trace: &Trace| certify(trace, &entropy, &CertificateRequest::new(0.02, 0.05)).unwrap_err().to_string();
    let text = error(&small);
    assert!(text.starts_with("not certifiable: n = 78, needs 149"), "{text}");
    // Enough for all of them, not for a half.
    let middling = population(200, 4, 5);
    let text = error(&middling);
    assert!(
        text.starts_with("not certifiable: n = 100, needs 149") && text.contains("a prior path tests all"),
        "{text}"
    );
    let prior = CertificateRequest { path: PathSource::Prior, ..CertificateRequest::new(0.02, 0.05) };
    assert_eq!(certify(&middling, &entropy, &prior).unwrap().tested, 200);
    // n = 149 without an error is exactly enough, 148 is not.
    let perfect = |n: usize| {
        let logits = (0..n).flat_map(|i| [0.0, 9.0 + i as f32 / 1e3, 0.0, 9.0]).collect();
        Trace::from_logits(2, 2, logits, vec![-1; n]).unwrap()
    };
    let entropy = Grid::standard(2, 2).with_kinds([PolicyKind::Entropy]);
    assert!(certify(&perfect(149), &entropy, &prior).unwrap().chosen().saving == 0.5);
    assert!(matches!(certify(&perfect(148), &entropy, &prior), Err(CertifyError::TooFew { n: 148, needs: 149, .. })));
}

#[test]
fn impossible_demands_are_errors() {
    let trace = population(800, 4, 6);
    let grid = Grid::standard(4, 2);
    let error = |request: CertificateRequest, trace: &Trace| certify(trace, &grid, &request).unwrap_err().to_string();
    for (epsilon, delta, what) in [
        (0.0, 0.05, "max risk"),
        (1.0, 0.05, "max risk"),
        (f64::NAN, 0.05, "max risk"),
        (0.1, 0.0, "confidence"),
        (0.1, 1.0, "confidence"),
    ] {
        let text = error(CertificateRequest::new(epsilon, delta), &trace);
        assert!(text.starts_with(&format!("{what}: expected a number above 0 and below 1, got ")), "{text}");
    }
    let wrong = CertificateRequest { risks: vec![Risk::Error], ..CertificateRequest::new(0.001, 0.05) };
    assert!(error(wrong, &population(20_000, 4, 6)).contains("full depth itself has a risk `error` of 0."));
    let mut parts = trace.clone().into_parts();
    parts.labels = vec![-1; 800];
    let unlabelled = Trace::new(parts.clone()).unwrap();
    let gap = CertificateRequest { risks: vec![Risk::Gap], ..CertificateRequest::new(0.05, 0.05) };
    assert!(error(gap.clone(), &unlabelled).contains("the risk `consistency` needs none"));
    assert!(certify(&unlabelled, &grid, &CertificateRequest::new(0.05, 0.05)).is_ok());
    parts.labels = vec![1; 800];
    let text = error(gap, &Trace::new(parts).unwrap());
    assert!(text.starts_with("every labelled sample is of the class `1`"), "{text}");
    let prior = CertificateRequest { path: PathSource::Prior, ..CertificateRequest::new(0.05, 0.05) };
    assert!(error(prior, &trace).contains("5 families"));
    let every_tenth: Vec<usize> = (0..800).chain((0..800).step_by(10)).collect();
    let text = error(CertificateRequest::new(0.05, 0.05), &trace.subset(&every_tenth));
    assert!(text.starts_with("not certifiable: of 880 samples 80 repeat the logits and label of another"), "{text}");
}

#[test]
fn one_sample_is_judged_without_a_half_to_find_a_path() {
    let one = population(1, 4, 6);
    let got = certify(&one, &Grid::standard(4, 2), &CertificateRequest::new(0.6, 0.5)).unwrap();
    assert_eq!((got.samples, got.tested, &got.chosen().policy), (1, 1, &Policy::full()));
    let error = certify(&one, &Grid::standard(4, 2), &CertificateRequest::new(0.05, 0.05)).unwrap_err();
    assert!(matches!(error, CertifyError::TooFew { n: 1, needs: 59, .. }), "{error}");
}

#[test]
fn abstention_answers_what_it_can_certify() {
    let trace = population(8000, 6, 7);
    let policy = Policy::full().check(6, 2).unwrap();
    let all = replay(&policy, &trace).unwrap().metrics(&trace);
    let target = (1.0 - all.accuracy) / 3.0;
    let got = abstain(&trace, &policy, &AbstentionRequest::new(target, 0.05), String::new()).unwrap();
    assert!(got.coverage > 0.2 && got.coverage < 1.0 && got.upper <= target && got.tested == 4000, "{got:?}");
    // Loose enough, everything is answered; too tight, nothing can be promised.
    assert_eq!(abstain(&trace, &policy, &AbstentionRequest::new(0.9, 0.05), String::new()).unwrap().coverage, 1.0);
    for (target, trace, text) in [
        (0.001, &trace, "not certifiable: of the"),
        (0.05, &trace.subset(&[0]), "every labelled sample is of the class"),
        (1.5, &trace, "abstain: expected"),
    ] {
        let error =
            abstain(trace, &policy, &AbstentionRequest::new(target, 0.05), String::new()).unwrap_err().to_string();
        assert!(error.starts_with(text), "{error}");
    }
}

#[test]
fn abstention_keeps_its_guarantee() {
    let (people, draws, target, delta) = (population(20_000, 4, 8), 200, 0.02, 0.1);
    let policy = Policy::patience(4).check(4, 2).unwrap();
    let outcomes: Vec<(f64, bool)> = epee_exit::answers(&policy, &people)
        .unwrap()
        .iter()
        .zip(people.labels())
        .map(|(a, &y)| (a.probabilities.iter().copied().fold(0.0, f32::max).into(), a.label as i64 != y))
        .collect();
    let risk = |below: f64| {
        let answered: Vec<_> = outcomes.iter().filter(|(confidence, _)| *confidence >= below).collect();
        answered.iter().filter(|(_, wrong)| *wrong).count() as f64 / answered.len() as f64
    };
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let (mut given, mut broken) = (0, 0);
    // Draws with replacement.
    let request = AbstentionRequest { allow_repeats: true, ..AbstentionRequest::new(target, delta) };
    for _ in 0..draws {
        if let Ok(got) = abstain(&draw(&people, 800, &mut random), &policy, &request, String::new()) {
            given += 1;
            broken += u32::from(risk(got.below) > target);
        }
    }
    let rate = f64::from(broken) / draws as f64;
    assert!(given > draws / 2 && rate <= tolerated(delta, draws), "{given} given, {rate} broken");
}

#[test]
fn a_threshold_for_each_exit_serves_its_goal_at_least_as_well() {
    let trace = population(3000, 6, 9);
    let scoring = Scoring::default();
    for (goal, kind) in [
        (Goal::MaxLoss(0.12), PolicyKind::Entropy),
        (Goal::Saving(0.5), PolicyKind::Epee),
        (Goal::MaxLoss(0.15), PolicyKind::Margin),
    ] {
        let grid = Grid::standard(6, 2).with_kinds([kind]);
        let one = choose_on(&trace, &grid, &scoring, goal, Metric::Accuracy).unwrap();
        let each = refine(&trace, &one, &scoring).unwrap();
        assert!(matches!(&each.policy.threshold, Threshold::PerExit(list) if list.len() == 5), "{}", each.policy);
        // What the search believes is what a replay gives.
        let metrics = replay(&each.policy.check(6, 2).unwrap(), &trace).unwrap().metrics(&trace);
        assert_eq!((metrics.accuracy, metrics.saving), (each.row.accuracy, each.row.saving));
        match goal {
            Goal::MaxLoss(loss) => {
                assert!(each.row.saving > one.row.saving && each.row.accuracy >= one.full.accuracy - loss - 1e-12);
            }
            _ => assert!(each.row.accuracy > one.row.accuracy && each.row.saving >= 0.5 - 1e-12),
        }
    }
    // Several exits against one threshold: left as it is.
    let grid = Grid::standard(6, 2).with_kinds([PolicyKind::Pcee]);
    let one = choose_on(&trace, &grid, &scoring, Goal::Saving(0.3), Metric::Accuracy).unwrap();
    assert_eq!(refine(&trace, &one, &scoring).unwrap(), one);
}
