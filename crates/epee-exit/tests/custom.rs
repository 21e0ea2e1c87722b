//! Policies of the caller's own, through the public trait: live, replayed, swept, chosen, certified and compared.

#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/population.rs"]
mod population;

use common::{any_trace, margin_as_written};
use epee_exit::{
    Bootstrap, Certificate, CertificateRequest, Comparison, Direction, ExitOutput, ExitRule, Goal, Grid, Metric,
    Policy, PolicyError, PolicyKind, PolicyState, Reason, Scoring, Signal, Threshold, answers, certify, choose_on,
    compare, entropy, replay, sweep,
};
use proptest::prelude::*;

/// EPEE's entropy policy, written again outside of the crate; with a patience it is EPEE.
#[derive(Debug)]
struct MyEpee {
    patience: Option<usize>,
}

impl ExitRule for MyEpee {
    fn name(&self) -> &str {
        "my-epee"
    }

    fn check(&self, exits: usize, _: usize, threshold: &Threshold) -> Result<(), PolicyError> {
        threshold.check(exits, 0.0..=1.0)
    }

    fn signal(&self, state: &mut PolicyState, exit: &ExitOutput<'_>) -> Signal {
        let stop = self.patience.is_some_and(|patience| state.agreement() >= patience);
        Signal { level: entropy(exit.logits()), stop: stop.then_some(Reason::Patience) }
    }
}

/// Exit at `(margin_(m-1) + margin_m) / 2 >= threshold`.
#[derive(Debug)]
struct SteadyMargin;

impl ExitRule for SteadyMargin {
    fn name(&self) -> &str {
        "steady-margin"
    }

    fn direction(&self) -> Direction {
        Direction::AtLeast
    }

    fn check(&self, exits: usize, classes: usize, threshold: &Threshold) -> Result<(), PolicyError> {
        if classes < 2 {
            let (policy, needs) = ("steady-margin".to_owned(), "2 classes".to_owned());
            return Err(PolicyError::Unfit { policy, needs, got: classes.to_string() });
        }
        threshold.check(exits, 0.0..=1.0)
    }

    fn signal(&self, state: &mut PolicyState, exit: &ExitOutput<'_>) -> Signal {
        let before = state.memory().pop();
        state.memory().push(exit.margin());
        Signal::level(before.map_or(f64::NAN, |before| (before + exit.margin()) / 2.0))
    }

    fn answer(&self, _: &PolicyState, exit: &ExitOutput<'_>, last: bool) -> Option<(usize, Vec<f64>)> {
        // Full depth that is unsure answers class 0.
        let unsure = last && exit.margin() < 0.1;
        unsure.then(|| (0, (0..exit.logits().len()).map(|k| f64::from(u8::from(k == 0))).collect()))
    }
}

/// `SteadyMargin` by its definition: exit and class, or `None` if rounding decides.
fn steady_margin_as_written(rows: &[&[f32]], threshold: f64) -> Option<(usize, usize)> {
    let label = |m: usize| common::label_as_written(rows[m - 1]);
    let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
    for m in 2..rows.len() {
        let mean = (margin_as_written(rows[m - 2]) + margin_as_written(rows[m - 1])) / 2.0;
        if near(mean, threshold) {
            return None;
        }
        if mean > threshold {
            return Some((m, label(m)));
        }
    }
    let (last, m) = (margin_as_written(rows[rows.len() - 1]), rows.len());
    (!near(last, 0.1)).then(|| (m, if last < 0.1 { 0 } else { label(m) }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_rule_written_again_gives_the_same_exits(
        trace in any_trace(2..7),
        threshold in 0.0..1.0f64,
        patience in prop::option::of(1usize..9),
        temperature in prop::sample::select(vec![1.0, 0.7]),
    ) {
        let (exits, classes) = (trace.exits(), trace.classes());
        let patience = patience.map(|patience| patience.min(exits));
        let mine = Policy::custom(MyEpee { patience }, threshold);
        let temperatures = vec![temperature; exits];
        let checked = |policy: &Policy| policy.check(exits, classes).unwrap().with_temperatures(&temperatures).unwrap();
        let (mine_checked, built_in) = (checked(&mine), checked(&Policy::epee(threshold, patience)));
        prop_assert_eq!(replay(&mine_checked, &trace).unwrap(), replay(&built_in, &trace).unwrap());
        prop_assert_eq!(answers(&mine_checked, &trace).unwrap(), answers(&built_in, &trace).unwrap());
        // The same rows, for the grid's thresholds and never.
        let thresholds = vec![None, Some(0.0), Some(threshold), Some(1.0)];
        let grid = Grid {
            thresholds: Some(thresholds),
            patiences: Some(vec![patience]),
            custom: vec![mine],
            ..Grid::standard(exits, classes)
        };
        let rows = sweep(&trace, &grid).unwrap();
        prop_assert_eq!(rows.len(), 8);
        for (built_in, mine) in rows[..4].iter().zip(&rows[4..]) {
            let key = |row: &epee_exit::SweepRow| [row.accuracy, row.macro_f1, row.saving].map(f64::to_bits);
            prop_assert_eq!(key(built_in), key(mine), "{} {}", built_in.policy, mine.policy);
            prop_assert_eq!(built_in.policy.threshold(), mine.policy.threshold());
        }
    }

    #[test]
    fn a_rule_with_memory_and_an_answer_of_its_own(trace in any_trace(2..7), threshold in 0.0..1.0f64) {
        let (exits, classes) = (trace.exits(), trace.classes());
        let policy = Policy::custom(SteadyMargin, threshold);
        let checked = policy.check(exits, classes).unwrap();
        let replayed = replay(&checked, &trace).unwrap();
        for (sample, answer) in answers(&checked, &trace).unwrap().into_iter().enumerate() {
            let got = (replayed.exits[sample] as usize, replayed.labels[sample] as usize);
            prop_assert_eq!((answer.exit, answer.label), got);
            let rows: Vec<&[f32]> = (1..=exits).map(|exit| trace.row(sample, exit)).collect();
            if let Some(want) = steady_margin_as_written(&rows, threshold) {
                prop_assert_eq!(got, want, "sample {}", sample);
            }
        }
        let grid = Grid { kinds: Vec::new(), custom: vec![policy], ..Grid::standard(exits, classes) };
        common::replayed(&trace, &sweep(&trace, &grid).unwrap(), &[])?;
    }
}

#[test]
fn a_custom_policy_is_chosen_compared_and_certified() {
    let trace = population::population(3000, 6, 9);
    let grid = |policies: Vec<Policy>| Grid { kinds: Vec::new(), custom: policies, ..Grid::standard(6, 2) };
    let (mine, scoring) = (Policy::custom(MyEpee { patience: None }, None), Scoring::default());
    let entropy = Grid::standard(6, 2).with_kinds([PolicyKind::Entropy]);
    let goal = Goal::Saving(0.4);
    let chosen = |grid: &Grid| choose_on(&trace, grid, &scoring, goal, Metric::Accuracy).unwrap();
    let (got, want) = (chosen(&grid(vec![mine.clone()])), chosen(&entropy));
    assert_eq!(got.policy.threshold(), want.policy.threshold());
    assert_eq!((got.row.saving, got.row.accuracy), (want.row.saving, want.row.accuracy));

    let comparison = Comparison {
        kinds: vec![PolicyKind::Entropy],
        custom: vec![mine.clone(), Policy::custom(SteadyMargin, None)],
        goals: vec![goal],
        per_exit: false,
        bootstrap: Bootstrap { resamples: 50, ..Bootstrap::default() },
        ..Comparison::all(&trace)
    };
    let rows = compare(&trace, &trace, &comparison, &scoring).unwrap();
    assert_eq!(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["entropy", "my-epee", "steady-margin"]);
    assert_eq!((rows[0].accuracy, rows[0].saving), (rows[1].accuracy, rows[1].saving));
    let json = serde_json::to_value(&rows).unwrap();
    assert!(json[2]["policy"].as_str().unwrap().starts_with("steady-margin(threshold="));

    let request = CertificateRequest::new(0.1, 0.05);
    let certified = certify(&trace, &grid(vec![mine.clone()]), &request).unwrap();
    let built_in = certify(&trace, &entropy, &request).unwrap();
    assert_eq!(certified.chosen().saving, built_in.chosen().saving);
    // The scope tells a custom policy from a built-in one, and cannot be stored.
    let certificate = Certificate::new(&certified, &request, &trace, "digest".to_owned());
    assert_eq!(certificate.scope.policy, certified.chosen().policy);
    assert_ne!(certificate.scope.policy, built_in.chosen().policy);
    assert!(serde_json::to_string(&certificate).unwrap_err().to_string().contains("is defined in code"));
}

#[test]
fn a_custom_policy_has_no_stored_form() {
    let policy = Policy::custom(SteadyMargin, 0.5);
    assert_eq!((policy.to_string().as_str(), policy.kind()), ("steady-margin(threshold=0.5)", None));
    let error = policy.check_storable().unwrap_err();
    assert_eq!(error, PolicyError::Custom { policy: policy.to_string() });
    assert_eq!(serde_json::to_string(&policy).unwrap_err().to_string(), error.to_string());
    assert!(matches!(policy.to_string().parse::<Policy>(), Err(PolicyError::Syntax { .. })));
    assert!(Policy::full().check_storable().is_ok());
    // Copies share the rule, two rules are two policies.
    assert_eq!(policy.with_threshold(0.7).with_threshold(0.5), policy);
    assert_ne!(Policy::custom(SteadyMargin, 0.5), policy);
}

#[test]
fn a_custom_rule_checks_the_model() {
    let error =
        |threshold: f64, classes| Policy::custom(SteadyMargin, threshold).check(3, classes).unwrap_err().to_string();
    assert_eq!(error(0.5, 1), "steady-margin needs 2 classes, got 1");
    assert_eq!(error(1.5, 2), "threshold: expected a number from 0 to 1, got 1.5");
}
