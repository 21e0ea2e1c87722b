//! McNemar's exact test: do two classifiers differ on the same samples?

use super::binomial_cdf;

/// The two-sided p-value of "both are correct equally often" from the discordant pairs: b samples
/// that only the first answered correctly, c that only the second did.
///
/// `p = min(1, 2 P(Bin(b + c, 1/2) <= min(b, c)))`, the exact form of McNemar's test (Psychometrika
/// 1947); 1 if b + c = 0.
///
/// ```
/// assert!((epee_exit::statistics::mcnemar(1, 8) - 20.0 / 512.0).abs() < 1e-15); // 2 (1 + 9) / 2^9
/// ```
pub fn mcnemar(b: u64, c: u64) -> f64 {
    if b == c {
        return 1.0;
    }
    (2.0 * binomial_cdf(b.min(c), b.saturating_add(c), 0.5)).min(1.0)
}

/// The discordant pairs of two lists of predictions `[N]`: the number of samples that only `a`
/// answered correctly, and that only `b` did. Samples whose label is unknown (-1) do not count.
///
/// ```
/// assert_eq!(epee_exit::statistics::discordant(&[0, 1, 1, -1], &[0, 1, 0, 0], &[1, 0, 1, 1]), (2, 1));
/// ```
pub fn discordant(labels: &[i64], a: &[u32], b: &[u32]) -> (u64, u64) {
    let mut only = (0, 0);
    for ((&label, &a), &b) in labels.iter().zip(a).zip(b) {
        if label >= 0 {
            let (a, b) = (i64::from(a) == label, i64::from(b) == label);
            only.0 += u64::from(a && !b);
            only.1 += u64::from(b && !a);
        }
    }
    only
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_symmetric_and_at_most_one() {
        assert_eq!((mcnemar(0, 0), mcnemar(4, 4)), (1.0, 1.0));
        for b in 0..30 {
            for c in 0..30 {
                assert_eq!(mcnemar(b, c), mcnemar(c, b));
                assert!(mcnemar(b, c) <= 1.0);
            }
        }
        assert!((mcnemar(0, 6) - 2.0 / 64.0).abs() < 1e-16);
    }
}
