//! Properties of every policy on every trace.

#![allow(clippy::unwrap_used)]

mod common;

use common::{any_setting, any_trace, entropy_as_written, label_as_written, live};
use epee_exit::{Policy, Trace, argmax, entropy, replay};
use proptest::prelude::*;

/// A trace, a setting of any policy that fits it, and a temperature for each of at most eight exits.
fn any_case() -> impl Strategy<Value = (Trace, Policy, Vec<f64>)> {
    any_trace(2..7).prop_flat_map(|trace| {
        let (exits, classes) = (trace.exits(), trace.classes());
        let temperatures = prop_oneof![Just(Vec::new()), prop::collection::vec(0.2..5.0f64, exits)];
        (Just(trace), any_setting(exits, classes), temperatures)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn rows_agree_with_the_equation(trace in any_trace(2..7)) {
        for sample in 0..trace.samples() {
            for exit in 1..=trace.exits() {
                let row = trace.row(sample, exit);
                prop_assert_eq!(argmax(row), label_as_written(row));
                let (h, want) = (entropy(row), entropy_as_written(row));
                prop_assert!((h - want).abs() < 1e-12 && (0.0..=1.0).contains(&h), "{} {}", h, want);
            }
        }
    }

    #[test]
    fn live_and_replayed_are_the_same((trace, policy, temperatures) in any_case()) {
        let policy = policy.check(trace.exits(), trace.classes()).unwrap().with_temperatures(&temperatures).unwrap();
        let replayed = replay(&policy, &trace).unwrap();
        for sample in 0..trace.samples() {
            let answer = live(&policy, &trace, sample);
            prop_assert_eq!(answer.exit, replayed.exits[sample] as usize);
            prop_assert_eq!(answer.label, replayed.labels[sample] as usize);
            prop_assert_eq!(answer.entropy.to_bits(), replayed.entropies[sample].to_bits());
            prop_assert_eq!(answer.reason, replayed.reasons[sample]);
            prop_assert_eq!(answer.probabilities.len(), trace.classes());
            let sum: f32 = answer.probabilities.iter().sum();
            prop_assert!((sum - 1.0).abs() < 1e-5);
        }
    }
}

#[test]
fn a_policy_checked_for_another_model_is_refused() {
    let trace = Trace::from_logits(2, 2, vec![0.0; 4], vec![0]).unwrap();
    let error = replay(&Policy::full().check(12, 2).unwrap(), &trace).unwrap_err().to_string();
    assert!(error.contains("12 exits and 2 classes"), "{error}");
    assert!(error.contains("2 exits and 2 classes"), "{error}");
    assert!(replay(&Policy::full().check(2, 3).unwrap(), &trace).is_err());
}
