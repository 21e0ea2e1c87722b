//! Dropout with a mask computed from a key, so that no mask is stored.

use crate::kernels::rows;
use crate::{Scalar, Tensor};

/// Dropout (Srivastava et al., 2014): sets each value to zero with probability `rate` and scales the rest by `1 / (1 − rate)`.
///
/// A hash of the key and i decides about value i. So the backward pass makes the same call again, and a key gives the same mask on
/// any number of threads.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    rate: f64,
    key: u64,
}

impl Dropout {
    /// The dropout of one training step.
    ///
    /// # Panics
    /// If `rate` is not in [0, 1).
    pub fn new(rate: f64, key: u64) -> Dropout {
        assert!((0.0..1.0).contains(&rate), "dropout rate {rate}");
        Dropout { rate, key }
    }

    /// No dropout, as in inference.
    pub fn off() -> Dropout {
        Dropout { rate: 0.0, key: 0 }
    }

    /// The same rate with a different key, for one place in the model.
    pub fn site(self, site: u64) -> Dropout {
        Dropout { key: mix(self.key ^ mix(site.wrapping_add(1))), ..self }
    }

    /// The same key, another rate.
    pub fn with_rate(self, rate: f64) -> Dropout {
        if self.is_off() { self } else { Dropout::new(rate, self.key) }
    }

    /// True if the rate is 0.
    pub fn is_off(self) -> bool {
        self.rate == 0.0
    }

    /// Applies the mask: to activations in the forward pass, to gradients in the backward pass.
    pub fn apply<T: Scalar>(self, x: &mut Tensor<T>) {
        if self.is_off() {
            return;
        }
        let cols = x.cols();
        rows::blocks(
            x.data_mut(),
            cols,
            #[inline(always)]
            |first, block| self.apply_from(first * cols, block),
        );
    }

    /// Applies the mask and adds a residual, in one pass.
    pub(crate) fn apply_and_add<T: Scalar>(self, x: &mut Tensor<T>, residual: &Tensor<T>) {
        assert_eq!(x.shape(), residual.shape(), "shape of the residual");
        let cols = x.cols();
        rows::blocks(
            x.data_mut(),
            cols,
            #[inline(always)]
            |first, block| {
                self.apply_from(first * cols, block);
                for (x, &r) in block.iter_mut().zip(&residual.data()[first * cols..]) {
                    *x += r;
                }
            },
        );
    }

    /// Applies the part of the mask that starts at value `first`.
    #[inline(always)]
    pub(crate) fn apply_from<T: Scalar>(self, first: usize, x: &mut [T]) {
        if self.is_off() {
            return;
        }
        let scale = T::of(1.0 / (1.0 - self.rate));
        let threshold = (self.rate * 4_294_967_296.0) as u32;
        let (low, high) = (self.key as u32, (self.key >> 32) as u32);
        for (i, x) in x.iter_mut().enumerate() {
            let kept = hash(((first + i) as u32 ^ high).wrapping_add(low)) >= threshold;
            *x = if kept { *x * scale } else { T::ZERO };
        }
    }
}

/// A 32-bit finaliser (constants of Ettinger's `lowbias32`): every input bit reaches every output bit.
#[inline(always)]
fn hash(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// SplitMix64's finaliser.
fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_its_rate_keeps_the_mean_and_repeats_itself() {
        let n = 100_000;
        let ones = Tensor::full(&[n / 100, 100], 1.0f32);
        let dropout = Dropout::new(0.1, 42);
        let mut a = ones.clone();
        dropout.site(3).apply(&mut a);
        let dropped = a.data().iter().filter(|&&x| x == 0.0).count();
        assert!((9_500..10_500).contains(&dropped), "{dropped} of {n} dropped");
        assert!(a.data().iter().all(|&x| x == 0.0 || (x - 1.0 / 0.9).abs() < 1e-6));
        let mut b = ones.clone();
        dropout.site(3).apply(&mut b);
        assert_eq!(a, b);
        let mut c = ones.clone();
        dropout.site(4).apply(&mut c);
        let both = a.data().iter().zip(c.data()).filter(|&(&x, &y)| x == 0.0 && y == 0.0).count();
        assert!((800..1200).contains(&both), "two sites' masks are not independent: {both} of {n} dropped by both");
    }
}
