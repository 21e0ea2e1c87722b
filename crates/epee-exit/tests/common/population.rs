//! A large trace with a known risk, to draw calibration sets from: the guarantee is tested against it, in the tests at a
//! small size and in the benchmark at full size.
#![allow(dead_code)] // Each test uses its part.

use std::collections::HashMap;

use epee_exit::{
    Bound, CertificateRequest, Certification, Grid, PathSource, Policy, PolicyKind, Risk, Trace, certify, replay,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Samples of graded difficulty. An exit's logit is ever closer to that of the last, so that the risk of stopping early falls
/// with depth and with confidence; the last exit is itself wrong now and then. Two classes, of 80 and 20 %.
pub(crate) fn population(samples: usize, exits: usize, seed: u64) -> Trace {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = move || (0..6).map(|_| random.random_range(-1.0f32..1.0)).sum::<f32>() / 2f32.sqrt();
    let (mut logits, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..samples {
        let label = i64::from(normal() > 0.84);
        let truth = if label == 1 { 2.0 } else { -2.0 };
        let shared = 1.2 * normal();
        for exit in 1..=exits {
            let depth = exit as f32 / exits as f32;
            let z = depth * truth + shared + 1.5 * (1.0 - depth) * normal();
            logits.extend([-z, z]);
        }
        labels.push(label);
    }
    Trace::from_logits(exits, 2, logits, labels).unwrap()
}

fn loss(risk: Risk, answer: u32, full: u32, label: i64) -> f64 {
    let wrong = |answer: u32| f64::from(i64::from(answer) != label);
    match risk {
        Risk::Consistency => f64::from(answer != full),
        Risk::Gap => wrong(answer) - wrong(full),
        Risk::Error => wrong(answer),
        Risk::Class(_) => unreachable!("not a mean over all samples"),
    }
}

/// The risk of a setting on the whole population, by replay.
fn true_risk(population: &Trace, policy: &Policy, temperatures: &[f64], risk: Risk) -> f64 {
    let run = |policy: &Policy| {
        let checked = policy.check(population.exits(), population.classes()).unwrap();
        replay(&checked.with_temperatures(temperatures).unwrap(), population).unwrap().labels
    };
    let (answers, full) = (run(policy), run(&Policy::full()));
    let losses = answers.iter().zip(&full).zip(population.labels());
    losses.map(|((&answer, &full), &label)| loss(risk, answer, full, label)).sum::<f64>() / answers.len() as f64
}

/// The outcome of many certifications, each of a calibration set drawn from one population.
#[derive(Default)]
pub(crate) struct Violations {
    /// Draws that gave a certificate.
    pub(crate) given: usize,
    /// The mean saving of the certified settings.
    pub(crate) saving: f64,
    /// The share of draws whose certified setting has a risk above ε on the population.
    pub(crate) violated: f64,
    /// The same for the first setting that failed, which must not be certified: a planted off-by-one.
    pub(crate) planted: f64,
}

pub(crate) fn violations(
    population: &Trace,
    grid: &Grid,
    request: &CertificateRequest,
    n: usize,
    draws: usize,
    seed: u64,
) -> Violations {
    // Drawn with replacement: a sample that comes twice is two draws.
    let request = CertificateRequest { allow_repeats: true, ..request.clone() };
    violations_of(population, draws, seed, &request, |random| {
        certify(&draw(population, n, random), grid, &request).ok()
    })
}

/// The outcomes of any way to come by a certificate.
pub(crate) fn violations_of(
    population: &Trace,
    draws: usize,
    seed: u64,
    request: &CertificateRequest,
    procedure: impl Fn(&mut ChaCha8Rng) -> Option<Certification>,
) -> Violations {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut known: HashMap<String, bool> = HashMap::new();
    let mut violates = |policy: &Policy, temperatures: &[f64]| {
        let above = |&risk: &Risk| true_risk(population, policy, temperatures, risk) > request.epsilon;
        let violates =
            known.entry(format!("{policy} {temperatures:?}")).or_insert_with(|| request.risks.iter().any(above));
        f64::from(u8::from(*violates))
    };
    let mut sums = Violations::default();
    for _ in 0..draws {
        let Some(got) = procedure(&mut random) else { continue };
        let failing = got.path.get(got.certified).unwrap_or(got.chosen());
        sums.given += 1;
        sums.saving += got.chosen().saving;
        sums.violated += violates(&got.chosen().policy, &got.temperatures) / draws as f64;
        sums.planted += violates(&failing.policy, &got.temperatures) / draws as f64;
    }
    Violations { saving: sums.saving / sums.given.max(1) as f64, ..sums }
}

/// Ways to come by a better certificate than the samples bear out, each with the safeguard against it and without.
pub(crate) fn attacks(population: &Trace, draws: usize, n: usize) -> Vec<(&'static str, [Violations; 2])> {
    let (exits, classes) = (population.exits(), population.classes());
    let coarse = (1..=40).map(|i| Some(f64::from(i) / 40.0)).collect();
    let grid = Grid { thresholds: Some(coarse), ..Grid::standard(exits, classes).with_kinds([PolicyKind::Entropy]) };
    let base = CertificateRequest::new(0.05, 0.05);
    let trusting = CertificateRequest { allow_repeats: true, ..base.clone() };
    // A tenth of the samples, each ten times.
    let repeated = |request: &CertificateRequest| {
        violations_of(population, draws, 5, request, |random| {
            let samples: Vec<usize> = (0..n / 10).map(|_| random.random_range(0..population.samples())).collect();
            certify(&population.subset(&samples.repeat(10)), &grid, request).ok()
        })
    };
    // The greatest saving of thirty calibrations on the same samples: with a seed for each, or, as the samples fix the seed, with
    // the rows in another order for each.
    let hunted = |seeds: bool| {
        violations_of(population, draws, 6, &base, |random| {
            let calibration = draw(population, n, random);
            let tries = (0..30u64).filter_map(|seed| {
                let rotated: Vec<usize> = (0..n).map(|i| (i + 7 * seed as usize) % n).collect();
                let request = CertificateRequest { seed: seeds.then_some(seed), ..trusting.clone() };
                certify(&calibration.subset(&rotated), &grid, &request).ok()
            });
            tries.max_by(|a, b| a.chosen().saving.total_cmp(&b.chosen().saving))
        })
    };
    vec![
        ("every sample ten times", [repeated(&base), repeated(&trusting)]),
        ("the best of thirty tries", [hunted(false), hunted(true)]),
    ]
}

/// The seven procedures whose guarantee is checked, each with its grid and its request.
pub(crate) fn procedures(
    population: &Trace,
    steps: u32,
    base: &CertificateRequest,
    error: f64,
) -> Vec<(&'static str, Grid, CertificateRequest)> {
    let (exits, classes) = (population.exits(), population.classes());
    let coarse = (1..=steps).map(|i| Some(f64::from(i) / f64::from(steps))).collect();
    let one = Grid { thresholds: Some(coarse), ..Grid::standard(exits, classes).with_kinds([PolicyKind::Entropy]) };
    let two = Grid::standard(exits, classes);
    let prior = CertificateRequest { path: PathSource::Prior, ..base.clone() };
    let gap = CertificateRequest { risks: vec![Risk::Gap], ..base.clone() };
    let several = CertificateRequest { risks: vec![Risk::Consistency, Risk::Error], epsilon: error, ..base.clone() };
    let bentkus = CertificateRequest { bound: Some(Bound::HoeffdingBentkus), ..prior.clone() };
    let exact_gap = CertificateRequest { bound: Some(Bound::Exact), ..gap.clone() };
    let tempered = CertificateRequest { fit_temperatures: true, ..base.clone() };
    vec![
        ("consistency, entropy, fixed path, exact", one.clone(), prior),
        ("the same, Hoeffding-Bentkus", one, bentkus),
        ("consistency, EPEE, Pareto path, exact", two.clone(), base.clone()),
        ("gap, EPEE, Pareto path, betting", two.clone(), gap),
        ("gap, EPEE, Pareto path, exact", two.clone(), exact_gap),
        ("consistency and error, EPEE, Pareto path", two.clone(), several),
        ("consistency, EPEE, temperatures", two, tempered),
    ]
}

/// n samples drawn with replacement.
pub(crate) fn draw(population: &Trace, n: usize, random: &mut ChaCha8Rng) -> Trace {
    let samples: Vec<usize> = (0..n).map(|_| random.random_range(0..population.samples())).collect();
    population.subset(&samples)
}

/// δ plus three standard errors of a rate over so many draws.
pub(crate) fn tolerated(delta: f64, draws: usize) -> f64 {
    delta + 3.0 * (delta * (1.0 - delta) / draws as f64).sqrt()
}
