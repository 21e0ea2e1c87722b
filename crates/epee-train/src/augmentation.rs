//! Augmentation of images in training: mirror, shift, mix-up.

use rand::{Rng, RngExt};
use rand_distr::{Beta, Distribution};

/// The augmentation of a batch of images.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Augmentation {
    /// Mirror each image left to right with probability ½.
    pub flip: bool,
    /// Largest shift in pixels, in both directions; the edge is repeated.
    pub shift: usize,
    /// α of mix-up (Zhang et al., 2018): each image becomes `λ x + (1 − λ) x'`, with λ drawn from Beta(α, α) once for a batch; 0
    /// turns it off.
    pub mixup: f64,
}

/// The mixture of a batch, for its targets.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixed {
    /// λ, the share of the image itself, from 0 to 1.
    pub lambda: f64,
    /// For each image, the one that the rest comes from.
    pub partners: Vec<usize>,
}

impl Augmentation {
    /// True if images are unchanged.
    pub fn is_none(self) -> bool {
        self == Augmentation::default()
    }

    /// Changes prepared images `[images, channels, height, width]` in place; `rng` alone decides how. Returns the mixture if
    /// there is one.
    ///
    /// # Panics
    /// If `pixels` is not a whole number of images.
    pub fn apply(self, pixels: &mut [f32], [channels, height, width]: [usize; 3], rng: &mut impl Rng) -> Option<Mixed> {
        let size = channels * height * width;
        assert!(size > 0 && pixels.len().is_multiple_of(size), "whole images of {size} values");
        for image in pixels.chunks_exact_mut(size) {
            let flip = self.flip && rng.random::<bool>();
            // i64 has the same size on every machine; isize would draw other numbers.
            let mut offset = |side: usize| match self.shift.min(side - 1) as i64 {
                0 => 0,
                most => rng.random_range(-most..=most) as isize,
            };
            let (down, right) = (offset(height), offset(width));
            for channel in image.chunks_exact_mut(height * width) {
                if flip {
                    channel.chunks_exact_mut(width).for_each(<[f32]>::reverse);
                }
                if (down, right) != (0, 0) {
                    moved(channel, [height, width], [down, right]);
                }
            }
        }
        // Mixing needs two.
        (self.mixup > 0.0 && pixels.len() > size).then(|| self.mix(pixels, size, rng)).flatten()
    }

    fn mix(self, pixels: &mut [f32], size: usize, rng: &mut impl Rng) -> Option<Mixed> {
        let lambda = Beta::new(self.mixup, self.mixup).ok()?.sample(rng);
        let n = pixels.len() / size;
        // A random rotation: no image is mixed with itself.
        let by = rng.random_range(1..n as u64) as usize;
        let partners: Vec<usize> = (0..n).map(|i| (i + by) % n).collect();
        let before = pixels.to_vec();
        let share = lambda as f32;
        for (image, &partner) in pixels.chunks_exact_mut(size).zip(&partners) {
            for (x, &other) in image.iter_mut().zip(&before[partner * size..]) {
                *x = share * *x + (1.0 - share) * other;
            }
        }
        Some(Mixed { lambda, partners })
    }
}

/// Shifts a channel down and right (up and left if negative); the edge is repeated.
fn moved(channel: &mut [f32], [height, width]: [usize; 2], [down, right]: [isize; 2]) {
    let before = channel.to_vec();
    let from = |i: usize, by: isize, side: usize| (i as isize - by).clamp(0, side as isize - 1) as usize;
    for (y, row) in channel.chunks_exact_mut(width).enumerate() {
        let source = &before[from(y, down, height) * width..][..width];
        for (x, pixel) in row.iter_mut().enumerate() {
            *pixel = source[from(x, right, width)];
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn images(n: usize) -> Vec<f32> {
        (0..n * 2 * 3 * 4).map(|i| i as f32).collect()
    }

    fn applied(augmentation: Augmentation, n: usize) -> (Vec<f32>, Option<Mixed>) {
        let mut pixels = images(n);
        let mixed = augmentation.apply(&mut pixels, [2, 3, 4], &mut ChaCha8Rng::seed_from_u64(2));
        (pixels, mixed)
    }

    #[test]
    fn nothing_is_done_unless_asked_for() {
        assert_eq!(applied(Augmentation::default(), 3), (images(3), None));
    }

    #[test]
    fn about_half_are_mirrored_in_all_channels() {
        let (n, before) = (400, images(400));
        let (pixels, _) = applied(Augmentation { flip: true, ..Augmentation::default() }, n);
        let mut mirrored = 0;
        for (new, old) in pixels.chunks(24).zip(before.chunks(24)) {
            let expected: Vec<f32> = old.chunks(4).flat_map(|row| row.iter().rev().copied()).collect();
            if new != old {
                assert_eq!(new, expected);
                mirrored += 1;
            }
        }
        assert!((n * 2 / 5..n * 3 / 5).contains(&mirrored), "{mirrored} of {n}");
    }

    #[test]
    fn a_shifted_image_repeats_its_edge() {
        let mut channel: Vec<f32> = (0..12).map(|i| i as f32).collect();
        moved(&mut channel, [3, 4], [1, -2]);
        assert_eq!(channel, [2.0, 3.0, 3.0, 3.0, 2.0, 3.0, 3.0, 3.0, 6.0, 7.0, 7.0, 7.0]);
        let (pixels, _) = applied(Augmentation { shift: 2, ..Augmentation::default() }, 50);
        let changed = pixels.chunks(24).zip(images(50).chunks(24)).filter(|(a, b)| a != b).count();
        assert!(changed > 40, "{changed} of 50 were moved; one of 25 stays");
    }

    #[test]
    fn mixing_keeps_the_sum_and_names_the_partners() {
        let mixup = Augmentation { mixup: 0.4, ..Augmentation::default() };
        let (pixels, mixed) = applied(mixup, 5);
        let mixed = mixed.unwrap();
        assert!(mixed.lambda > 0.0 && mixed.lambda < 1.0);
        for (i, &partner) in mixed.partners.iter().enumerate() {
            assert_ne!(partner, i);
            let expected = mixed.lambda * (i * 24) as f64 + (1.0 - mixed.lambda) * (partner * 24) as f64;
            assert!((f64::from(pixels[i * 24]) - expected).abs() < 1e-4);
        }
        // A single image has no partner.
        assert_eq!(applied(mixup, 1).1, None);
    }
}
