//! From ChaCha8 bits to numbers, the same from release to release.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

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
