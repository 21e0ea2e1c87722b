//! Scores against scikit-learn's, and on hand-made answers.

use epee_exit::{Counts, Metric, Metrics};
use serde_json::Value;

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
