//! Random traces and a second, literal reading of the paper's equations.
#![allow(dead_code, clippy::unwrap_used)] // Each test uses its part.

use epee_exit::{Ensemble, Policy, PolicyKind, SweepRow, Threshold, Trace, TraceParts, replay};
use proptest::collection::vec;
use proptest::prelude::*;

/// Logits that tie, that saturate, and ordinary ones.
fn logit() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => -4.0f32..4.0,
        3 => (-2i8..3).prop_map(f32::from),
        1 => prop::sample::select(vec![1e30, -1e30, f32::MAX, f32::MIN, 1e-30, 120.0]),
    ]
}

/// A trace of up to 24 samples, `classes` classes and up to 8 exits, with learned scores; some labels are unknown.
pub(crate) fn any_trace(classes: std::ops::Range<usize>) -> impl Strategy<Value = Trace> {
    (1usize..25, 1usize..9, classes).prop_flat_map(|(samples, exits, classes)| {
        let label = prop_oneof![1 => Just(-1i64), 6 => 0..classes as i64];
        let scores = vec(0.0f32..1.0, samples * exits);
        (vec(logit(), samples * exits * classes), vec(label, samples), scores).prop_map(
            move |(logits, labels, scores)| {
                let scores = Some(scores);
                let parts = TraceParts { exits, classes, logits, labels, scores, ..TraceParts::default() };
                Trace::new(parts).unwrap()
            },
        )
    })
}

/// Eq. 1 as it is written: `H = -Σ p ln p / ln K`.
pub(crate) fn entropy_as_written(logits: &[f32]) -> f64 {
    let terms = p(logits).into_iter().filter(|p| *p > 0.0).map(|p| -p * p.ln());
    terms.sum::<f64>() / (logits.len() as f64).ln()
}

/// softmax by its definition.
pub(crate) fn p(logits: &[f32]) -> Vec<f64> {
    let max = logits.iter().copied().fold(f32::MIN, f32::max);
    let e: Vec<f64> = logits.iter().map(|&z| (f64::from(z) - f64::from(max)).exp()).collect();
    let sum: f64 = e.iter().sum();
    e.iter().map(|e| e / sum).collect()
}

/// The greatest probability minus the second.
pub(crate) fn margin_as_written(logits: &[f32]) -> f64 {
    let mut sorted = p(logits);
    sorted.sort_by(|a, b| b.total_cmp(a));
    sorted[0] - sorted[1]
}

/// The first class that no other exceeds.
pub(crate) fn label_as_written(logits: &[f32]) -> usize {
    (0..logits.len()).find(|&k| logits.iter().all(|z| *z <= logits[k])).unwrap()
}

/// A setting of any policy that fits a trace, its thresholds likely to lie among the trace's levels, some differing by exit,
/// and some with an ensemble.
pub(crate) fn any_setting(exits: usize, classes: usize) -> impl Strategy<Value = Policy> {
    let threshold = prop_oneof![
        1 => Just(Threshold::Never),
        1 => prop::sample::select(vec![0.0, 0.5, 1.0]).prop_map(Threshold::All),
        4 => (0.0..1.0f64).prop_map(Threshold::All),
        2 => vec(prop::option::of(0.0..1.0f64), exits - 1).prop_map(Threshold::PerExit),
    ];
    let ensemble = prop::sample::select(vec![Ensemble::None, Ensemble::None, Ensemble::RunMean, Ensemble::AllMean]);
    let kind = prop::sample::select(PolicyKind::ALL.to_vec());
    (kind, any::<prop::sample::Index>(), threshold, ensemble).prop_map(move |(kind, index, threshold, ensemble)| {
        let grid = epee_exit::Grid::standard(exits, classes);
        let families = grid.families(kind);
        let family = if families.is_empty() { Policy::full() } else { families[index.index(families.len())].clone() };
        let family = if family.check(exits, classes).is_ok() { family } else { Policy::full() };
        let policy = family.with_ensemble(ensemble).with_threshold(threshold.clone());
        // A policy that compares several exits with one threshold takes the first of a list.
        if policy.check(exits, classes).is_ok() { policy } else { family.with_threshold(0.5) }
    })
}

/// The bits of a row, so that NaN equals NaN.
pub(crate) fn bits(row: &SweepRow) -> [u64; 5] {
    [row.accuracy, row.macro_f1, row.micro_f1, row.saving, row.ratio].map(f64::to_bits)
}

/// Compares the rows of a sweep with a replay of each setting, bit by bit.
pub(crate) fn replayed(trace: &Trace, rows: &[SweepRow], temperatures: &[f64]) -> Result<(), TestCaseError> {
    for row in rows {
        let checked = row.policy.check(trace.exits(), trace.classes()).unwrap();
        let want = replay(&checked.with_temperatures(temperatures).unwrap(), trace).unwrap().metrics(trace);
        let want = [want.accuracy, want.macro_f1, want.micro_f1, want.saving, want.ratio];
        prop_assert_eq!(bits(row), want.map(f64::to_bits), "{}", row.policy);
    }
    Ok(())
}
