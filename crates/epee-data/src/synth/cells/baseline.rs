//! A baseline that sees colour and no shapes.

use epee_input::Example;

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
