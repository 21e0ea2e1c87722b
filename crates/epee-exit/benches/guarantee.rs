//! The guarantee of a certificate, measured: calibration sets are drawn with replacement from a large trace, which is the
//! population; a violation is a draw whose certified setting has a risk above ε on the whole of it. The rate must be at most
//! δ plus three standard errors. Beside it a planted mistake: the setting that fails first, instead of the one before it.
//!
//! Run: `cargo bench -p epee-exit --bench guarantee [-- TRACE…]`: 1,000 draws from a synthetic trace with known risk, and
//! from each real trace that is named.

#![allow(clippy::unwrap_used)]

#[path = "../tests/common/population.rs"]
mod population;

use std::collections::HashMap;
use std::time::Instant;

use epee_exit::{Bound, CertificateRequest, Grid, PathSource, Policy, PolicyKind, Risk, Trace, certify};
use population::{draw, population, tolerated, true_risk};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const DRAWS: usize = 1000;

fn loss(risk: Risk) -> impl Fn(u32, u32, i64) -> f64 {
    move |answer, full, label| {
        let wrong = |answer: u32| f64::from(i64::from(answer) != label);
        match risk {
            Risk::Gap => wrong(answer) - wrong(full),
            Risk::Error => wrong(answer),
            _ => f64::from(answer != full),
        }
    }
}

/// How one procedure does on one population.
fn row(people: &Trace, name: &str, grid: &Grid, demand: &CertificateRequest, n: usize) -> bool {
    let start = Instant::now();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut known: HashMap<String, bool> = HashMap::new();
    let mut violated = |policy: &Policy, temperatures: &[f64]| {
        *known.entry(format!("{policy} {temperatures:?}")).or_insert_with(|| {
            demand.risks.iter().any(|&risk| true_risk(people, policy, temperatures, loss(risk)) > demand.epsilon)
        })
    };
    let (mut kept, mut planted, mut given, mut saving) = (0, 0, 0, 0.0);
    for seed in 0..DRAWS {
        let calibration = draw(people, n, &mut random);
        let Ok(got) = certify(&calibration, grid, &CertificateRequest { seed: seed as u64, ..demand.clone() }) else {
            continue;
        };
        given += 1;
        saving += got.chosen().saving;
        kept += u32::from(violated(&got.chosen().policy, &got.temperatures));
        planted += u32::from(violated(&got.path.get(got.certified).unwrap_or(got.chosen()).policy, &got.temperatures));
    }
    let rate = |count: u32| f64::from(count) / DRAWS as f64;
    let most = tolerated(demand.delta, DRAWS);
    let holds = rate(kept) <= most;
    println!(
        "{name:<44} {n:>6} {:>6} {:>6} {given:>6} {:>8.3} {:>10.3} {most:>10.3} {:>6} {:>10.3} {:>6.1} s",
        demand.epsilon,
        demand.delta,
        saving / f64::from(given.max(1)),
        rate(kept),
        if holds { "yes" } else { "NO" },
        rate(planted),
        start.elapsed().as_secs_f64(),
    );
    holds
}

fn table(people: &Trace, n: usize, epsilon: f64, error: f64) -> bool {
    let (exits, classes) = (people.exits(), people.classes());
    let coarse: Vec<Option<f64>> = (1..=25).map(|i| Some(f64::from(i) / 25.0)).collect();
    let one = Grid { thresholds: Some(coarse), ..Grid::standard(exits, classes).with_kinds([PolicyKind::Entropy]) };
    let two = Grid::standard(exits, classes);
    let base = CertificateRequest::new(epsilon, 0.05);
    let prior = CertificateRequest { path: PathSource::Prior, ..base.clone() };
    let gap = CertificateRequest { risks: vec![Risk::Gap], ..base.clone() };
    let several = CertificateRequest { risks: vec![Risk::Consistency, Risk::Error], epsilon: error, ..base.clone() };
    println!(
        "{:<44} {:>6} {:>6} {:>6} {:>6} {:>8} {:>10} {:>10} {:>6} {:>10}",
        "procedure", "n", "ε", "δ", "given", "saving", "violated", "δ + 3 s.e.", "holds", "planted"
    );
    [
        row(people, "consistency, entropy, fixed path, exact", &one, &prior, n),
        row(
            people,
            "the same, Hoeffding-Bentkus",
            &one,
            &CertificateRequest { bound: Some(Bound::HoeffdingBentkus), ..prior.clone() },
            n,
        ),
        row(people, "consistency, EPEE, Pareto path, exact", &two, &base, n),
        row(people, "gap, EPEE, Pareto path, betting", &two, &gap, n),
        row(
            people,
            "gap, EPEE, Pareto path, exact",
            &two,
            &CertificateRequest { bound: Some(Bound::Exact), ..gap.clone() },
            n,
        ),
        row(people, "consistency and error, EPEE, Pareto path", &two, &several, n),
        row(
            people,
            "consistency, EPEE, temperatures",
            &two,
            &CertificateRequest { fit_temperatures: true, ..base.clone() },
            n,
        ),
    ]
    .into_iter()
    .all(|holds| holds)
}

fn main() {
    println!("{DRAWS} draws each, {} threads", rayon::current_num_threads());
    println!("\nsynthetic: 50,000 samples, 6 exits");
    let mut holds = table(&population(50_000, 6, 1), 1000, 0.05, 0.2);
    for path in std::env::args().skip(1).filter(|arg| !arg.starts_with("--")) {
        let people = Trace::load(&path).unwrap();
        let full = epee_exit::full_depth(&people, &epee_exit::Scoring::default());
        println!(
            "\n{path}: {} samples, {} exits, full depth errs at {:.3}",
            people.samples(),
            people.exits(),
            1.0 - full.accuracy
        );
        // The error that is tolerated lies a little above full depth's.
        holds &= table(&people, 1000, 0.05, ((1.0 - full.accuracy + 0.04) * 100.0).round() / 100.0);
    }
    println!("\n{}", if holds { "every rate is within δ + 3 standard errors" } else { "A RATE IS TOO HIGH" });
    if !holds {
        std::process::exit(1);
    }
}
