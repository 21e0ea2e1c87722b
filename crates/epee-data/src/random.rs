//! Random choices that stay the same from release to release: `ChaCha8` bits, and code of our own that turns bits into
//! choices.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

#[derive(Clone)]
pub(crate) struct Choices(ChaCha8Rng);

impl Choices {
    /// A source for one stream of a seed; two streams of a seed share nothing.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut bits = ChaCha8Rng::seed_from_u64(seed);
        bits.set_stream(stream);
        Self(bits)
    }

    /// A number in `0..n`; `n` is at least 1.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        let wide = u128::from(self.0.next_u64()) * (n as u128);
        (wide >> 64) as usize
    }

    /// A number in [0, 1), a multiple of 2^-32.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 32) as f64 / 4_294_967_296.0
    }

    /// True in `percent` of 100 cases.
    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One item of a list that is not empty.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// Fisher and Yates' shuffle.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
