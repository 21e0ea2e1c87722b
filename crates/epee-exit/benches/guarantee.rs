//! The guarantee of a certificate, measured: calibration sets are drawn with replacement from a large trace, the population;
//! a violation is a draw whose certified setting has a risk above ε on the whole of it. The rate must be at most δ plus three
//! standard errors. The column `planted` shows the rate of a deliberate mistake: the first setting that fails, instead of the
//! one before it.
//!
//! Run: `cargo bench -p epee-exit --bench guarantee [-- TRACE…]`: 1,000 draws from a synthetic trace with known risk, and
//! from each trace that is named.

#![allow(clippy::unwrap_used)]

#[path = "../tests/common/population.rs"]
mod population;

use std::time::Instant;

use epee_exit::{CertificateRequest, Scoring, Trace, full_depth};
use population::{attacks, population, procedures, tolerated, violations};

const DRAWS: usize = 1000;
/// Samples of one calibration set.
const SAMPLES: usize = 1000;

/// Prints a row for each procedure; true if all rates are within the bound.
fn table(people: &Trace, error: f64) -> bool {
    println!(
        "{:<44} {:>6} {:>6} {:>6} {:>6} {:>8} {:>10} {:>10} {:>6} {:>10}",
        "procedure", "n", "ε", "δ", "given", "saving", "violated", "δ + 3 s.e.", "holds", "planted"
    );
    let mut all = true;
    for (name, grid, request) in procedures(people, 25, &CertificateRequest::new(0.05, 0.05), error) {
        let start = Instant::now();
        let got = violations(people, &grid, &request, SAMPLES, DRAWS, 1);
        let (epsilon, delta, limit) = (request.epsilon, request.delta, tolerated(request.delta, DRAWS));
        let holds = got.violated <= limit;
        all &= holds;
        println!(
            "{name:<44} {SAMPLES:>6} {epsilon:>6} {delta:>6} {:>6} {:>8.3} {:>10.3} {limit:>10.3} {:>6} {:>10.3} {:>6.1} s",
            got.given,
            got.saving,
            got.violated,
            if holds { "yes" } else { "NO" },
            got.planted,
            start.elapsed().as_secs_f64(),
        );
    }
    all
}

/// Prints how often a certificate gained by foul means breaks its promise, with the safeguard against it and without; true if all
/// rates with the safeguard are within the bound.
fn attack_table(people: &Trace) -> bool {
    println!("\nattacks: entropy, Pareto path, ε = δ = 0.05, n = {SAMPLES}");
    println!(
        "{:<28} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "attack", "given", "violated", "δ + 3 s.e.", "unguarded", "saving"
    );
    let limit = tolerated(0.05, DRAWS);
    let mut all = true;
    for (name, [guarded, open]) in attacks(people, DRAWS, SAMPLES) {
        all &= guarded.violated <= limit;
        let (given, violated) = (guarded.given, guarded.violated);
        println!("{name:<28} {given:>10} {violated:>10.3} {limit:>10.3} {:>10.3} {:>10.3}", open.violated, open.saving);
    }
    all
}

fn main() {
    println!("{DRAWS} draws each, {} threads", rayon::current_num_threads());
    println!("\nsynthetic: 50,000 samples, 6 exits");
    let people = population(50_000, 6, 1);
    let mut holds = table(&people, 0.2) & attack_table(&people);
    for path in std::env::args().skip(1).filter(|arg| !arg.starts_with("--")) {
        let people = Trace::load(&path).unwrap();
        let error = 1.0 - full_depth(&people, &Scoring::default()).accuracy;
        let (samples, exits) = (people.samples(), people.exits());
        println!("\n{path}: {samples} samples, {exits} exits, error of full depth {error:.3}");
        // The tolerated error lies a little above that of full depth.
        holds &= table(&people, ((error + 0.04) * 100.0).round() / 100.0);
    }
    println!("\n{}", if holds { "every rate is within δ + 3 standard errors" } else { "A RATE IS TOO HIGH" });
    if !holds {
        std::process::exit(1);
    }
}
