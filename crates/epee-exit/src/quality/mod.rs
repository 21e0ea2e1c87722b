//! The quality of each exit's probabilities: temperatures, reliability, proper scores.

mod reliability;
mod temperature;

use rayon::prelude::*;
use serde::Serialize;

pub use reliability::{ReliabilityBin, expected_calibration_error, reliability};
pub use temperature::fit_temperatures;

use crate::confidence::{argmax, ln_classes, probabilities, read, temper};
use crate::trace::Trace;

/// Probabilities that cannot be fitted or judged.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum QualityError {
    /// No sample has a label.
    #[error("trace: expected samples with labels, got none\nhint: record the trace on a split whose labels are known")]
    NoLabels,
    /// Every label is the same class, so the most confident answer is always the best one.
    #[error(
        "trace: expected labels of at least 2 classes, got `{class}` alone\nhint: fit temperatures on more samples, drawn \
         from all classes"
    )]
    OneClass { class: String },
    /// A temperature, a number of bins or an exit is outside its range.
    #[error("{part}: expected {expected}, got {got}")]
    OutOfRange { part: String, expected: String, got: String },
}

impl QualityError {
    fn range<T>(part: &str, expected: impl ToString, got: impl ToString) -> Result<T, QualityError> {
        let (part, expected, got) = (part.to_owned(), expected.to_string(), got.to_string());
        Err(QualityError::OutOfRange { part, expected, got })
    }
}

/// The quality of one exit's probabilities, over the samples with a label. With `p = softmax(z / T)`:
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExitQuality {
    /// The exit, from 1.
    pub exit: usize,
    /// T.
    pub temperature: f64,
    /// The mean of `-ln p_y`, in nats.
    pub nll: f64,
    /// See [`expected_calibration_error`].
    pub ece: f64,
    /// Brier's score (1950): the mean of `Σ_k (p_k - 1[y = k])²`, in [0, 2].
    pub brier: f64,
    /// How well this exit's normalised entropy finds the samples that it answers wrong and the last
    /// exit correctly: the area under the ROC curve, ties counting half. `None` if there are none
    /// or nothing else, so always for the last exit.
    pub auroc: Option<f64>,
}

/// The quality of every exit at its temperature, `[M]`, with the calibration error over `bins` bins of
/// equal mass. A temperature changes no answer: answers are read from the logits as recorded.
///
/// # Errors
/// No labels, no bins, not one temperature an exit, a temperature that is not a finite number above 0.
///
/// ```
/// # use epee_exit::{Trace, exit_quality};
/// // Probabilities 1/4 and 3/4, the second for the true class: -ln 3/4 and 1/16 + 1/16.
/// let trace = Trace::from_logits(1, 2, vec![0.0, 3f32.ln()], vec![1])?;
/// let got = &exit_quality(&trace, &[1.0], 10)?[0];
/// assert!((got.nll - 0.287_682).abs() < 1e-6 && (got.brier - 0.125).abs() < 1e-6);
/// assert_eq!(got.auroc, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn exit_quality(trace: &Trace, temperatures: &[f64], bins: usize) -> Result<Vec<ExitQuality>, QualityError> {
    if temperatures.len() != trace.exits() {
        let expected = format!("{} (the number of exits)", trace.exits());
        return QualityError::range("temperatures", expected, temperatures.len());
    }
    for (exit, &temperature) in (1..).zip(temperatures) {
        check_temperature(exit, temperature)?;
    }
    check_bins(bins)?;
    let samples = labelled(trace)?;
    let of_exit = |(i, &temperature): (usize, &f64)| quality(trace, &samples, i + 1, temperature, bins);
    Ok(temperatures.par_iter().enumerate().map(of_exit).collect())
}

fn quality(trace: &Trace, samples: &[(usize, usize)], exit: usize, temperature: f64, bins: usize) -> ExitQuality {
    let ln_classes = ln_classes(trace.classes());
    let (mut z, mut p) = (Vec::new(), Vec::new());
    let (mut nll, mut brier) = (0.0, 0.0);
    let (mut answers, mut scores) = (Vec::with_capacity(samples.len()), Vec::with_capacity(samples.len()));
    for &(sample, label) in samples {
        let row = trace.row(sample, exit);
        let predicted = argmax(row);
        let correct = predicted == label;
        let saved_later = !correct && argmax(trace.row(sample, trace.exits())) == label;
        temper(row, temperature, &mut z);
        probabilities(&z, &mut p);
        brier += p.iter().enumerate().map(|(k, p)| (p - f64::from(u8::from(k == label))).powi(2)).sum::<f64>();
        answers.push((p[predicted], correct));
        // ln p_y by the difference of logits, which stays finite if p_y underflows.
        nll -= f64::from(z[label]) - f64::from(z[predicted]) + libm::log(p[predicted]);
        scores.push((read(&z, ln_classes).1, saved_later));
    }
    let all = samples.len() as f64;
    ExitQuality {
        exit,
        temperature,
        nll: nll / all,
        ece: expected_calibration_error(&reliability::equal_mass(&mut answers, bins)),
        brier: brier / all,
        auroc: auroc(&mut scores),
    }
}

/// The area under the ROC curve: how often a member of the group scores above one outside it, ties
/// counting half (Mann and Whitney's U over the number of pairs). `None` if either side is
/// empty. Each item is a score and whether it is a member; sorts them.
fn auroc(items: &mut [(f64, bool)]) -> Option<f64> {
    items.sort_by(|a, b| a.0.total_cmp(&b.0));
    let members = items.iter().filter(|item| item.1).count() as u64;
    let others = items.len() as u64 - members;
    // Twice the number of pairs won, so that a tie is whole.
    let (mut won, mut others_below) = (0u64, 0u64);
    for tied in items.chunk_by(|a, b| a.0 == b.0) {
        let here = tied.iter().filter(|item| item.1).count() as u64;
        let others_here = tied.len() as u64 - here;
        won += here * (2 * others_below + others_here);
        others_below += others_here;
    }
    (members > 0 && others > 0).then(|| won as f64 / (2 * members * others) as f64)
}

/// The samples with a label, each its index and its class; at least one.
fn labelled(trace: &Trace) -> Result<Vec<(usize, usize)>, QualityError> {
    let known = |(sample, &label): (usize, &i64)| Some((sample, usize::try_from(label).ok()?));
    let samples: Vec<_> = trace.labels().iter().enumerate().filter_map(known).collect();
    if samples.is_empty() { Err(QualityError::NoLabels) } else { Ok(samples) }
}

fn check_temperature(exit: usize, got: f64) -> Result<(), QualityError> {
    let above_zero = got.is_finite() && got > 0.0;
    if above_zero { Ok(()) } else { QualityError::range(&format!("exit {exit}"), "a temperature above 0", got) }
}

fn check_bins(bins: usize) -> Result<(), QualityError> {
    if bins > 0 { Ok(()) } else { QualityError::range("bins", "at least 1", bins) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(exits: usize, logits: Vec<f32>, labels: Vec<i64>) -> Trace {
        Trace::from_logits(exits, 2, logits, labels).unwrap()
    }

    #[test]
    fn auroc_counts_pairs() {
        for (mut items, area) in [
            (vec![(0.9, true), (0.1, false)], Some(1.0)),
            (vec![(0.1, true), (0.9, false)], Some(0.0)),
            (vec![(0.5, true), (0.5, false), (0.2, false)], Some(0.75)),
            (vec![(0.0, false), (-0.0, true)], Some(0.5)),
            (vec![(0.5, true), (0.4, true)], None),
            (vec![], None),
        ] {
            assert_eq!(auroc(&mut items), area, "{items:?}");
        }
    }

    #[test]
    fn auroc_ranks_the_samples_that_the_last_exit_corrects() {
        // Exit 1: unsure and wrong (saved), sure and right, sure and wrong but so is exit 2, unlabelled.
        let logits = vec![0.1, 0.0, 0.0, 1.0, 0.0, 3.0, 0.0, 3.0, 0.0, 2.0, 0.0, 2.0, 5.0, 0.0, 0.0, 0.0];
        let got = exit_quality(&trace(2, logits, vec![1, 1, 0, -1]), &[1.0, 2.0], 5).unwrap();
        assert_eq!((got[0].auroc, got[1].auroc), (Some(1.0), None));
        assert_eq!((got[1].exit, got[1].temperature), (2, 2.0));
    }

    #[test]
    fn extreme_logits_give_finite_scores() {
        let logits = vec![f32::MAX, f32::MIN, 1e30, 1e31];
        let got = exit_quality(&trace(1, logits, vec![1, 1]), &[0.01], 5).unwrap();
        assert!(got[0].nll.is_finite() && got[0].ece == 0.5 && got[0].brier == 1.0, "{got:?}");
    }

    #[test]
    fn errors_name_what_was_expected_and_got() {
        let two = trace(2, vec![0.0; 4], vec![0]);
        let error = |temperatures: &[f64], bins| exit_quality(&two, temperatures, bins).unwrap_err().to_string();
        assert_eq!(error(&[1.0], 5), "temperatures: expected 2 (the number of exits), got 1");
        for got in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(error(&[1.0, got], 5), format!("exit 2: expected a temperature above 0, got {got}"));
        }
        assert_eq!(error(&[1.0, 1.0], 0), "bins: expected at least 1, got 0");
        assert_eq!(exit_quality(&trace(1, vec![0.0; 2], vec![-1]), &[1.0], 5), Err(QualityError::NoLabels));
        for got in [0, 3] {
            let error = reliability(&two, got, 1.0, 5).unwrap_err();
            assert_eq!(error.to_string(), format!("exit: expected 1 to 2 (the number of exits), got {got}"));
        }
        assert_eq!(reliability(&two, 1, 1.0, 0), QualityError::range("bins", "at least 1", 0));
    }
}
