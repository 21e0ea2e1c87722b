//! Temperature scaling: one number per exit that calibrates its probabilities.

use rayon::prelude::*;

use super::{QualityError, labelled};
use crate::trace::Trace;

/// The least and the greatest temperature that is fitted.
const BOUNDS: (f64, f64) = (0.05, 20.0);

/// The temperature of each exit, `[M]`: `T_m = argmin_T -Σ log softmax(z_m / T)_y` over the samples with
/// a label (Guo et al., arXiv 1706.04599), within [0.05, 20].
///
/// The sum is convex in 1/T, so there is one minimum; it is found to a relative error of 1e-10. An exit
/// that is always correct has none, and gets 0.05. One whose logits are all equal keeps 1. Fit on
/// data that neither a test nor a certificate uses.
///
/// # Errors
/// No sample has a label, or all of them have the same one.
///
/// ```
/// # use epee_exit::{Trace, fit_temperatures};
/// // Correct in 3 of 4, with logits 2 ln 3 apart: at T = 2 the probability is 3/4.
/// let trace = Trace::from_logits(1, 2, [2.0 * 3f32.ln(), 0.0].repeat(4), vec![0, 0, 1, 0])?;
/// assert!((fit_temperatures(&trace)?[0] - 2.0).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fit_temperatures(trace: &Trace) -> Result<Vec<f64>, QualityError> {
    let samples = labelled(trace)?;
    let class = samples[0].1;
    if samples.iter().all(|&(_, label)| label == class) {
        return Err(QualityError::OneClass { class: trace.class_name(class) });
    }
    Ok((1..=trace.exits()).into_par_iter().map(|exit| fit(trace, exit, &samples)).collect())
}

/// Newton's method on the slope in β = 1/T, inside a bracket that it never leaves: if a step would
/// leave it, or is more than half the last one, the next point is the bracket's geometric middle.
fn fit(trace: &Trace, exit: usize, samples: &[(usize, usize)]) -> f64 {
    let slope = |beta: f64| slope(trace, exit, samples, beta);
    let (mut low, mut high) = (1.0 / BOUNDS.1, 1.0 / BOUNDS.0);
    if slope(1.0) == (0.0, 0.0) {
        return 1.0;
    }
    if slope(low).0 >= 0.0 {
        return BOUNDS.1;
    }
    if slope(high).0 <= 0.0 {
        return BOUNDS.0;
    }
    let (mut beta, mut moved) = (1.0, f64::INFINITY);
    while high > low * (1.0 + 1e-12) {
        let (first, second) = slope(beta);
        *(if first < 0.0 { &mut low } else { &mut high }) = beta;
        let newton = beta - first / second;
        if (newton - beta).abs() <= 1e-12 * beta {
            break;
        }
        let fast = newton > low && newton < high && (newton - beta).abs() <= 0.5 * moved;
        let next = if fast { newton } else { libm::sqrt(low * high) };
        moved = (next - beta).abs();
        beta = next;
    }
    1.0 / beta
}

/// The first and second derivative in β of `-Σ log softmax(β z)_y`: `Σ (E z - z_y)` and `Σ Var z` under
/// `softmax(β z)`.
fn slope(trace: &Trace, exit: usize, samples: &[(usize, usize)], beta: f64) -> (f64, f64) {
    let (mut first, mut second) = (0.0, 0.0);
    for &(sample, label) in samples {
        let row = trace.row(sample, exit);
        let max = row.iter().copied().fold(f32::MIN, f32::max);
        let (mut sum, mut mean, mut square) = (0.0, 0.0, 0.0);
        for &z in row {
            let d = f64::from(z) - f64::from(max);
            let weight = libm::exp(beta * d);
            sum += weight;
            mean += weight * d;
            square += weight * d * d;
        }
        mean /= sum;
        first += mean - (f64::from(row[label]) - f64::from(max));
        second += square / sum - mean * mean;
    }
    (first, second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(classes: usize, logits: Vec<f32>, labels: Vec<i64>) -> Trace {
        let exits = logits.len() / labels.len() / classes;
        Trace::from_logits(exits, classes, logits, labels).unwrap()
    }

    #[test]
    fn extreme_traces_reach_the_bounds() {
        // Always right; always wrong; equal logits; logits beyond any exponential.
        let right = trace(2, vec![1.0, 0.0, 0.0, 1.0], vec![0, 1]);
        let wrong = trace(2, vec![0.0, 1.0, 1.0, 0.0], vec![0, 1]);
        let equal = trace(2, vec![3.0, 3.0, -1.0, -1.0], vec![0, 1]);
        let huge = trace(2, vec![f32::MAX, f32::MIN, f32::MAX, f32::MIN, 0.0, 1.0], vec![0, 1, 1]);
        let of = |trace: &Trace| fit_temperatures(trace).unwrap()[0];
        assert_eq!((of(&right), of(&wrong), of(&equal), of(&huge)), (0.05, 20.0, 1.0, 20.0));
    }

    #[test]
    fn a_factor_of_the_logits_scales_the_temperature() {
        // Right in three of four, so the minimum is inside.
        let logits: Vec<f32> = (0..300).map(|i| ((i * 37) % 23) as f32 / 8.0).collect();
        let label = |i: usize| crate::argmax(&logits[3 * i..3 * i + 3]) as i64;
        let labels: Vec<i64> = (0..100).map(|i| if i % 4 == 0 { (label(i) + 1) % 3 } else { label(i) }).collect();
        let of = |factor: f32| {
            let scaled = logits.iter().map(|z| z * factor).collect();
            fit_temperatures(&trace(3, scaled, labels.clone())).unwrap()[0]
        };
        let base = of(1.0);
        assert!(base > 0.2 && base < 5.0, "{base}");
        for factor in [0.25f32, 0.5, 2.0, 4.0] {
            let got = of(factor) / base;
            assert!((got / f64::from(factor) - 1.0).abs() < 1e-10, "{got}, expected {factor}");
        }
    }

    #[test]
    fn errors_say_what_to_do() {
        for (labels, text) in [
            (vec![-1, -1, -1], "got none\nhint: record the trace on a split"),
            (vec![-1, 1, 1], "got `1` alone\nhint: fit temperatures on more samples, drawn"),
        ] {
            let error = fit_temperatures(&trace(2, vec![0.0; 6], labels)).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        }
    }
}
