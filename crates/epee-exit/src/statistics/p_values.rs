//! p-values of "the risk exceeds ε" from n losses.
//!
//! Whatever cannot be judged (no samples, ε or δ outside (0, 1), a loss outside its range or NaN)
//! has p-value 1: nothing is certified.

use std::f64::consts::E;

use super::binomial_cdf;

/// The exact p-value for losses of 0 or 1, `errors` of n being 1: `P(Bin(n, ε) <= errors)`.
///
/// It is at most δ exactly if [`binomial_upper`](crate::statistics::binomial_upper) is at most ε.
///
/// ```
/// assert!((epee_exit::statistics::exact_binomial_p(0, 59, 0.05) - 0.048_495).abs() < 1e-6); // 0.95^59
/// ```
pub fn exact_binomial_p(errors: u64, n: u64, epsilon: f64) -> f64 {
    if n == 0 || !is_share(epsilon) {
        return 1.0;
    }
    binomial_cdf(errors, n, epsilon)
}

/// The Hoeffding–Bentkus p-value for n losses in [0, 1] with mean `R̂ = sum_of_losses / n`:
/// `min(exp(-n h(min(R̂, ε), ε)), e P(Bin(n, ε) <= ceil(n R̂)))`, with
/// `h(a, b) = a ln(a/b) + (1 - a) ln((1 - a)/(1 - b))`; at most 1.
///
/// Learn then Test (arXiv 2110.01052), Bates et al. (arXiv 2101.02703). It rounds up: rounding
/// down would certify too much if losses are not whole.
///
/// ```
/// let p = epee_exit::statistics::hoeffding_bentkus_p(2.5, 500, 0.02);
/// assert!((p - 0.016_716).abs() < 1e-6);
/// ```
pub fn hoeffding_bentkus_p(sum_of_losses: f64, n: u64, epsilon: f64) -> f64 {
    let all = n as f64;
    if n == 0 || !is_share(epsilon) || !(0.0..=all).contains(&sum_of_losses) {
        return 1.0;
    }
    let mean = (sum_of_losses / all).min(epsilon);
    let from_zero = if mean > 0.0 { mean * libm::log(mean / epsilon) } else { 0.0 };
    let divergence = from_zero + (1.0 - mean) * (libm::log1p(-mean) - libm::log1p(-epsilon));
    let hoeffding = libm::exp(-all * divergence);
    let bentkus = E * binomial_cdf(sum_of_losses.ceil() as u64, n, epsilon);
    hoeffding.min(bentkus).min(1.0)
}

/// The betting p-value (Waudby-Smith and Ramdas, arXiv 2010.09686) for losses in [-1, 1]:
/// `p = min(1, 1 / max_i K_i)` with `K_i = Π_{j <= i} (1 - ν_j (L_j - ε))`,
/// `ν_i = min(1, sqrt(2 ln(1/δ) / (n σ̂²_{i-1})))`, `μ̂_i = (1/2 + Σ_{j <= i} L_j) / (1 + i)`,
/// `σ̂²_i = (1/4 + Σ_{j <= i} (L_j - μ̂_j)²) / (1 + i)`, `σ̂²_0 = 1/4`.
///
/// It depends on the order of the losses: shuffle them once with a seed that is written down. δ, the
/// level it will be held against, steers the bets alone: any choice made beforehand is valid. As
/// `L - ε < 1` and ν is at most 1, no factor is negative, so a raw gap in {-1, 0, 1} is as valid as a
/// loss in [0, 1].
///
/// ```
/// // 400 samples without a loss: the largest bets would give 1.02^-400 = 0.000_363.
/// let p = epee_exit::statistics::betting_p(&[0.0; 400], 0.02, 0.05);
/// assert!((p - 0.000_426).abs() < 1e-6);
/// ```
pub fn betting_p(losses: &[f64], epsilon: f64, delta: f64) -> f64 {
    let judged = losses.iter().all(|loss| (-1.0..=1.0).contains(loss));
    if !judged || !is_share(epsilon) || !is_share(delta) {
        return 1.0;
    }
    let stake = -2.0 * libm::log(delta) / losses.len() as f64;
    let (mut sum, mut squares, mut variance) = (0.5, 0.25, 0.25);
    let (mut log_wealth, mut greatest) = (0.0, 0.0f64);
    for (i, &loss) in (1u64..).zip(losses) {
        let bet = libm::sqrt(stake / variance).min(1.0);
        log_wealth += libm::log1p(-bet * (loss - epsilon));
        greatest = greatest.max(log_wealth);
        sum += loss;
        let mean = sum / (1 + i) as f64;
        squares += (loss - mean) * (loss - mean);
        variance = squares / (1 + i) as f64;
    }
    libm::exp(-greatest)
}

/// The fewest samples on which a loss of 0 or 1 can be certified to have a risk of at most ε, namely
/// when not one is seen: the least n with `(1 - ε)^n <= δ`. `None` if ε or δ is outside (0, 1), or if
/// n would pass 2^53.
///
/// ```
/// let of = |epsilon| epee_exit::statistics::smallest_certifiable_n(epsilon, 0.05);
/// assert_eq!([0.05, 0.02, 0.01, 0.005].map(of), [Some(59), Some(149), Some(299), Some(598)]);
/// ```
pub fn smallest_certifiable_n(epsilon: f64, delta: f64) -> Option<u64> {
    if !is_share(epsilon) || !is_share(delta) {
        return None;
    }
    let near = (libm::log(delta) / libm::log1p(-epsilon)).ceil();
    if near >= (1u64 << 53) as f64 {
        return None;
    }
    // The quotient of rounded logarithms may be off by one beside a whole number.
    let near = near as u64;
    (near.saturating_sub(1).max(1)..=near + 1).find(|&n| exact_binomial_p(0, n, epsilon) <= delta)
}

/// The number of settings of a path that are certified: those before the first whose p-value is above δ.
///
/// Fixed-sequence testing (Learn then Test, arXiv 2110.01052): the order was fixed before the samples were looked at, so
/// each test may spend all of δ, and the first failure ends it. The setting that fails is not certified.
///
/// ```
/// assert_eq!(epee_exit::statistics::fixed_sequence(&[0.01, 0.04, 0.06, 0.001], 0.05), 2);
/// ```
pub fn fixed_sequence(p: &[f64], delta: f64) -> usize {
    // A p-value that is not a number certifies nothing.
    p.iter().take_while(|&&p| p <= delta).count()
}

fn is_share(value: f64) -> bool {
    value > 0.0 && value < 1.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::{stream, unit};

    #[test]
    fn what_cannot_be_judged_is_not_certified() {
        for epsilon in [0.0, 1.0, -0.1, 2.0, f64::NAN] {
            assert_eq!(exact_binomial_p(0, 1000, epsilon), 1.0);
            assert_eq!(hoeffding_bentkus_p(0.0, 1000, epsilon), 1.0);
            assert_eq!(betting_p(&[0.0; 1000], epsilon, 0.05), 1.0);
            assert_eq!(betting_p(&[0.0; 1000], 0.05, epsilon), 1.0);
            assert_eq!(smallest_certifiable_n(epsilon, 0.05), None);
            assert_eq!(smallest_certifiable_n(0.05, epsilon), None);
        }
        let of_nothing = [exact_binomial_p(0, 0, 0.1), hoeffding_bentkus_p(0.0, 0, 0.1), betting_p(&[], 0.1, 0.1)];
        assert_eq!(of_nothing, [1.0; 3]);
        for sum in [-1e-9, 1001.0, f64::NAN] {
            assert_eq!(hoeffding_bentkus_p(sum, 1000, 0.5), 1.0);
        }
        for loss in [1.5, -1.5, f64::NAN, f64::INFINITY] {
            assert_eq!(betting_p(&[0.0, loss], 0.9, 0.05), 1.0);
        }
        assert_eq!(smallest_certifiable_n(1e-17, 0.05), None);
        assert_eq!(exact_binomial_p(7, 7, 0.1), 1.0);
    }

    #[test]
    fn the_smallest_n_is_the_smallest() {
        for epsilon in [0.5, 0.3, 0.05, 0.013, 0.001] {
            for delta in [0.5, 0.25, 0.1, 0.05, 0.125] {
                let n = smallest_certifiable_n(epsilon, delta).unwrap();
                assert!(exact_binomial_p(0, n, epsilon) <= delta, "ε={epsilon} δ={delta}: {n}");
                assert!(n == 1 || exact_binomial_p(0, n - 1, epsilon) > delta, "ε={epsilon} δ={delta}: {n}");
            }
        }
        // 0.5^3 is 0.125 exactly.
        assert_eq!(smallest_certifiable_n(0.5, 0.125), Some(3));
    }

    /// A stream of losses whose mean is at or just above ε, and how often each p-value is at most δ.
    fn rejections(draw: impl Fn(f64) -> f64, n: usize, epsilon: f64, delta: f64) -> [f64; 2] {
        let (repeats, mut hits) = (4_000u64, [0u32; 2]);
        for repeat in 0..repeats {
            let mut bits = stream(11, repeat);
            let losses: Vec<f64> = (0..n).map(|_| draw(unit(&mut bits))).collect();
            if losses.iter().all(|&loss| loss >= 0.0) {
                hits[0] += u32::from(hoeffding_bentkus_p(losses.iter().sum(), n as u64, epsilon) <= delta);
            }
            hits[1] += u32::from(betting_p(&losses, epsilon, delta) <= delta);
        }
        hits.map(|hits| f64::from(hits) / repeats as f64)
    }

    #[test]
    fn at_a_risk_of_epsilon_a_share_delta_is_certified_at_most() {
        let (epsilon, delta) = (0.1, 0.1);
        let limit = delta + 3.0 * (delta * (1.0 - delta) / 4_000.0f64).sqrt();
        // 0 or 1; 0 or 1/2; -1, 0 or 1 (losses of 1 outweigh gains of -1 by ε).
        for (name, draw) in [
            ("binary", (|u: f64| f64::from(u8::from(u < 0.1))) as fn(f64) -> f64),
            ("halves", |u: f64| if u < 0.2 { 0.5 } else { 0.0 }),
            ("gap", |u: f64| f64::from(u8::from(u < 0.3)) - f64::from(u8::from((0.3..0.5).contains(&u)))),
        ] {
            let [bentkus, betting] = rejections(draw, 150, epsilon, delta);
            assert!(bentkus <= limit && betting <= limit, "{name}: {bentkus} {betting}, at most {limit}");
            assert!(betting > 0.0, "{name}: betting certifies nothing");
        }
        let [bentkus, betting] = rejections(|u| f64::from(u8::from(u < 0.02)), 150, epsilon, delta);
        assert!(bentkus > 0.9 && betting > 0.9, "well below ε: {bentkus} {betting}");
    }
}
