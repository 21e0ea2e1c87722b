//! Times a whole sweep: 10,008 settings (834 thresholds × 12 patiences) over 50,000 samples × 12
//! exits × 4 classes, from a trace file on disk to rows with macro-F1.
//!
//! Then a choice by tolerated loss, a certificate for each kind of risk and a comparison of all policies, on the same trace.
//! Peak memory is the process's.
//!
//! Run: `cargo bench -p epee-exit --bench sweep`. Goals on two cores: one second for the sweep, two for a calibration.

#![allow(clippy::unwrap_used)]

use std::time::Instant;

use epee_exit::{
    CertificateRequest, Comparison, Goal, Grid, Metric, Provenance, Risk, Scoring, Trace, TraceParts, certify, choose,
    choose_on, compare, full_depth, pareto, per_exit, replay, sweep,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SAMPLES: usize = 50_000;
const EXITS: usize = 12;
const CLASSES: usize = 4;
const THRESHOLDS: usize = 834;
const RUNS: usize = 7;

/// Samples of graded difficulty: the correct class gains with depth, faster for easy ones, and the
/// noise of one exit carries over to the next.
fn synthetic() -> Trace {
    let mut bits = ChaCha8Rng::seed_from_u64(1);
    let mut uniform = || bits.random_range(0.0f32..1.0);
    let mut parts =
        TraceParts { exits: EXITS, classes: CLASSES, provenance: Provenance::here(), ..TraceParts::default() };
    for _ in 0..SAMPLES {
        let label = (uniform().powi(2) * CLASSES as f32) as usize;
        let ease = 1.5 * uniform();
        let mut noise = [0.0f32; CLASSES];
        for exit in 1..=EXITS {
            for k in 0..CLASSES {
                // A sum of four is nearly normal.
                let normal = (0..4).map(|_| uniform() - 0.5).sum::<f32>() * 1.7;
                noise[k] = 0.8 * noise[k] + 0.6 * normal;
                let signal = if k == label { ease * exit as f32 / 2.0 } else { 0.0 };
                parts.logits.push(signal + noise[k]);
            }
        }
        parts.labels.push(label as i64);
    }
    Trace::new(parts).unwrap()
}

fn grid() -> Grid {
    let step = 1.0 / (THRESHOLDS - 1) as f64;
    Grid {
        thresholds: Some((0..THRESHOLDS).map(|i| Some((i as f64 * step).min(1.0))).collect()),
        patiences: Some((1..=EXITS).map(Some).collect()),
        ..Grid::standard(EXITS, CLASSES)
    }
}

/// Times a choice, certificates and a comparison, each from the trace in memory.
fn calibrations(trace: &Trace, grid: &Grid) {
    let base = CertificateRequest::new(0.05, 0.05);
    let certified = |request: &CertificateRequest| {
        let got = certify(trace, grid, request).unwrap();
        format!("{} saves {:.3}", got.chosen().policy, got.chosen().saving)
    };
    let gap = CertificateRequest { risks: vec![Risk::Gap], ..base.clone() };
    let four = vec![Risk::Consistency, Risk::Gap, Risk::Class(0), Risk::Class(1)];
    let timed = |name: &str, run: &dyn Fn() -> String| {
        let start = Instant::now();
        let result = run();
        println!("{name:<44} {:6.2} s  {result}", start.elapsed().as_secs_f64());
    };
    let scoring = Scoring::default();
    timed("choose, at most 0.01 macro-F1 lost", &|| {
        choose_on(trace, grid, &scoring, Goal::MaxLoss(0.01), Metric::MacroF1).unwrap().policy.to_string()
    });
    timed("certify, consistency, exact", &|| certified(&base));
    timed("certify, gap, betting", &|| certified(&gap));
    timed("certify, four risks, temperatures", &|| {
        certified(&CertificateRequest { risks: four.clone(), epsilon: 0.1, fit_temperatures: true, ..base.clone() })
    });
    timed("compare, all policies, three savings", &|| {
        format!("{} rows", compare(trace, trace, &Comparison::all(trace), &scoring).unwrap().len())
    });
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(peak) = status.lines().find(|line| line.starts_with("VmHWM")) {
        println!("peak memory {}", peak.trim_start_matches("VmHWM:").trim());
    }
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.safetensors");
    synthetic().save(&path).unwrap();
    let grid = grid();
    let settings = grid.policies().len();
    let threads = rayon::current_num_threads();
    println!("{settings} settings, {SAMPLES} samples, {EXITS} exits, {CLASSES} classes, {threads} threads");

    let mut best = f64::INFINITY;
    for run in 1..=RUNS {
        let start = Instant::now();
        let trace = Trace::load(&path).unwrap();
        let loaded = start.elapsed();
        let rows = sweep(&trace, &grid).unwrap();
        let total = start.elapsed();
        assert_eq!(rows.len(), settings);
        best = best.min(total.as_secs_f64());
        println!(
            "run {run}: load {:6.1} ms  sweep {:6.1} ms  total {:6.1} ms",
            loaded.as_secs_f64() * 1e3,
            (total - loaded).as_secs_f64() * 1e3,
            total.as_secs_f64() * 1e3,
        );
    }
    println!("best of {RUNS}: {:.1} ms, {:.1} µs a setting", best * 1e3, best * 1e6 / settings as f64);

    let trace = Trace::load(&path).unwrap();
    let rows = sweep(&trace, &grid).unwrap();
    let start = Instant::now();
    let some = [0, 5_003, settings / 3, settings / 2 + 17, settings - 1].map(|at| &rows[at]);
    for row in some {
        let metrics = replay(&row.policy.check(EXITS, CLASSES).unwrap(), &trace).unwrap().metrics(&trace);
        assert_eq!((row.macro_f1, row.saving), (metrics.macro_f1, metrics.saving), "{}", row.policy);
    }
    let each = start.elapsed().as_secs_f64() / some.len() as f64;
    let (ms, all) = (each * 1e3, each * settings as f64);
    println!("replay gives the same, at {ms:.1} ms a setting: one by one the grid takes {all:.0} s");

    let full = full_depth(&trace, &Scoring::default());
    let choice = choose(&rows, &full, Goal::MaxLoss(0.01), Metric::MacroF1).unwrap();
    calibrations(&trace, &grid);
    let exits = per_exit(&trace);
    println!(
        "macro-F1 {:.3} at exit 1, {:.3} at exit {EXITS}; {} on the front of {}; chosen: {} saves {:.3}",
        exits[0].macro_f1,
        full.macro_f1,
        pareto(&rows, Metric::MacroF1).len(),
        rows.len(),
        choice.policy,
        choice.row.saving,
    );
}
