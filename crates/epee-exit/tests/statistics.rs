//! Scores, bounds, tests, p-values and calibration scores against scipy, scikit-learn and the formulas in numpy
//! (`scripts/parity/reference_statistics.py`), and relations between them.

#![allow(clippy::unwrap_used)]

mod common;

use epee_exit::statistics::{
    betting_p, binomial_cdf, binomial_upper, bootstrap, bootstrap_difference, clopper_pearson, exact_binomial_p,
    hoeffding_bentkus_p, mcnemar,
};
use epee_exit::{
    Bootstrap, Counts, Metric, Metrics, Trace, TraceParts, exit_quality, expected_calibration_error, fit_temperatures,
    reliability,
};
use proptest::prelude::*;
use serde_json::Value;

fn fixture(name: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("fixtures/statistics.json")).unwrap();
    all[name].clone()
}

/// Checks that the relative error of each row of a fixture is below `limit`.
fn agree(name: &str, limit: f64, error: impl Fn(&[f64]) -> f64) {
    let rows: Vec<Vec<f64>> = serde_json::from_value(fixture(name)).unwrap();
    assert!(rows.len() >= 8, "{name}: {} rows", rows.len());
    for row in rows {
        let error = error(&row);
        assert!(error < limit, "{name} {row:?}: relative error {error:e}");
    }
}

fn relative(got: f64, want: f64) -> f64 {
    if got == want { 0.0 } else { (got - want).abs() / want.abs() }
}

#[test]
fn binomials_agree_with_scipy() {
    agree("binomial", 1e-11, |r| relative(binomial_cdf(r[0] as u64, r[1] as u64, r[2]), r[3]));
    agree("upper", 1e-12, |r| relative(binomial_upper(r[0] as u64, r[1] as u64, r[2]), r[3]));
    agree("intervals", 1e-12, |r| {
        let got = clopper_pearson(r[0] as u64, r[1] as u64, r[2]);
        relative(got.low, r[3]).max(relative(got.high, r[4]))
    });
    agree("mcnemar", 1e-12, |r| {
        let (b, c) = (r[0] as u64, r[1] as u64);
        relative(mcnemar(b, c), r[2]).max(relative(mcnemar(c, b), r[2]))
    });
}

#[test]
fn p_values_agree_with_their_formulas() {
    agree("bentkus", 1e-11, |r| relative(hoeffding_bentkus_p(r[0], r[1] as u64, r[2]), r[3]));
    for case in fixture("betting").as_array().unwrap() {
        let losses: Vec<f64> = serde_json::from_value(case["losses"].clone()).unwrap();
        let number = |key: &str| case[key].as_f64().unwrap();
        let (got, want) = (betting_p(&losses, number("epsilon"), number("delta")), number("p"));
        assert!(relative(got, want) < 1e-12, "{got}, numpy {want}: {case}");
    }
}

#[test]
fn quality_agrees_with_scipy_and_scikit_learn() {
    let case = fixture("quality");
    let trace = Trace::new(TraceParts {
        exits: serde_json::from_value(case["exits"].clone()).unwrap(),
        classes: serde_json::from_value(case["classes"].clone()).unwrap(),
        labels: serde_json::from_value(case["labels"].clone()).unwrap(),
        logits: serde_json::from_value(case["logits"].clone()).unwrap(),
        ..TraceParts::default()
    })
    .unwrap();
    let rows = case["rows"].as_array().unwrap();
    let column = |key: &str| rows.iter().map(|row| row[key].as_f64().unwrap()).collect::<Vec<_>>();
    for (got, want) in fit_temperatures(&trace).unwrap().into_iter().zip(column("fitted")) {
        // A minimum is flat: scipy finds it to half of the digits.
        assert!(relative(got, want) < 1e-6, "temperature {got}, scipy {want}");
    }
    let temperatures = column("temperature");
    let quality = exit_quality(&trace, &temperatures, 10).unwrap();
    assert_eq!(quality.len(), 3);
    for (got, want) in quality.iter().zip(rows) {
        for (name, got) in [("nll", got.nll), ("ece", got.ece), ("brier", got.brier)] {
            let want = want[name].as_f64().unwrap();
            assert!(relative(got, want) < 1e-11, "exit {name} {got}, reference {want}");
        }
        match (got.auroc, want["auroc"].as_f64()) {
            (Some(got), Some(want)) => assert!((got - want).abs() < 1e-12, "AUROC {got}, scikit-learn {want}"),
            (got, want) => assert_eq!(got, want),
        }
        let bins = reliability(&trace, got.exit, got.temperature, 10).unwrap();
        let counts: Vec<u64> = bins.iter().map(|bin| bin.count).collect();
        assert_eq!(serde_json::json!(counts), want["counts"]);
        assert_eq!(expected_calibration_error(&bins), got.ece);
    }
    assert!(quality[0].auroc.is_some() && quality[2].auroc.is_none());
}

#[test]
fn bootstraps_agree_with_resampling_in_numpy() {
    let case = fixture("bootstrap");
    let labels: Vec<i64> = serde_json::from_value(case["labels"].clone()).unwrap();
    let list = |key: &str| serde_json::from_value::<Vec<u32>>(case[key].clone()).unwrap();
    let options = Bootstrap { resamples: 40_000, seed: 4, ..Bootstrap::default() };
    let alone = bootstrap(&labels, &list("a"), 3, &options, Counts::accuracy);
    let paired = bootstrap_difference(&labels, &list("a"), &list("b"), 3, &options, Counts::accuracy);
    for (name, got) in [("accuracy", alone), ("difference", paired)] {
        let want: [f64; 2] = serde_json::from_value(case[name].clone()).unwrap();
        // Quantiles of 40,000 draws lie within one sample of 600 of each other.
        let step = 1.01 / 600.0;
        assert!((got.low - want[0]).abs() < step && (got.high - want[1]).abs() < step, "{name}: {got:?}, {want:?}");
    }
}

#[test]
fn f1_agrees_with_scikit_learn() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("fixtures/f1.json")).unwrap();
    assert_eq!(cases.len(), 21);
    for case in &cases {
        let labels: Vec<i64> = serde_json::from_value(case["labels"].clone()).unwrap();
        let predictions: Vec<u32> = serde_json::from_value(case["predictions"].clone()).unwrap();
        let classes: usize = serde_json::from_value(case["classes"].clone()).unwrap();
        let counts = Counts::of(&labels, &predictions, classes);
        let positive: Vec<usize> = (1..classes).collect();
        for (name, got) in [
            ("accuracy", counts.accuracy()),
            ("macro_f1", counts.macro_f1()),
            ("micro_f1", counts.micro_f1()),
            ("positive_micro_f1", counts.micro_f1_over(&positive)),
        ] {
            let want = case[name].as_f64().unwrap();
            assert!((got - want).abs() < 1e-12, "{name}: {got}, scikit-learn {want}: {case}");
        }
    }
}

#[test]
fn metrics_of_four_answers() {
    // One unknown label; exits 1, 2, 2, 4 of 4.
    let got = Metrics::of(&[0, 1, -1, 2], &[0, 1, 0, 1], &[1, 2, 2, 4], 4, 4);
    assert_eq!((got.samples, got.labelled), (4, 3));
    assert_eq!(got.accuracy, 2.0 / 3.0);
    // Classes 0, 1, 2 occur: F1 1, 2/3, 0. Class 3 does not.
    assert!((got.macro_f1 - 5.0 / 9.0).abs() < 1e-15);
    assert_eq!(got.micro_f1, got.accuracy);
    assert_eq!(got.saving, 1.0 - 9.0 / 16.0);
    assert_eq!(got.ratio, 16.0 / 9.0);
    assert_eq!(got.mean_exit, 2.25);
    assert_eq!(got.histogram, [1, 2, 0, 1]);
    assert_eq!(got.get(Metric::MacroF1), got.macro_f1);
}

#[test]
fn without_labels_only_cost_is_known() {
    let got = Metrics::of(&[-1, -1], &[0, 1], &[1, 2], 2, 2);
    assert!(got.accuracy.is_nan() && got.macro_f1.is_nan() && got.micro_f1.is_nan());
    assert_eq!((got.saving, got.labelled), (0.25, 0));
    let json = serde_json::to_value(&got).unwrap();
    assert!(json["macro_f1"].is_null());
}

#[test]
fn metrics_have_names() {
    for metric in [Metric::MacroF1, Metric::MicroF1, Metric::Accuracy] {
        assert_eq!(metric.to_string().parse(), Ok(metric));
    }
    assert_eq!(Metric::default(), Metric::MacroF1);
    let error = "f1".parse::<Metric>().unwrap_err().to_string();
    assert_eq!(error, "metric: expected macro_f1, micro_f1 or accuracy, got `f1`");
}

proptest! {
    #[test]
    fn an_upper_bound_and_a_p_value_decide_alike(
        (n, k) in (1u64..3_000).prop_flat_map(|n| (Just(n), 0..=n)), epsilon in 1e-4f64..0.999, delta in 1e-6f64..0.9
    ) {
        let (p, upper) = (exact_binomial_p(k, n, epsilon), binomial_upper(k, n, delta));
        // Rounding decides where they meet.
        prop_assume!(relative(p, delta) > 1e-10);
        prop_assert_eq!(p <= delta, upper <= epsilon, "p {}, upper bound {}", p, upper);
        // At the bound itself the tail is δ.
        prop_assert!(k == n || relative(binomial_cdf(k, n, upper), delta) < 1e-9);
    }

    #[test]
    fn upper_bounds_grow_with_errors_and_shrink_with_samples(
        (n, k) in (1u64..2_000).prop_flat_map(|n| (Just(n), 0..n)), delta in 1e-6f64..0.9
    ) {
        let upper = binomial_upper(k, n, delta);
        prop_assert!(upper < binomial_upper(k + 1, n, delta));
        prop_assert!(upper > binomial_upper(k, n + 1, delta));
        prop_assert!(upper > binomial_upper(k, n, (delta * 1.1).min(0.95)));
        let got = clopper_pearson(k, n, 1.0 - delta);
        prop_assert!(got.contains(k as f64 / n as f64) && got.high >= upper);
        // Errors and hits change places.
        let other = clopper_pearson(n - k, n, 1.0 - delta);
        prop_assert!((got.low - (1.0 - other.high)).abs() < 1e-12 && (got.high - (1.0 - other.low)).abs() < 1e-12);
    }

    #[test]
    fn p_values_lie_in_the_unit_interval_and_grow_with_losses(
        losses in prop::collection::vec(0.0f64..=1.0, 1..80), epsilon in 0.001f64..0.999, delta in 1e-6f64..0.999
    ) {
        let (sum, n) = (losses.iter().sum::<f64>(), losses.len() as u64);
        let p = hoeffding_bentkus_p(sum, n, epsilon);
        prop_assert!((0.0..=1.0).contains(&p));
        prop_assert!(p <= hoeffding_bentkus_p((sum + 0.3).min(n as f64), n, epsilon) * (1.0 + 1e-9));
        prop_assert!((0.0..=1.0).contains(&betting_p(&losses, epsilon, delta)));
        // For losses of 0 and 1 the exact p-value is the least.
        let whole = sum.floor();
        prop_assert!(exact_binomial_p(whole as u64, n, epsilon) <= hoeffding_bentkus_p(whole, n, epsilon) * (1.0 + 1e-9));
    }

    #[test]
    fn every_trace_is_judged(trace in common::any_trace(2..6), temperature in 0.01f64..50.0) {
        match exit_quality(&trace, &vec![temperature; trace.exits()], 5) {
            Err(_) => prop_assert_eq!(trace.labelled(), 0),
            Ok(rows) => for row in rows {
                prop_assert!(row.nll.is_finite() && row.nll >= 0.0);
                prop_assert!((0.0..=1.0).contains(&row.ece) && (0.0..=2.0 + 1e-12).contains(&row.brier));
                prop_assert!(row.auroc.is_none_or(|area| (0.0..=1.0).contains(&area)));
            },
        }
        if let Ok(fitted) = fit_temperatures(&trace) {
            prop_assert!(fitted.iter().all(|t| (0.05..=20.0).contains(t)), "{:?}", fitted);
        }
    }
}
