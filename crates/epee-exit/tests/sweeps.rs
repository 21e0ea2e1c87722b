//! A sweep is a replay of every setting, exactly; the Pareto front and the choice among its rows, against a search through
//! all pairs and by hand.

#![allow(clippy::unwrap_used)]

mod common;

use common::{any_setting, any_trace, bits, replayed};
use epee_exit::{
    Counts, Goal, Grid, Metric, Policy, PolicyKind, Scoring, SweepRow, Trace, choose, choose_on, entropy, full_depth,
    pareto, per_exit, replay, runnable, score, sweep, sweep_with,
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

fn row(policy: Policy, macro_f1: f64, saving: f64) -> SweepRow {
    let accuracy = 0.5;
    SweepRow { policy, accuracy, macro_f1, micro_f1: accuracy, saving, ratio: 1.0 / (1.0 - saving), seconds: None }
}

fn epee(threshold: f64, patience: Option<usize>) -> Policy {
    Policy::epee(threshold, patience)
}

fn chosen(rows: &[SweepRow], goal: Goal) -> (Policy, bool) {
    let full = row(Policy::full(), 0.92, 0.0);
    let choice = choose(rows, &full, goal, Metric::MacroF1).unwrap();
    assert_eq!(choice.full, full);
    (choice.policy, choice.met)
}

#[test]
fn a_goal_is_reached_at_the_least_cost() {
    let [one, two, three] = [0.1, 0.2, 0.3].map(|threshold| epee(threshold, Some(4)));
    let by_saving = [row(one.clone(), 0.92, 0.3), row(two.clone(), 0.91, 0.5), row(three.clone(), 0.9099, 0.7)];
    let by_score = [row(one.clone(), 0.95, 0.3), row(two.clone(), 0.90, 0.5), row(three.clone(), 0.91, 0.6)];
    let nothing = [row(epee(0.0, None), 0.92, 0.0)];
    for (rows, goal, want) in [
        (&by_saving[..], Goal::MaxLoss(0.01), Some(&two)),
        (&by_saving, Goal::MaxLoss(0.0), Some(&one)),
        (&by_saving, Goal::MaxLoss(1.0), Some(&three)),
        (&by_saving[2..], Goal::MaxLoss(0.01), None),
        (&by_score, Goal::Saving(0.5), Some(&three)),
        (&by_score, Goal::Saving(0.2), Some(&one)),
        (&by_score, Goal::Saving(0.8), None),
        // A setting that saves nothing is full depth.
        (&nothing, Goal::MaxLoss(0.01), None),
    ] {
        let full = Policy::full();
        assert_eq!(chosen(rows, goal), (want.unwrap_or(&full).clone(), want.is_some()), "{goal:?}");
    }
    // Rounding is forgiven: 0.8 - 0.1 is 0.7000000000000001.
    let full = row(Policy::full(), 0.8, 0.0);
    assert!(choose(&[row(two, 0.7, 0.5)], &full, Goal::MaxLoss(0.1), Metric::MacroF1).unwrap().met);
}

#[test]
fn ties_go_to_the_cautious() {
    let rows = [
        row(epee(0.2, None), 0.92, 0.5),
        row(epee(0.1, Some(3)), 0.92, 0.5),
        row(epee(0.1, None), 0.92, 0.5),
        row(epee(0.1, Some(4)), 0.92, 0.5),
    ];
    for goal in [Goal::MaxLoss(0.01), Goal::Saving(0.5)] {
        assert_eq!(chosen(&rows, goal), (epee(0.1, None), true));
        assert_eq!(chosen(&rows[..2], goal), (epee(0.1, Some(3)), true));
        assert_eq!(chosen(&[rows[1].clone(), rows[3].clone()], goal), (epee(0.1, Some(4)), true));
    }
    assert_eq!(pareto(&rows, Metric::MacroF1), [rows[2].clone()]);
}

#[test]
fn impossible_questions_are_errors() {
    let full = row(Policy::full(), 0.9, 0.0);
    for goal in [Goal::MaxLoss(-0.1), Goal::MaxLoss(f64::NAN), Goal::Saving(1.5)] {
        let error = choose(&[], &full, goal, Metric::MacroF1).unwrap_err().to_string();
        assert!(error.contains("expected a number from 0 to 1, got "), "{error}");
    }
    let unknown = row(Policy::full(), f64::NAN, 0.0);
    let error = choose(&[], &unknown, Goal::Saving(0.5), Metric::MacroF1).unwrap_err();
    assert!(error.to_string().starts_with("expected a trace with labels"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_front_is_what_nothing_beats(trace in any_trace(2..5)) {
        prop_assume!(trace.labelled() > 0);
        let grid = Grid::standard(trace.exits(), trace.classes()).with_kinds(runnable(&trace));
        let rows = sweep(&trace, &grid).unwrap();
        let metric = Metric::MacroF1;
        let front = pareto(&rows, metric);
        let value = |row: &SweepRow| (row.saving, row.get(metric));
        let beats = |a: &SweepRow, b: &SweepRow| {
            let ((s, m), (t, n)) = (value(a), value(b));
            s >= t && m >= n && (s > t || m > n)
        };
        for row in &rows {
            let beaten = rows.iter().any(|other| beats(other, row));
            let listed = front.iter().any(|listed| value(listed) == value(row));
            prop_assert_eq!(beaten, !listed, "{}", row.policy);
        }
        prop_assert!(front.windows(2).all(|w| w[0].saving < w[1].saving));
    }

    #[test]
    fn a_choice_keeps_its_promise(trace in any_trace(2..5), loss in 0.0..0.5f64) {
        prop_assume!(trace.labels().contains(&0) && trace.labels().contains(&1));
        let (grid, scoring) = (Grid::standard(trace.exits(), trace.classes()), Scoring::default());
        for metric in [Metric::MacroF1, Metric::Accuracy] {
            let goal = Goal::MaxLoss(loss);
            let choice = choose_on(&trace, &grid, &scoring, goal, metric).unwrap();
            let floor = full_depth(&trace, &scoring).get(metric) - loss - 1e-9;
            prop_assert!(choice.row.get(metric) >= floor);
            for row in sweep(&trace, &grid).unwrap() {
                prop_assert!(row.get(metric) < floor || row.saving <= choice.row.saving);
            }
            let goal = Goal::Saving(loss);
            let choice = choose_on(&trace, &grid, &scoring, goal, metric).unwrap();
            prop_assert!(!choice.met || choice.row.saving >= loss - 1e-9);
        }
    }
}
