//! A sweep is a replay of every setting, exactly.

#![allow(clippy::unwrap_used)]

mod common;

use common::{any_setting, any_trace, bits, replayed};
use epee_exit::{
    Counts, Grid, PolicyKind, Scoring, Trace, entropy, full_depth, per_exit, replay, score, sweep, sweep_with,
};
use proptest::prelude::*;

/// Thresholds that lie on the trace's own entropies too: there the strict comparison shows.
fn grid(trace: &Trace, thresholds: &[f64]) -> Grid {
    let mut thresholds: Vec<Option<f64>> = thresholds.iter().copied().map(Some).collect();
    thresholds.extend([None, Some(0.0), Some(-0.0), Some(1.0)]);
    for sample in 0..trace.samples().min(3) {
        for exit in 1..=trace.exits() {
            thresholds.push(Some(entropy(trace.row(sample, exit))));
        }
    }
    let kinds = vec![PolicyKind::Full, PolicyKind::Fixed, PolicyKind::Entropy, PolicyKind::Patience, PolicyKind::Epee];
    Grid { kinds, thresholds: Some(thresholds), ..Grid::standard(trace.exits(), trace.classes()) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn sweep_is_replay_setting_by_setting(
        trace in any_trace(2..7),
        thresholds in prop::collection::vec(0.0..1.0, 0..6),
    ) {
        let grid = grid(&trace, &thresholds);
        let rows = sweep(&trace, &grid).unwrap();
        prop_assert_eq!(rows.len(), grid.policies().len());
        prop_assert!(rows.iter().zip(grid.policies()).all(|(row, policy)| row.policy == policy));
        replayed(&trace, &rows, &[])?;
    }

    #[test]
    fn any_settings_score_as_they_replay(
        (trace, policies) in any_trace(2..7).prop_flat_map(|trace| {
            let policies = prop::collection::vec(any_setting(trace.exits(), trace.classes()), 1..20);
            (Just(trace), policies)
        }),
        temperatures in prop::option::of(prop::collection::vec(0.2..5.0f64, 8)),
    ) {
        let temperatures = temperatures.map_or_else(Vec::new, |all| all[..trace.exits()].to_vec());
        let scoring = Scoring { temperatures: temperatures.clone(), ..Scoring::default() };
        let rows = score(&trace, &policies, &scoring).unwrap();
        prop_assert!(rows.iter().map(|row| &row.policy).eq(&policies));
        replayed(&trace, &rows, &temperatures)?;
    }

    #[test]
    fn micro_f1_over_some_classes_is_replayed_too(trace in any_trace(2..7)) {
        let scoring = Scoring { micro_classes: (1..trace.classes()).collect(), ..Scoring::default() };
        let rows = sweep_with(&trace, &grid(&trace, &[0.3, 0.6]), &scoring).unwrap();
        for row in rows {
            let checked = row.policy.check(trace.exits(), trace.classes()).unwrap();
            let predictions = replay(&checked, &trace).unwrap().labels;
            let counts = Counts::of(trace.labels(), &predictions, trace.classes());
            let want = counts.micro_f1_over(&scoring.micro_classes);
            prop_assert_eq!(row.micro_f1.to_bits(), want.to_bits(), "{}", row.policy);
        }
    }

    #[test]
    fn saving_grows_with_the_threshold_and_falls_with_patience(trace in any_trace(2..7)) {
        let grid = Grid::standard(trace.exits(), trace.classes());
        let rows = sweep(&trace, &grid).unwrap();
        let width = grid.thresholds_of(PolicyKind::Epee).len();
        for column in rows.chunks(width) {
            prop_assert!(column.windows(2).all(|w| w[0].saving <= w[1].saving));
        }
        for (low, high) in rows.iter().zip(&rows[width..]) {
            prop_assert!(low.saving >= high.saving);
        }
    }

    #[test]
    fn each_exit_alone_is_the_fixed_policy(trace in any_trace(1..7)) {
        let fixed = Grid::standard(trace.exits(), trace.classes()).with_kinds([PolicyKind::Fixed]);
        let rows = sweep(&trace, &fixed).unwrap();
        for (row, exit) in rows.iter().zip(per_exit(&trace)) {
            let of_exit = [exit.accuracy, exit.macro_f1, exit.micro_f1].map(f64::to_bits);
            prop_assert_eq!(bits(row)[..3].to_vec(), of_exit.to_vec());
            let mean: f64 = (0..trace.samples()).map(|i| entropy(trace.row(i, exit.exit))).sum();
            prop_assert!((exit.entropy - mean / trace.samples() as f64).abs() < 1e-12);
        }
        let full = full_depth(&trace, &Scoring::default());
        prop_assert_eq!(bits(&full), bits(&rows[trace.exits() - 1]));
        prop_assert_eq!(full.saving, 0.0);
    }
}

#[test]
fn a_setting_outside_its_range_is_refused() {
    let trace = Trace::from_logits(2, 2, vec![0.0; 4], vec![0]).unwrap();
    let standard = Grid::standard(2, 2);
    let error = |grid: &Grid| sweep(&trace, grid).unwrap_err().to_string();
    let steep = Grid { thresholds: Some(vec![Some(1.5)]), ..standard.clone() };
    assert_eq!(error(&steep), "threshold: expected a number from 0 to 1, got 1.5");
    let long = Grid { patiences: Some(vec![Some(3)]), ..standard.clone() };
    assert_eq!(error(&long), "patience: expected 1 to 2 (the number of exits), got 3");
}

#[test]
fn rows_have_the_documented_keys() {
    let trace = Trace::from_logits(2, 2, vec![0.0, 1.0, 0.0, 2.0], vec![1]).unwrap();
    let grid = Grid { thresholds: Some(vec![Some(0.25)]), patiences: Some(vec![None]), ..Grid::standard(2, 2) };
    let json = serde_json::to_string(&sweep(&trace, &grid).unwrap()).unwrap();
    let want = r#"[{"policy":"epee","setting":"epee(threshold=0.25, patience=never)","threshold":0.25,"patience":null,"accuracy":1.0,"macro_f1":1.0,"micro_f1":1.0,"saving":0.0,"ratio":1.0}]"#;
    assert_eq!(json, want);
    let fixed = sweep(&trace, &grid.with_kinds([PolicyKind::Fixed])).unwrap();
    let json = serde_json::to_value(&fixed[0]).unwrap();
    assert_eq!((json["policy"].as_str(), json["exit"].as_u64()), (Some("fixed"), Some(1)));
}
