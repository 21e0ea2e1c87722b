//! Fresh weights.

use epee_nn::{Scalar, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub(crate) struct Normal {
    rng: ChaCha8Rng,
    deviation: f64,
}

impl Normal {
    pub(crate) fn new(seed: u64, deviation: f64) -> Normal {
        Normal { rng: ChaCha8Rng::seed_from_u64(seed), deviation }
    }

    /// Fills a matrix with normal numbers. Does nothing to a vector, so biases stay zero and norms stay identity.
    pub(crate) fn fill<T: Scalar>(&mut self, name: &str, tensor: &mut Tensor<T>) {
        if tensor.shape().len() < 2 {
            debug_assert!(name.ends_with("bias") || name.ends_with("weight"));
            return;
        }
        for pair in tensor.data_mut().chunks_mut(2) {
            // Box and Muller: two uniform numbers to two normal ones.
            let (u, v) = (self.uniform(), self.uniform());
            let radius = self.deviation * (-2.0 * (1.0 - u).ln()).sqrt();
            let angle = 2.0 * std::f64::consts::PI * v;
            for (x, y) in pair.iter_mut().zip([radius * angle.cos(), radius * angle.sin()]) {
                *x = T::of(y);
            }
        }
    }

    /// Uniform in [0, 1).
    fn uniform(&mut self) -> f64 {
        (self.rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}
