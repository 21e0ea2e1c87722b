//! The calibration samples: their order, and doubts about them.

use std::collections::HashSet;

use epee_files::{Sha256, hex};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{Caveat, CertifyError};
use crate::trace::Trace;

/// The share of samples with the same logits and label as another that is still taken for chance.
const TOLERATED_REPEATS: f64 = 0.01;

/// The order in which the samples of a trace are split and tested.
///
/// It depends on the samples and the seed alone, not on the order of the trace, and without a seed of the caller's on the
/// samples alone. So nobody can try one order after another until a test passes.
pub(super) struct Draw {
    /// Indices of the samples.
    pub(super) order: Vec<usize>,
    /// Seed of the order.
    pub(super) seed: u64,
    /// Doubts about the samples and the seed.
    pub(super) caveats: Vec<Caveat>,
}

impl Draw {
    pub(super) fn new(trace: &Trace, seed: Option<u64>, allow_repeats: bool) -> Result<Draw, CertifyError> {
        let samples = sorted(trace);
        let mut caveats = Vec::new();
        if trace.provenance().split.as_deref() == Some("train") {
            caveats.push(Caveat::TrainSplit);
        }
        let (ids, same, of) = repeats(trace, &samples);
        if ids > 0 || same as f64 > TOLERATED_REPEATS * of as f64 {
            if !allow_repeats {
                return Err(CertifyError::Repeats { ids, samples: same, of });
            }
            caveats.push(Caveat::Repeats { ids, samples: same, of });
        }
        let seed = match seed {
            Some(chosen) => {
                caveats.push(Caveat::ChosenSeed);
                chosen
            }
            None => seed_of(&samples),
        };
        let mut order: Vec<usize> = samples.into_iter().map(|(_, sample)| sample).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        Ok(Draw { order, seed, caveats })
    }
}

/// The digest of a trace's samples, whatever their order.
pub(super) fn samples_digest(trace: &Trace) -> String {
    format!("sha256:{}", hex(&all(&sorted(trace))))
}

/// A digest for each sample, and its index.
type Sorted = Vec<([u8; 32], usize)>;

fn sorted(trace: &Trace) -> Sorted {
    let mut samples: Sorted = (0..trace.samples()).into_par_iter().map(|i| (digest(trace, i), i)).collect();
    samples.par_sort_unstable();
    samples
}

/// The digest of all that a test reads of a sample: its label, logits and scores.
fn digest(trace: &Trace, sample: usize) -> [u8; 32] {
    let mut digest = Sha256::default();
    digest.update(trace.labels()[sample].to_le_bytes());
    for exit in 1..=trace.exits() {
        trace.row(sample, exit).iter().for_each(|logit| digest.update(logit.to_le_bytes()));
        trace.score(sample, exit).iter().for_each(|score| digest.update(score.to_le_bytes()));
    }
    digest.bytes()
}

fn all(samples: &Sorted) -> [u8; 32] {
    let mut all = Sha256::default();
    samples.iter().for_each(|(digest, _)| all.update(digest));
    all.bytes()
}

/// The seed that the samples fix: 53 bits, which every reader of JSON keeps.
fn seed_of(samples: &Sorted) -> u64 {
    all(samples).iter().take(7).fold(0, |seed, &byte| seed << 8 | u64::from(byte)) >> 3
}

/// The samples with the id of another, those with the logits and label of another, and all.
fn repeats(trace: &Trace, samples: &Sorted) -> (usize, usize, usize) {
    let ids = trace.ids().len() - trace.ids().iter().collect::<HashSet<_>>().len();
    let same = samples.windows(2).filter(|pair| pair[0].0 == pair[1].0).count();
    (ids, same, trace.samples())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::TraceParts;

    fn trace(samples: usize, ids: &[&str]) -> Trace {
        let logits = (0..2 * samples).map(|i| i as f32).collect();
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        let labels = vec![0; samples];
        Trace::new(TraceParts { exits: 1, classes: 2, logits, labels, ids, ..TraceParts::default() }).unwrap()
    }

    #[test]
    fn the_order_and_the_seed_are_of_the_samples_not_of_their_order() {
        let trace = trace(50, &[]);
        let turned: Vec<usize> = (0..50).rev().collect();
        let rows = |trace: &Trace, seed| {
            let draw = Draw::new(trace, seed, false).unwrap();
            let rows: Vec<f32> = draw.order.iter().map(|&sample| trace.row(sample, 1)[0]).collect();
            (draw.seed, rows, draw.caveats)
        };
        for seed in [None, Some(7)] {
            assert_eq!(rows(&trace, seed), rows(&trace.subset(&turned), seed));
        }
        assert_ne!(rows(&trace, None).1, rows(&trace, Some(7)).1);
        assert_eq!((rows(&trace, None).2, rows(&trace, Some(7)).2), (vec![], vec![Caveat::ChosenSeed]));
        // One other sample, another seed.
        let fewer: Vec<usize> = (0..49).collect();
        assert_ne!(rows(&trace, None).0, rows(&trace.subset(&fewer), None).0);
    }

    #[test]
    fn repeats_are_found_by_id_and_by_content() {
        let draw = |trace: &Trace, allow| Draw::new(trace, None, allow).map(|draw| draw.caveats);
        let all: Vec<usize> = (0..200).collect();
        let with = |more: &[usize]| trace(200, &[]).subset(&[&all[..], more].concat());
        // Two of 202 may be chance, three of 203 are not.
        assert_eq!(draw(&with(&[0, 1]), false), Ok(vec![]));
        let found = (0, 3, 203);
        let (ids, samples, of) = found;
        assert_eq!(draw(&with(&[0, 1, 2]), false), Err(CertifyError::Repeats { ids, samples, of }));
        assert_eq!(draw(&with(&[0, 1, 2]), true), Ok(vec![Caveat::Repeats { ids, samples, of }]));
        // One id that is there twice is enough.
        let twice = trace(3, &["a", "b", "a"]);
        assert_eq!(draw(&twice, false), Err(CertifyError::Repeats { ids: 1, samples: 0, of: 3 }));
    }
}
