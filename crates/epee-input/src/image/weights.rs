//! Resampling filters and their weights, after Pillow's `Resample.c`.

use std::f64::consts::PI;

/// A resampling filter, with Pillow's number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// The pixel under the centre (0).
    Nearest,
    /// `sinc(x) · sinc(x/3)` over three pixels each way (1).
    Lanczos,
    /// A triangle over one pixel each way (2).
    Bilinear,
    /// Keys' cubic with `a = -0.5` over two pixels each way (3).
    Bicubic,
    /// The mean of the pixels covered (4).
    Box,
    /// Hamming's window of `sinc` over one pixel each way (5).
    Hamming,
}

impl Filter {
    /// All of them, by Pillow's number.
    pub const ALL: [Self; 6] = [Self::Nearest, Self::Lanczos, Self::Bilinear, Self::Bicubic, Self::Box, Self::Hamming];

    /// Reach from a pixel's centre, in source pixels if the image is not shrunk.
    fn support(self) -> f64 {
        match self {
            Self::Nearest | Self::Box => 0.5,
            Self::Bilinear | Self::Hamming => 1.0,
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
        }
    }

    fn at(self, x: f64) -> f64 {
        let r = x.abs();
        match self {
            Self::Nearest | Self::Box => f64::from(u8::from(x > -0.5 && x <= 0.5)),
            Self::Bilinear if r < 1.0 => 1.0 - r,
            // Keys 1981, with a = -1/2.
            Self::Bicubic if r < 1.0 => (1.5 * r - 2.5) * r * r + 1.0,
            Self::Bicubic if r < 2.0 => (((r - 5.0) * r + 8.0) * r - 4.0) * -0.5,
            Self::Lanczos if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
            Self::Hamming if r == 0.0 => 1.0,
            Self::Hamming if r < 1.0 => sinc(r) * (0.54 + 0.46 * libm::cos(PI * r)),
            _ => 0.0,
        }
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { libm::sin(PI * x) / (PI * x) }
}

/// Fractional bits of a weight: 32, less 8 of the sample and 2 for sums beyond its range.
pub(super) const PRECISION: u32 = 32 - 8 - 2;

/// For each output position of one axis: its first source pixel and the weights.
pub(super) struct Weights {
    /// First source pixel of each output.
    pub(super) starts: Vec<usize>,
    /// End of each output's weights in `values`; they begin at the end of the one before.
    pub(super) ends: Vec<usize>,
    /// The weights, in units of 2^-[`PRECISION`]; those of one output add up to about 1.
    pub(super) values: Vec<i32>,
}

impl Weights {
    /// For `to` pixels out of `from`: the filter centred on each output, stretched by `from / to` if that shrinks.
    pub(super) fn new(from: usize, to: usize, filter: Filter) -> Self {
        let scale = from as f64 / to as f64;
        let stretch = scale.max(1.0);
        let support = filter.support() * stretch;
        let mut weights = Self { starts: Vec::new(), ends: Vec::new(), values: Vec::new() };
        let mut row = Vec::new();
        for i in 0..to {
            let center = (i as f64 + 0.5) * scale;
            let start = (center - support + 0.5).max(0.0) as usize;
            let end = ((center + support + 0.5).max(0.0) as usize).min(from);
            row.clear();
            row.extend((start..end).map(|x| filter.at((x as f64 - center + 0.5) * (1.0 / stretch))));
            let sum: f64 = row.iter().sum();
            let unit = if sum == 0.0 { 1.0 } else { sum };
            // Halves are rounded away from zero.
            let fixed = |&weight: &f64| libm::round(weight / unit * f64::from(1_u32 << PRECISION)) as i32;
            weights.values.extend(row.iter().map(fixed));
            weights.starts.push(start);
            weights.ends.push(weights.values.len());
        }
        weights
    }
}
