//! One row of logits: its class, its probabilities and its uncertainty.
//!
//! Everything is computed in f64 with `libm`, whose code is the same on every platform: a threshold
//! that lets a sample out on one machine lets it out on all of them.

/// The class of the greatest logit; the lowest index if several are equal. 0 for an empty row.
///
/// ```
/// assert_eq!(epee_exit::argmax(&[0.5, 2.0, 2.0]), 1);
/// ```
pub fn argmax(logits: &[f32]) -> usize {
    let mut best = 0;
    for k in 1..logits.len() {
        if logits[k] > logits[best] {
            best = k;
        }
    }
    best
}

/// Normalised entropy, Eq. 1 of the paper: `H = -Σ_k p_k ln p_k / ln K`, with `p = softmax(logits)`.
///
/// `logits` has K finite values; the result lies in [0, 1], 1 for equal logits. A probability that
/// underflows contributes 0. K = 1 has no uncertainty to normalise: the result is 0.
///
/// ```
/// assert_eq!(epee_exit::entropy(&[3.0, 3.0, 3.0]), 1.0);
/// assert!((epee_exit::entropy(&[0.0, 3.0f32.ln()]) - 0.811_278).abs() < 1e-6); // p = 1/4, 3/4
/// ```
pub fn entropy(logits: &[f32]) -> f64 {
    read(logits, ln_classes(logits.len())).1
}

/// `softmax(logits)`, computed in f64 and rounded once.
///
/// ```
/// assert_eq!(epee_exit::softmax(&[1e30, -1e30]), [1.0, 0.0]);
/// ```
pub fn softmax(logits: &[f32]) -> Vec<f32> {
    let mut p = Vec::with_capacity(logits.len());
    probabilities(logits, &mut p);
    p.into_iter().map(|p| p as f32).collect()
}

/// `ln K`, in the form that makes the entropy of equal logits exactly 1.
pub(crate) fn ln_classes(classes: usize) -> f64 {
    libm::log1p(classes.saturating_sub(1) as f64)
}

/// The numbers that one pass over a row computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Facts {
    /// The class of the greatest logit.
    pub(crate) label: u32,
    /// Entropy in nats, `-Σ p ln p`.
    pub(crate) nats: f64,
    /// The greatest probability.
    pub(crate) confidence: f64,
    /// The greatest probability minus the second.
    pub(crate) margin: f64,
}

/// Class, entropy, confidence and margin of a row of finite logits.
///
/// With `d_k = z_k - max z` and `s = Σ exp d_k`, the log-softmax is `d_k - ln s` and the entropy is
/// `ln s + Σ exp(d_k) (-d_k) / s`: two terms of one sign, so nothing cancels.
pub(crate) fn facts(logits: &[f32]) -> Facts {
    let label = argmax(logits);
    if logits.len() < 2 {
        return Facts { label: label as u32, nats: 0.0, confidence: 1.0, margin: 1.0 };
    }
    let max = f64::from(logits[label]);
    let (mut others, mut spread, mut second) = (0.0, 0.0, 0.0f64);
    for (k, &z) in logits.iter().enumerate() {
        if k != label {
            let d = f64::from(z) - max;
            let weight = libm::exp(d);
            others += weight;
            spread -= weight * d;
            second = second.max(weight);
        }
    }
    Facts {
        label: label as u32,
        nats: libm::log1p(others) + spread / (1.0 + others),
        confidence: 1.0 / (1.0 + others),
        margin: (1.0 - second) / (1.0 + others),
    }
}

/// Nats over `ln K`, in [0, 1]; `ln_classes` is [`ln_classes`] of K. 0 for one class.
pub(crate) fn normalised(nats: f64, ln_classes: f64) -> f64 {
    if ln_classes > 0.0 { (nats / ln_classes).min(1.0) } else { 0.0 }
}

/// The class of a row and its normalised entropy.
pub(crate) fn read(logits: &[f32], ln_classes: f64) -> (usize, f64) {
    let facts = facts(logits);
    (facts.label as usize, normalised(facts.nats, ln_classes))
}

/// `softmax(logits)` in f64, into `out`.
pub(crate) fn probabilities(logits: &[f32], out: &mut Vec<f64>) {
    let max = logits.get(argmax(logits)).copied().map_or(0.0, f64::from);
    out.clear();
    out.extend(logits.iter().map(|&z| libm::exp(f64::from(z) - max)));
    let sum: f64 = out.iter().sum();
    for p in out {
        *p /= sum;
    }
}

/// `logits / temperature` into `out`, rounded once and kept finite; a temperature of 1 changes no bit.
pub(crate) fn temper(logits: &[f32], temperature: f64, out: &mut Vec<f32>) {
    out.clear();
    out.extend(logits.iter().map(|&z| ((f64::from(z) / temperature) as f32).clamp(f32::MIN, f32::MAX)));
}

/// The first value that is not a finite number.
pub(crate) fn first_non_finite(values: &[f32]) -> Option<usize> {
    // Without an early end the first pass is vectorised.
    if values.iter().fold(true, |finite, value| finite & value.is_finite()) {
        return None;
    }
    values.iter().position(|v| !v.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_of_known_rows() {
        for k in 2..40 {
            assert_eq!(entropy(&vec![-7.25; k]), 1.0, "{k} equal logits");
        }
        for row in [&[1e30, -1e30][..], &[-f32::MAX, f32::MAX], &[0.0, 1e4], &[4.0]] {
            assert_eq!(entropy(row), 0.0, "{row:?}");
        }
        // Far below the rounding of 1: the entropy is still resolved.
        let h = entropy(&[50.0, 0.0]);
        assert!(h > 0.0 && h < 1e-18, "{h}");
        assert_eq!((softmax(&[4.0]), argmax(&[4.0]), argmax(&[-0.0, 0.0])), (vec![1.0], 0, 0));
    }

    #[test]
    fn a_temperature_divides_and_one_changes_no_bit() {
        let mut out = vec![9.0; 7];
        temper(&[3.0, -0.5], 2.0, &mut out);
        assert_eq!(out, [1.5, -0.25]);
        let row = [0.1, -0.0, f32::MIN_POSITIVE / 2.0];
        temper(&row, 1.0, &mut out);
        assert_eq!(out.iter().map(|z| z.to_bits()).collect::<Vec<_>>(), row.map(f32::to_bits));
    }

    #[test]
    fn finds_values_that_are_not_finite() {
        assert_eq!(first_non_finite(&[0.0, f32::MAX, f32::MAX]), None);
        assert_eq!(first_non_finite(&[0.0, 1.0, f32::NAN]), Some(2));
        assert_eq!(first_non_finite(&[f32::NEG_INFINITY, f32::INFINITY]), Some(0));
    }
}
