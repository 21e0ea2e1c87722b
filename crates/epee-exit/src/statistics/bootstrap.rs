//! Bootstrap intervals for scores: their spread over samples drawn again.
//!
//! Samples with the same label and the same predictions are alike, so a resample is a draw of how
//! often each such cell occurs. With few cells that is one binomial a cell instead of one draw a
//! sample.

use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::Interval;
use super::binomial::mass;
use crate::metrics::Counts;
use crate::statistics::{below, stream, unit};

/// The settings of a bootstrap.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap {
    /// The number of resamples; 2,000 by default.
    pub resamples: usize,
    /// The share of them that the interval holds; 0.95 by default.
    pub level: f64,
    /// The seed of the draws; 0 by default.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { resamples: 2000, level: 0.95, seed: 0 }
    }
}

/// The percentile interval of a score of predictions `[N]` against labels `[N]` (Efron 1979): with
/// N samples drawn with replacement `resamples` times, the quantiles `(1 - level)/2` and
/// `(1 + level)/2` of `statistic`, interpolated linearly.
///
/// A sample whose label or prediction is outside the classes (-1 for unknown) is left out, as in
/// [`Counts::of`], and so is a resample whose statistic is NaN. The ends are NaN if nothing is
/// left or the level is outside (0, 1). The answer depends on the seed and on how often each pair
/// of label and prediction occurs, not on the order of the samples or on the number of threads.
///
/// ```
/// # use epee_exit::{Bootstrap, Counts, statistics::bootstrap};
/// let (labels, predictions) = (vec![0; 100], [vec![0; 80], vec![1; 20]].concat());
/// let got = bootstrap(&labels, &predictions, 2, &Bootstrap::default(), Counts::accuracy);
/// // 0.8 ± 1.96 sqrt(0.8 · 0.2 / 100)
/// assert!((got.low - 0.72).abs() < 0.015 && (got.high - 0.88).abs() < 0.015);
/// ```
pub fn bootstrap(
    labels: &[i64],
    predictions: &[u32],
    classes: usize,
    options: &Bootstrap,
    statistic: impl Fn(&Counts) -> f64 + Sync,
) -> Interval {
    let cells = Cells::of(labels, [predictions], classes);
    cells.interval(options, |[counts]| statistic(counts))
}

/// The percentile interval of `statistic(b) - statistic(a)`, each resample drawn once for both lists
/// of predictions `[N]`; otherwise as [`bootstrap`].
///
/// ```
/// # use epee_exit::{Bootstrap, Counts, statistics::bootstrap_difference};
/// let labels = vec![0; 100];
/// let (a, b) = ([vec![0; 80], vec![1; 20]].concat(), [vec![0; 70], vec![1; 30]].concat());
/// let got = bootstrap_difference(&labels, &a, &b, 2, &Bootstrap::default(), Counts::accuracy);
/// // -0.1 ± 1.96 sqrt(0.1 · 0.9 / 100): they differ on 10 samples alone.
/// assert!((got.low + 0.16).abs() < 0.015 && (got.high + 0.04).abs() < 0.015);
/// ```
pub fn bootstrap_difference(
    labels: &[i64],
    a: &[u32],
    b: &[u32],
    classes: usize,
    options: &Bootstrap,
    statistic: impl Fn(&Counts) -> f64 + Sync,
) -> Interval {
    let cells = Cells::of(labels, [a, b], classes);
    cells.interval(options, |[a, b]| statistic(b) - statistic(a))
}

/// One draw from a cell's binomial costs about as much as this many draws of a sample.
const BINOMIAL_COST: usize = 32;

/// The distinct samples: their label, the prediction of each of P lists, and their number.
struct Cells<const P: usize> {
    classes: usize,
    kinds: Vec<(usize, [usize; P])>,
    counts: Vec<u64>,
}

impl<const P: usize> Cells<P> {
    fn of(labels: &[i64], predictions: [&[u32]; P], classes: usize) -> Self {
        let inside = |class: usize| (class < classes).then_some(class);
        let kind = |(i, &label): (usize, &i64)| {
            let label = inside(usize::try_from(label).ok()?)?;
            let mut predicted = [0; P];
            for (to, list) in predicted.iter_mut().zip(predictions) {
                *to = inside(*list.get(i)? as usize)?;
            }
            Some((label, predicted))
        };
        let mut all: Vec<(usize, [usize; P])> = labels.iter().enumerate().filter_map(kind).collect();
        all.sort_unstable();
        let mut cells = Cells { classes, kinds: Vec::new(), counts: Vec::new() };
        for group in all.chunk_by(|a, b| a == b) {
            cells.kinds.push(group[0]);
            cells.counts.push(group.len() as u64);
        }
        cells
    }

    fn interval(&self, options: &Bootstrap, statistic: impl Fn(&[Counts; P]) -> f64 + Sync) -> Interval {
        let samples: u64 = self.counts.iter().sum();
        let unknown = Interval { low: f64::NAN, high: f64::NAN };
        if samples == 0 || !(options.level > 0.0 && options.level < 1.0) {
            return unknown;
        }
        let by_cell = (self.counts.len() as u64).saturating_mul(BINOMIAL_COST as u64) <= samples;
        let mut cell_of: Vec<u32> = Vec::new();
        if !by_cell {
            let cells = (0u32..).zip(&self.counts);
            cell_of.extend(cells.flat_map(|(cell, &count)| std::iter::repeat_n(cell, count as usize)));
        }
        let one = |(drawn, counts): &mut (Vec<u64>, [Counts; P]), resample: usize| {
            let mut bits = stream(options.seed, resample as u64);
            if by_cell {
                multinomial(&self.counts, samples, &mut bits, drawn);
            } else {
                drawn.fill(0);
                for _ in 0..samples {
                    drawn[cell_of[below(samples, &mut bits) as usize] as usize] += 1;
                }
            }
            self.fill(drawn, counts);
            statistic(counts)
        };
        let empty = || (vec![0; self.counts.len()], std::array::from_fn(|_| Counts::of(&[], &[], self.classes)));
        let mut values: Vec<f64> = (0..options.resamples).into_par_iter().map_init(empty, one).collect();
        values.retain(|value| !value.is_nan());
        if values.is_empty() {
            return unknown;
        }
        values.sort_unstable_by(f64::total_cmp);
        let half = (1.0 - options.level) / 2.0;
        Interval { low: quantile(&values, half), high: quantile(&values, 1.0 - half) }
    }

    fn fill(&self, drawn: &[u64], counts: &mut [Counts; P]) {
        for (p, counts) in counts.iter_mut().enumerate() {
            counts.correct.fill(0);
            counts.predicted.fill(0);
            counts.actual.fill(0);
            for (&(label, predicted), &times) in self.kinds.iter().zip(drawn) {
                counts.actual[label] += times;
                counts.predicted[predicted[p]] += times;
                if predicted[p] == label {
                    counts.correct[label] += times;
                }
            }
        }
    }
}

/// `samples` draws from cells in proportion to `counts`, which add up to at least 1: cell by cell,
/// binomial among those that are left.
fn multinomial(counts: &[u64], samples: u64, bits: &mut ChaCha8Rng, drawn: &mut [u64]) {
    let mut weight: u64 = counts.iter().sum();
    let mut left = samples;
    for (drawn, &count) in drawn.iter_mut().zip(counts) {
        *drawn = if count == weight { left } else { binomial(left, count as f64 / weight as f64, bits) };
        left -= *drawn;
        weight -= count;
    }
}

/// A binomial draw, n trials of probability p in (0, 1), by inversion from the mode outwards: about
/// `sqrt(n p (1 - p))` steps.
fn binomial(n: u64, p: f64, bits: &mut ChaCha8Rng) -> u64 {
    let odds = p / (1.0 - p);
    let mode = (((n + 1) as f64 * p) as u64).min(n);
    let (mut below, mut above) = (mode, mode);
    let mut at_below = mass(mode, n, p);
    let mut at_above = at_below;
    let mut u = unit(bits) - at_below;
    while u >= 0.0 && (below > 0 || above < n) {
        if above < n {
            at_above *= (n - above) as f64 * odds / (above + 1) as f64;
            above += 1;
            u -= at_above;
            if u < 0.0 {
                return above;
            }
        }
        if below > 0 {
            at_below *= below as f64 / ((n - below + 1) as f64 * odds);
            below -= 1;
            u -= at_below;
            if u < 0.0 {
                return below;
            }
        }
        if at_above == 0.0 && at_below == 0.0 {
            break;
        }
    }
    // In the first place, or past the rounding of the last: the likeliest value.
    mode
}

/// The quantile of sorted values, at least one, with linear interpolation: numpy's default.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let low = sorted[at as usize];
    let high = sorted[(at as usize + 1).min(sorted.len() - 1)];
    low + (high - low) * (at - at.floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binomial_draws_have_the_right_distribution() {
        for (n, p, seed) in [(1u64, 0.3, 1), (12, 0.5, 2), (30, 0.02, 3), (40, 0.97, 4)] {
            let mut bits = stream(seed, 0);
            let draws = 40_000;
            let mut seen = vec![0u64; n as usize + 1];
            for _ in 0..draws {
                seen[binomial(n, p, &mut bits) as usize] += 1;
            }
            for (k, &seen) in seen.iter().enumerate() {
                let want = mass(k as u64, n, p);
                let error = (want * (1.0 - want) / f64::from(draws)).sqrt();
                let got = seen as f64 / f64::from(draws);
                assert!((got - want).abs() < 4.5 * error + 1e-4, "n={n} p={p} k={k}: {got}, expected {want}");
            }
        }
    }

    #[test]
    fn multinomial_draws_add_up_and_have_the_right_moments() {
        let counts = [500, 0, 30, 20_000, 1, 4_469];
        let (mut drawn, mut bits) = ([0; 6], stream(5, 0));
        let (mut sums, mut squares, mut cross) = ([0.0; 6], [0.0; 6], 0.0);
        let (draws, samples) = (4_000, 25_000u64);
        let share = |cell: usize| counts[cell] as f64 / samples as f64;
        for _ in 0..draws {
            multinomial(&counts, samples, &mut bits, &mut drawn);
            assert_eq!(drawn.iter().sum::<u64>(), samples);
            for cell in 0..6 {
                let off = drawn[cell] as f64 - counts[cell] as f64;
                sums[cell] += off;
                squares[cell] += off * off;
            }
            cross += (drawn[3] as f64 - 20_000.0) * (drawn[5] as f64 - 4_469.0);
        }
        for cell in 0..6 {
            let variance = samples as f64 * share(cell) * (1.0 - share(cell));
            let (mean, got) = (sums[cell] / f64::from(draws), squares[cell] / f64::from(draws));
            assert!(mean.abs() <= 4.0 * (variance / f64::from(draws)).sqrt(), "cell {cell}: mean {mean}");
            assert!((got - variance).abs() <= 0.15 * variance, "cell {cell}: {got}, expected {variance}");
        }
        let want = -(samples as f64) * share(3) * share(5);
        let got = cross / f64::from(draws);
        assert!((got / want - 1.0).abs() < 0.15, "{got}, expected {want}");
    }

    #[test]
    fn order_threads_and_unknown_labels_do_not_matter() {
        let labels: Vec<i64> = (0..900).map(|i| i % 4 - 1).collect();
        let a: Vec<u32> = (0..900).map(|i| (i * i) % 3).collect();
        let b: Vec<u32> = (0..900).map(|i| (i % 4 + 2) % 3).collect();
        let options = Bootstrap { resamples: 300, seed: 9, ..Bootstrap::default() };
        let run = |threads: usize, labels: &[i64], a: &[u32], b: &[u32]| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| bootstrap_difference(labels, a, b, 3, &options, Counts::macro_f1))
        };
        let want = run(1, &labels, &a, &b);
        assert!(want.low < want.high);
        assert_eq!(run(5, &labels, &a, &b), want);
        // The samples with a label alone, from the last to the first.
        let known: Vec<usize> = (0..900).rev().filter(|&i| labels[i] >= 0).collect();
        let of = |list: &[u32]| known.iter().map(|&i| list[i]).collect::<Vec<_>>();
        assert_eq!(run(2, &known.iter().map(|&i| labels[i]).collect::<Vec<_>>(), &of(&a), &of(&b)), want);
        let other = Bootstrap { seed: 10, ..options };
        assert_ne!(bootstrap_difference(&labels, &a, &b, 3, &other, Counts::macro_f1), want);
        assert_eq!(run(2, &labels, &a, &a), Interval { low: 0.0, high: 0.0 });
    }

    #[test]
    fn an_empty_draw_is_unknown() {
        let options = Bootstrap::default();
        for (labels, options) in [
            (vec![-1, -1], options),
            (vec![], options),
            (vec![0, 1], Bootstrap { level: 1.5, ..options }),
            (vec![0, 1], Bootstrap { level: f64::NAN, ..options }),
            (vec![0, 1], Bootstrap { resamples: 0, ..options }),
            (vec![7, 8], options),
        ] {
            let got = bootstrap(&labels, &[0, 0], 2, &options, Counts::accuracy);
            assert!(got.low.is_nan() && got.high.is_nan(), "{labels:?}");
        }
    }
}
