//! Reliability: whether answers with confidence p are correct in a share p of the cases.

use serde::Serialize;

use super::{QualityError, check_bins, check_temperature, labelled};
use crate::confidence::{argmax, probabilities, temper};
use crate::trace::Trace;

/// Samples of similar confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// The number of samples; at least 1.
    pub count: u64,
    /// Their mean confidence, the probability of the class answered.
    pub confidence: f64,
    /// The share of them answered correctly.
    pub accuracy: f64,
    /// The least confidence among them.
    pub low: f64,
    /// The greatest.
    pub high: f64,
}

/// The reliability of one exit, from 1, at one temperature: its labelled samples in `bins` bins of equal
/// mass, by confidence from low to high.
///
/// Sorted by confidence, and by index if confidences are equal, sample i of n is in bin b if
/// `floor(b n / bins) <= i < floor((b + 1) n / bins)`: sizes differ by at most 1, and equal confidences may
/// lie in two bins. A bin that would be empty (n < bins) is left out.
///
/// # Errors
/// No labels, no bins, an exit that does not exist, a temperature that is not a finite number above 0.
///
/// ```
/// # use epee_exit::{Trace, expected_calibration_error, reliability};
/// let trace = Trace::from_logits(1, 2, [0.0, 0.0, 3f32.ln(), 0.0].repeat(2), vec![0, 0, 1, 0])?;
/// let bins = reliability(&trace, 1, 1.0, 2)?; // confidence 1/2: one correct of two; 3/4: both
/// assert_eq!((bins[0].count, bins[0].confidence, bins[0].accuracy), (2, 0.5, 0.5));
/// assert_eq!((bins[1].count, bins[1].accuracy), (2, 1.0));
/// assert!((expected_calibration_error(&bins) - 0.125).abs() < 1e-7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn reliability(
    trace: &Trace,
    exit: usize,
    temperature: f64,
    bins: usize,
) -> Result<Vec<ReliabilityBin>, QualityError> {
    if !(1..=trace.exits()).contains(&exit) {
        return QualityError::range("exit", format!("1 to {} (the number of exits)", trace.exits()), exit);
    }
    check_temperature(exit, temperature)?;
    check_bins(bins)?;
    let (mut z, mut p) = (Vec::new(), Vec::new());
    let answer = |(sample, label)| {
        let row = trace.row(sample, exit);
        let predicted = argmax(row);
        temper(row, temperature, &mut z);
        probabilities(&z, &mut p);
        (p[predicted], predicted == label)
    };
    let mut answers: Vec<(f64, bool)> = labelled(trace)?.into_iter().map(answer).collect();
    Ok(equal_mass(&mut answers, bins))
}

/// The bins of answers, each its confidence and whether it is correct; sorts them.
pub(super) fn equal_mass(answers: &mut [(f64, bool)], bins: usize) -> Vec<ReliabilityBin> {
    answers.sort_by(|a, b| a.0.total_cmp(&b.0)); // stable
    let bins = bins.min(answers.len()); // more would be empty
    let edge = |bin: usize| (bin as u128 * answers.len() as u128 / bins as u128) as usize;
    let bin = |at: usize| {
        let part = &answers[edge(at)..edge(at + 1)];
        let (first, last) = (part.first()?, part.last()?);
        let count = part.len() as f64;
        Some(ReliabilityBin {
            count: part.len() as u64,
            confidence: part.iter().map(|answer| answer.0).sum::<f64>() / count,
            accuracy: part.iter().filter(|answer| answer.1).count() as f64 / count,
            low: first.0,
            high: last.0,
        })
    };
    (0..bins).filter_map(bin).collect()
}

/// The expected calibration error: `ECE = Σ_b (n_b / n) |accuracy_b - confidence_b|` (Naeini et al., AAAI
/// 2015; equal-mass bins as in arXiv 1904.01685). NaN without bins.
pub fn expected_calibration_error(bins: &[ReliabilityBin]) -> f64 {
    let gap = |bin: &ReliabilityBin| bin.count as f64 * (bin.accuracy - bin.confidence).abs();
    let samples: u64 = bins.iter().map(|bin| bin.count).sum();
    bins.iter().map(gap).sum::<f64>() / samples as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_have_equal_mass_and_ties_keep_their_order() {
        // Equal confidences: the first of them are in the first bin.
        let mut answers = [(0.5, true), (0.5, true), (0.9, false), (0.5, false), (0.5, false)];
        let bins = equal_mass(&mut answers, 2);
        assert_eq!(bins.iter().map(|bin| bin.count).collect::<Vec<_>>(), [2, 3]);
        assert_eq!((bins[0].accuracy, bins[1].accuracy), (1.0, 0.0));
        assert_eq!((bins[1].low, bins[1].high), (0.5, 0.9));
        for (samples, bins) in [(7, 3), (3, 7), (1, 1), (10, 10), (3, usize::MAX)] {
            let mut answers = vec![(0.5, true); samples];
            let counts: Vec<u64> = equal_mass(&mut answers, bins).iter().map(|bin| bin.count).collect();
            assert_eq!(counts.iter().sum::<u64>(), samples as u64);
            assert!(counts.iter().max().zip(counts.iter().min()).is_some_and(|(a, b)| a - b <= 1), "{counts:?}");
        }
    }
}
