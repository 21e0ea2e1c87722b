//! Drawings of blood cells: eight kinds, five grades of difficulty, seeded.
//!
//! A kind is what its nucleus and its granules look like. At grade 1 each kind has a size and a colour of its own as
//! well, so that the mean of the pixels tells them apart. With each grade sizes and colours draw nearer to one
//! distribution for all, cells lie further from the middle, and noise, blur, stain and neighbouring red cells grow:
//! at grade 5 the shape alone tells. Kinds and grades are equally frequent in every split. The same seed gives the
//! same bytes on every machine: sums, products and square roots are IEEE's, the sine is `libm`'s.
//!
//! ```
//! use epee_data::synth::cells::{self, CellsConfig};
//! let cells = cells::generate(&CellsConfig { train: 40, dev: 40, test: 40, ..CellsConfig::default() });
//! let first = cells.train[0].image.as_ref().unwrap();
//! assert_eq!((first.height, first.width, first.channels), (28, 28, 3));
//! ```

mod draw;
mod kinds;
mod raster;
#[cfg(test)]
mod tests;

use std::path::Path;

use rayon::prelude::*;

pub use kinds::Kind;

use super::Splits;
use crate::dataset::{Dataset, Draft, Task, write_dataset};
use crate::error::{Error, Result};
use crate::random::Choices;
use epee_input::Example;

/// Seed, sizes of the splits and pixels of the drawings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say what the fields are")]
pub struct CellsConfig {
    pub seed: u64,
    pub train: usize,
    pub dev: usize,
    pub test: usize,
    /// Pixels a side, from 8 to 512.
    pub pixels: usize,
}

impl Default for CellsConfig {
    /// Seed 1, 4000/800/800 images of 28 pixels.
    fn default() -> Self {
        Self { seed: 1, train: 4000, dev: 800, test: 800, pixels: 28 }
    }
}

/// Grades of difficulty.
pub const GRADES: u32 = 5;

/// Draws the three splits. An example's id is its grade, its kind and a number, as in `g4-monocyte/00017`.
#[must_use]
pub fn generate(config: &CellsConfig) -> Splits {
    let CellsConfig { seed, pixels, .. } = *config;
    Splits {
        train: split(seed, 1, config.train, pixels),
        dev: split(seed, 2, config.dev, pixels),
        test: split(seed, 3, config.test, pixels),
    }
}

/// Draws the cells and writes them into the folder `out`.
///
/// # Errors
/// A split without images, sides out of range; a folder that holds something, unless `force`; a refusal to write.
pub fn write(config: &CellsConfig, out: &Path, force: bool) -> Result<Dataset> {
    if !(8..=512).contains(&config.pixels) {
        return Err(Error::Invalid(format!("expected sides from 8 to 512 pixels, got {}", config.pixels)));
    }
    let cells = generate(config);
    let draft = Draft {
        name: "cells".to_owned(),
        task: Task::ImageClassification,
        labels: Kind::ALL.map(|kind| kind.name().to_owned()).to_vec(),
        source: format!("drawn by epee, seed {}", config.seed),
        licence: "MIT OR Apache-2.0".to_owned(),
        notes: vec![
            "drawings, no medical data: kinds are told by nucleus and granules".to_owned(),
            "the grade is the difficulty, 1 to 5: at 1 colour and size tell the kind, at 5 the shape alone".to_owned(),
        ],
        splits: cells.named(),
        ..Draft::default()
    };
    write_dataset(out, &draft, force)
}

fn split(seed: u64, number: u64, count: usize, pixels: usize) -> Vec<Example> {
    let mut order: Vec<usize> = (0..count).collect();
    Choices::new(seed, number << 40).shuffle(&mut order);
    let mut cells: Vec<Example> = order
        .into_par_iter()
        .map(|i| {
            let kind = Kind::ALL[i % Kind::ALL.len()];
            let grade = 1 + (i / Kind::ALL.len() % GRADES as usize) as u32;
            // A stream for each canvas, whatever the others are.
            let mut choices = Choices::new(seed, (number << 40) + 1 + i as u64);
            Example {
                id: format!("g{grade}-{}", kind.name()),
                image: Some(draw::cell(&mut choices, kind, grade, pixels)),
                label: Some(kind.index()),
                grade: Some(grade),
                ..Example::default()
            }
        })
        .collect();
    for (number, cell) in cells.iter_mut().enumerate() {
        cell.id = format!("{}/{number:05}", cell.id);
    }
    cells
}

/// Predicts for each test image the class with the nearest mean training colour. A model that sees shapes must beat it.
///
/// ```
/// use epee_data::synth::cells::{CellsConfig, generate, nearest_colour};
/// let cells = generate(&CellsConfig { train: 400, dev: 40, test: 40, ..CellsConfig::default() });
/// let found = nearest_colour(&cells.train, &cells.test, 8);
/// let correct = found.iter().zip(&cells.test).filter(|(found, example)| Some(**found) == example.label).count();
/// assert!(correct > 5 && correct < 32);
/// ```
#[must_use]
pub fn nearest_colour(train: &[Example], test: &[Example], classes: usize) -> Vec<usize> {
    let mut sums = vec![([0.0; 3], 0.0); classes];
    for (label, colour) in train.iter().filter_map(|example| Some((example.label?, mean_colour(example)))) {
        if let Some((sum, count)) = sums.get_mut(label) {
            sum.iter_mut().zip(colour).for_each(|(sum, x)| *sum += x);
            *count += 1.0;
        }
    }
    let distance = |class: usize, colour: [f64; 3]| {
        let (sum, count) = sums[class];
        (0..3).map(|k| (sum[k] / count - colour[k]).powi(2)).sum::<f64>()
    };
    let nearest = |example: &Example| {
        let colour = mean_colour(example);
        (0..classes).min_by(|&a, &b| distance(a, colour).total_cmp(&distance(b, colour))).unwrap_or(0)
    };
    test.iter().map(nearest).collect()
}

/// Mean red, green and blue of the whole image; of a grey one three times the same.
fn mean_colour(example: &Example) -> [f64; 3] {
    let Some(image) = &example.image else { return [0.0; 3] };
    let pixels = (image.height * image.width) as f64;
    std::array::from_fn(|k| {
        let samples = image.data.iter().skip(k % image.channels).step_by(image.channels);
        samples.map(|&v| f64::from(v)).sum::<f64>() / pixels
    })
}
