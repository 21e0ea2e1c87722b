//! Pictures changed a little in training, so that each epoch shows others: mirrored, moved, mixed.

use rand::{Rng, RngExt};
use rand_distr::{Beta, Distribution};

/// What is done to the pictures of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Augmentation {
    /// Whether every second picture, by chance, is mirrored left to right.
    pub flip: bool,
    /// Pixels a picture is moved by at most, down or up and right or left; what comes in repeats the edge.
    pub shift: usize,
    /// α of mix-up (Zhang et al., 2018): each picture becomes `λ x + (1 − λ) x'`, λ drawn from Beta(α, α) once for a batch; 0 for none.
    pub mixup: f64,
}

/// How pictures were mixed: what is to be done to their targets.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixed {
    /// λ, the share of the picture itself, from 0 to 1.
    pub lambda: f64,
    /// Which picture the rest comes from, of each.
    pub partners: Vec<usize>,
}

impl Augmentation {
    /// True where pictures are left as they are.
    pub fn is_none(self) -> bool {
        self == Augmentation::default()
    }

    /// Changes prepared pictures `[pictures, channels, height, width]` in place, in a way that `rng` alone decides; says how they were
    /// mixed, if they were.
    ///
    /// # Panics
    /// Where `pixels` is no whole number of pictures.
    pub fn apply(self, pixels: &mut [f32], [channels, height, width]: [usize; 3], rng: &mut impl Rng) -> Option<Mixed> {
        let size = channels * height * width;
        assert!(size > 0 && pixels.len().is_multiple_of(size), "whole pictures of {size} values");
        for picture in pixels.chunks_exact_mut(size) {
            let flip = self.flip && rng.random::<bool>();
            // Drawn as what has the same size everywhere.
            let mut offset = |side: usize| match self.shift.min(side - 1) as i64 {
                0 => 0,
                most => rng.random_range(-most..=most) as isize,
            };
            let (down, right) = (offset(height), offset(width));
            for channel in picture.chunks_exact_mut(height * width) {
                if flip {
                    channel.chunks_exact_mut(width).for_each(<[f32]>::reverse);
                }
                if (down, right) != (0, 0) {
                    moved(channel, [height, width], [down, right]);
                }
            }
        }
        // A mean needs two.
        (self.mixup > 0.0 && pixels.len() > size).then(|| self.mix(pixels, size, rng)).flatten()
    }

    fn mix(self, pixels: &mut [f32], size: usize, rng: &mut impl Rng) -> Option<Mixed> {
        let lambda = Beta::new(self.mixup, self.mixup).ok()?.sample(rng);
        let n = pixels.len() / size;
        // A rotation by chance: nobody is mixed with itself.
        let by = rng.random_range(1..n as u64) as usize;
        let partners: Vec<usize> = (0..n).map(|i| (i + by) % n).collect();
        let before = pixels.to_vec();
        let share = lambda as f32;
        for (picture, &partner) in pixels.chunks_exact_mut(size).zip(&partners) {
            for (x, &other) in picture.iter_mut().zip(&before[partner * size..]) {
                *x = share * *x + (1.0 - share) * other;
            }
        }
        Some(Mixed { lambda, partners })
    }
}

/// Moves a channel down and right, or up and left; what comes in repeats the edge.
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

    fn pictures(n: usize) -> Vec<f32> {
        (0..n * 2 * 3 * 4).map(|i| i as f32).collect()
    }

    #[test]
    fn nothing_is_done_unless_asked_for() {
        let mut pixels = pictures(3);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        assert_eq!(Augmentation::default().apply(&mut pixels, [2, 3, 4], &mut rng), None);
        assert_eq!(pixels, pictures(3));
    }

    #[test]
    fn about_half_are_mirrored_in_all_channels() {
        let (n, before) = (400, pictures(400));
        let mut pixels = before.clone();
        let flip = Augmentation { flip: true, ..Augmentation::default() };
        flip.apply(&mut pixels, [2, 3, 4], &mut ChaCha8Rng::seed_from_u64(2));
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
    fn a_moved_picture_repeats_its_edge() {
        let mut channel: Vec<f32> = (0..12).map(|i| i as f32).collect();
        moved(&mut channel, [3, 4], [1, -2]);
        assert_eq!(channel, [2.0, 3.0, 3.0, 3.0, 2.0, 3.0, 3.0, 3.0, 6.0, 7.0, 7.0, 7.0]);
        let mut pixels = pictures(50);
        let shift = Augmentation { shift: 2, ..Augmentation::default() };
        shift.apply(&mut pixels, [2, 3, 4], &mut ChaCha8Rng::seed_from_u64(3));
        let changed = pixels.chunks(24).zip(pictures(50).chunks(24)).filter(|(a, b)| a != b).count();
        assert!(changed > 40, "{changed} of 50 were moved; one of 25 stays");
    }

    #[test]
    fn mixing_keeps_the_sum_and_says_whose_picture_it_took() {
        let mut pixels = pictures(5);
        let mixup = Augmentation { mixup: 0.4, ..Augmentation::default() };
        let mixed = mixup.apply(&mut pixels, [2, 3, 4], &mut ChaCha8Rng::seed_from_u64(4)).unwrap();
        assert!(mixed.lambda > 0.0 && mixed.lambda < 1.0);
        for (i, &partner) in mixed.partners.iter().enumerate() {
            assert_ne!(partner, i);
            let expected = mixed.lambda * (i * 24) as f64 + (1.0 - mixed.lambda) * (partner * 24) as f64;
            assert!((f64::from(pixels[i * 24]) - expected).abs() < 1e-4);
        }
        // One picture alone has nobody to be mixed with.
        assert_eq!(mixup.apply(&mut pictures(1), [2, 3, 4], &mut ChaCha8Rng::seed_from_u64(4)), None);
    }
}
