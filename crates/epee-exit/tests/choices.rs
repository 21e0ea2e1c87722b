//! The Pareto front and the choice, against a search through all pairs and by hand.

#![allow(clippy::unwrap_used)]

mod common;

use common::any_trace;
use epee_exit::{
    Goal, Grid, Metric, Policy, Scoring, SweepRow, choose, choose_on, full_depth, pareto, runnable, sweep,
};
use proptest::prelude::*;

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
