//! Intervals and tests: exact binomial bounds, McNemar's test, the bootstrap, and the p-values of certificates.
//!
//! Everything is computed with `libm` and seeded ChaCha8 bits, so a number is the same on every
//! platform and with any number of threads.

mod binomial;
mod bootstrap;
mod p_values;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use serde::Serialize;

pub use binomial::{binomial_cdf, binomial_upper, clopper_pearson, discordant, mcnemar};
pub use bootstrap::{Bootstrap, bootstrap, bootstrap_difference};
pub use p_values::{betting_p, exact_binomial_p, fixed_sequence, hoeffding_bentkus_p, smallest_certifiable_n};

/// From `low` to `high`, both included. NaN if nothing is known, which JSON writes as `null`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// True if a value lies in it, ends included.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// The bits of one stream of a seed; two streams share nothing.
pub(crate) fn stream(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut bits = ChaCha8Rng::seed_from_u64(seed);
    bits.set_stream(stream);
    bits
}

/// A number in [0, 1), a multiple of 2^-53.
pub(crate) fn unit(bits: &mut ChaCha8Rng) -> f64 {
    (bits.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// A number in `0..n`; 0 if n is 0.
pub(crate) fn below(n: u64, bits: &mut ChaCha8Rng) -> u64 {
    ((u128::from(bits.next_u64()) * u128::from(n)) >> 64) as u64
}
