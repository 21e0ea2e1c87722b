//! Resizing 8-bit images as Pillow does: along rows and down columns, each a weighted sum in fixed point, rounded to
//! 8 bits.

use super::weights::{PRECISION, Weights};
use super::{Filter, Image};

/// The image at another size.
///
/// Equal to Pillow 13's `resize` with the same filter. An image of that size already is returned as it is.
pub fn resize(image: &Image, height: usize, width: usize, filter: Filter) -> Image {
    if (image.height, image.width) == (height, width) {
        return image.clone();
    }
    let channels = image.channels;
    let data =
        if filter == Filter::Nearest { nearest(image, height, width) } else { separable(image, height, width, filter) };
    Image { height, width, channels, data: data.into() }
}

/// Columns first, unless the height loses more than twice what the width does, as in Pillow 13. (Older versions never
/// turn the order round: that is where they differ from it, by one grey level.)
fn separable(image: &Image, height: usize, width: usize, filter: Filter) -> Vec<u8> {
    let channels = image.channels;
    let across = (image.width != width).then(|| Weights::new(image.width, width, filter));
    let down = (image.height != height).then(|| Weights::new(image.height, height, filter));
    let mut data = image.data.to_vec();
    let [lost_height, lost_width] = [(image.height, height), (image.width, width)].map(|(a, b)| a as i64 - b as i64);
    let down_first = lost_height > 0 && lost_height > 2 * lost_width;
    if let Some(weights) = down.as_ref().filter(|_| down_first) {
        data = rows(&data, image.width * channels, weights);
    }
    if let Some(weights) = &across {
        data = columns(&data, image.width, channels, weights);
    }
    if let Some(weights) = down.as_ref().filter(|_| !down_first) {
        data = rows(&data, width * channels, weights);
    }
    data
}

fn nearest(image: &Image, height: usize, width: usize) -> Vec<u8> {
    let source = |from: usize, to: usize| -> Vec<usize> {
        let step = from as f64 / to as f64;
        // Pillow adds the step up, so that rounding errors are its own.
        let mut at = step * 0.5;
        let mut places = Vec::with_capacity(to);
        for _ in 0..to {
            places.push((at as usize).min(from.saturating_sub(1)));
            at += step;
        }
        places
    };
    let channels = image.channels;
    let across = source(image.width, width);
    let mut out = Vec::with_capacity(height * width * channels);
    for y in source(image.height, height) {
        let row = &image.data[y * image.width * channels..][..image.width * channels];
        for &x in &across {
            out.extend_from_slice(&row[x * channels..][..channels]);
        }
    }
    out
}

/// Half of the last bit that stays.
const HALF: i32 = 1 << (PRECISION - 1);

fn clip(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

/// Sums along each row of the image. A sum stays within 32 bits: weights add up to 1 and their negative part to less than 0.4.
fn columns(data: &[u8], width: usize, channels: usize, weights: &Weights) -> Vec<u8> {
    let height = data.len() / (width * channels).max(1);
    let mut out = Vec::with_capacity(height * weights.starts.len() * channels);
    for row in data.chunks_exact(width * channels) {
        let mut begin = 0;
        for (&start, &end) in weights.starts.iter().zip(&weights.ends) {
            let weights = &weights.values[begin..end];
            begin = end;
            let source = &row[start * channels..];
            for channel in 0..channels {
                let samples = source.iter().skip(channel).step_by(channels);
                let sum: i32 = samples.zip(weights).map(|(&sample, weight)| i32::from(sample) * weight).sum();
                out.push(clip(HALF + sum));
            }
        }
    }
    out
}

/// Sums down each column of the image, whose rows are `stride` samples long.
fn rows(data: &[u8], stride: usize, weights: &Weights) -> Vec<u8> {
    let mut out = Vec::with_capacity(stride * weights.starts.len());
    let mut sums = vec![0_i32; stride];
    let mut begin = 0;
    for (&start, &end) in weights.starts.iter().zip(&weights.ends) {
        sums.fill(HALF);
        for (row, weight) in data[start * stride..].chunks_exact(stride).zip(&weights.values[begin..end]) {
            for (sum, &sample) in sums.iter_mut().zip(row) {
                *sum += i32::from(sample) * weight;
            }
        }
        begin = end;
        out.extend(sums.iter().map(|&sum| clip(sum)));
    }
    out
}
