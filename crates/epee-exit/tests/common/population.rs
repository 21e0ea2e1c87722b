//! A large trace with a risk that is known, to draw calibration sets from: the guarantee is tested against it, in the tests
//! at a small size and in the benchmark at full size.

use epee_exit::{Trace, TraceParts};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Samples of graded difficulty. An exit's logit is ever closer to that of the last, so that the risk of stopping early falls
/// with depth and with confidence; the last exit is itself wrong now and then. Two classes, of 80 and 20 %.
pub(crate) fn population(samples: usize, exits: usize, seed: u64) -> Trace {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = move || (0..6).map(|_| random.random_range(-1.0f32..1.0)).sum::<f32>() / 2f32.sqrt();
    let mut parts = TraceParts { exits, classes: 2, ..TraceParts::default() };
    for _ in 0..samples {
        let label = i64::from(normal() > 0.84);
        let truth = if label == 1 { 2.0 } else { -2.0 };
        let shared = 1.2 * normal();
        for exit in 1..=exits {
            let depth = exit as f32 / exits as f32;
            let z = depth * truth + shared + 1.5 * (1.0 - depth) * normal();
            parts.logits.extend([-z, z]);
        }
        parts.labels.push(label);
    }
    Trace::new(parts).unwrap()
}

/// The risk of each of a path's settings on the whole population, by replay: `losses` of answers, full depth and labels.
pub(crate) fn true_risk(
    population: &Trace,
    policy: &epee_exit::Policy,
    temperatures: &[f64],
    loss: impl Fn(u32, u32, i64) -> f64,
) -> f64 {
    let run = |policy: &epee_exit::Policy| {
        let checked = policy.check(population.exits(), population.classes()).unwrap();
        epee_exit::replay(&checked.with_temperatures(temperatures).unwrap(), population).unwrap().labels
    };
    let (answers, full) = (run(policy), run(&epee_exit::Policy::full()));
    let losses = answers.iter().zip(&full).zip(population.labels());
    losses.map(|((&answer, &full), &label)| loss(answer, full, label)).sum::<f64>() / answers.len() as f64
}

/// n samples drawn with replacement.
pub(crate) fn draw(population: &Trace, n: usize, random: &mut ChaCha8Rng) -> Trace {
    let samples: Vec<usize> = (0..n).map(|_| random.random_range(0..population.samples())).collect();
    population.subset(&samples)
}

/// δ and three standard errors of a rate seen over so many draws.
pub(crate) fn tolerated(delta: f64, draws: usize) -> f64 {
    delta + 3.0 * (delta * (1.0 - delta) / draws as f64).sqrt()
}
