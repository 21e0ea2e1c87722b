//! Element-wise and row-wise loops: on several threads if there is enough work, compiled for the instruction set in use.

use crate::Scalar;

use super::{thread_pool, vectorised};

/// Values per task. A shorter loop stays on its thread.
pub(crate) const TASK: usize = 1 << 15;

/// `f(&mut x[i], y[i])` for every i.
pub(crate) fn zip<T: Scalar, U: Copy + Sync>(x: &mut [T], y: &[U], f: impl Fn(&mut T, U) + Sync) {
    assert_eq!(x.len(), y.len());
    let run = |x: &mut [T], y: &[U]| {
        vectorised!({
            for (x, &y) in x.iter_mut().zip(y) {
                f(x, y);
            }
        })
    };
    thread_pool::chunks(x, TASK, |i, x| run(x, &y[i * TASK..][..x.len()]));
}

pub(crate) fn copy<T: Scalar>(x: &[T], y: &mut [T]) {
    assert_eq!(x.len(), y.len());
    thread_pool::chunks(y, TASK, |i, y| y.copy_from_slice(&x[i * TASK..][..y.len()]));
}

/// Sets every value to zero. Pages that are zero already are not written, so that unused memory stays unused.
pub(crate) fn clear<T: Scalar>(x: &mut [T]) {
    thread_pool::chunks(x, TASK, |_, x| {
        vectorised!({
            for page in x.chunks_mut(1 << 10) {
                if !is_zero(page) {
                    page.fill(T::ZERO);
                }
            }
        });
    });
}

#[inline(always)]
pub(crate) fn is_zero<T: Scalar>(x: &[T]) -> bool {
    x.chunks(64).all(|x| x.iter().fold(true, |zero, &x| zero & (x == T::ZERO)))
}

/// Rows per task, for rows of this many columns.
pub(crate) fn block(cols: usize) -> usize {
    TASK.div_ceil(cols.max(1))
}

/// `f(first row's index, rows)` over blocks of whole rows of `x`.
pub(crate) fn blocks<T: Scalar>(x: &mut [T], cols: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    if x.is_empty() {
        return;
    }
    let rows = block(cols);
    thread_pool::chunks(x, rows * cols, |i, x| vectorised!(f(i * rows, x)));
}

/// `sums[j] += Σ_i x[i, j]`, rows in ascending order.
pub(crate) fn add_columns<T: Scalar>(x: &[T], sums: &mut [T]) {
    add_columns_of(
        [x],
        sums,
        #[inline(always)]
        |[x]| x,
    );
}

/// `sums[j] += Σ_i f(x[i, j], …)` over matrices of one shape, rows in ascending order.
pub(crate) fn add_columns_of<T: Scalar, const N: usize>(
    matrices: [&[T]; N],
    sums: &mut [T],
    f: impl Fn([T; N]) -> T + Sync,
) {
    let x = matrices[0];
    assert!(matrices.iter().all(|matrix| matrix.len() == x.len()));
    let cols = sums.len();
    let width = if x.len() <= TASK { cols } else { cols.div_ceil(thread_pool::threads()).next_multiple_of(16) };
    thread_pool::chunks(sums, width.max(1), |i, sums| {
        vectorised!({
            for row in 0..x.len() / cols {
                let rows = matrices.map(|matrix| &matrix[row * cols + i * width..][..sums.len()]);
                for (j, sum) in sums.iter_mut().enumerate() {
                    *sum += f(rows.map(|row| row[j]));
                }
            }
        })
    });
}

/// The number of interleaved lanes that a row is folded in, to vectorize in a fixed order.
const LANES: usize = 16;

/// Folds a row in sixteen interleaved lanes: value i goes to lane i mod 16, in ascending order.
#[inline(always)]
fn lanes<T: Scalar, const N: usize>(rows: [&[T]; N], start: T, f: impl Fn(T, [T; N]) -> T) -> [T; LANES] {
    let mut lanes = [start; LANES];
    let chunks = rows.map(|row| row.as_chunks::<LANES>());
    for i in 0..chunks[0].0.len() {
        let chunk = chunks.map(|(whole, _)| whole[i]);
        for lane in 0..LANES {
            lanes[lane] = f(lanes[lane], chunk.map(|chunk| chunk[lane]));
        }
    }
    // A copy, so that the lanes above can stay in registers. Only this copy is indexed by a variable.
    let mut tail = lanes;
    for lane in 0..chunks[0].1.len() {
        tail[lane] = f(tail[lane], chunks.map(|(_, rest)| rest[lane]));
    }
    tail
}

/// `Σ_i f(x_i)` in a fixed order.
#[inline(always)]
pub(crate) fn sum<T: Scalar>(x: &[T], f: impl Fn(T) -> T) -> T {
    total(lanes([x], T::ZERO, |sum, [x]| sum + f(x)))
}

/// `Σ_i x_i y_i` in a fixed order.
#[inline(always)]
pub(crate) fn dot<T: Scalar>(x: &[T], y: &[T]) -> T {
    assert_eq!(x.len(), y.len());
    total(lanes([x, y], T::ZERO, |sum, [x, y]| sum + x * y))
}

#[inline(always)]
fn total<T: Scalar>(lanes: [T; LANES]) -> T {
    let mut total = T::ZERO;
    for lane in lanes {
        total += lane;
    }
    total
}

/// The greatest of a row's values and `start`. NaN may be ignored.
#[inline(always)]
fn max<T: Scalar>(x: &[T], start: T) -> T {
    let greater = |max: T, x: T| if x > max { x } else { max };
    lanes([x], start, |max, [x]| greater(max, x)).into_iter().fold(start, greater)
}

/// The least and the greatest of a row's values and 0; NaN if a value is not finite.
#[inline(always)]
pub(crate) fn range(x: &[f32]) -> (f32, f32) {
    let lesser = |min: f32, x: f32| if x < min { x } else { min };
    let low = lanes([x], 0.0, |min, [x]| lesser(min, x)).into_iter().fold(0.0, lesser);
    // 0 if all values are finite, else NaN.
    let probe = sum(x, |x| x * 0.0);
    (low + probe, max(x, 0.0) + probe)
}

/// `x Φ(x) = x/2 (1 + erf(x / √2))`
#[inline(always)]
pub(crate) fn gelu<T: Scalar, const FUSED: bool>(x: T) -> T {
    T::of(0.5) * x * (T::ONE + (x * T::of(std::f64::consts::FRAC_1_SQRT_2)).erf::<FUSED>())
}

/// `x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))`
#[inline(always)]
pub(crate) fn gelu_tanh<T: Scalar, const FUSED: bool>(x: T) -> T {
    let root = T::of((2.0 / std::f64::consts::PI).sqrt());
    T::of(0.5) * x * (T::ONE + (root * (x + T::of(0.044_715) * x * x * x)).tanh::<FUSED>())
}

/// GELU's derivative, `Φ(x) + x φ(x)`.
#[inline(always)]
pub(crate) fn gelu_slope<T: Scalar, const FUSED: bool>(x: T) -> T {
    let (half, root) = (T::of(0.5), T::of(std::f64::consts::FRAC_1_SQRT_2));
    let density = T::of(1.0 / (2.0 * std::f64::consts::PI).sqrt());
    half * (T::ONE + (x * root).erf::<FUSED>()) + x * density * (-half * x * x).exp::<FUSED>()
}

/// The tanh form's derivative: with `u = √(2/π) (x + 0.044715 x³)`, `(1 + tanh u)/2 + x/2 (1 − tanh² u) u′`.
#[inline(always)]
pub(crate) fn gelu_tanh_slope<T: Scalar, const FUSED: bool>(x: T) -> T {
    let (half, root, cubic) = (T::of(0.5), T::of((2.0 / std::f64::consts::PI).sqrt()), T::of(0.044_715));
    let tanh = (root * (x + cubic * x * x * x)).tanh::<FUSED>();
    let slope = root * (T::ONE + T::of(3.0) * cubic * x * x);
    half * (T::ONE + tanh) + half * x * (T::ONE - tanh * tanh) * slope
}

/// A row's mean, and `1 / sqrt(var + ε)` with the biased variance.
#[inline(always)]
pub(crate) fn statistics<T: Scalar>(row: &[T], eps: T) -> (T, T) {
    let scale = T::ONE / T::of(row.len() as f64);
    let mean = sum(row, |x| x) * scale;
    let variance = sum(row, |x| (x - mean) * (x - mean)) * scale;
    (mean, T::ONE / (variance + eps).sqrt())
}

/// `y = γ (x − mean) / sqrt(var + ε) + β` of one row.
#[inline(always)]
pub(crate) fn normalise<T: Scalar>(row: &mut [T], weight: &[T], bias: &[T], eps: T) {
    let (mean, inverse) = statistics(row, eps);
    for ((x, &weight), &bias) in row.iter_mut().zip(weight).zip(bias) {
        *x = (*x - mean) * inverse * weight + bias;
    }
}

/// Turns a row of scores into probabilities: `exp(x_i − max) / Σ`.
#[inline(always)]
pub(crate) fn softmax<T: Scalar, const FUSED: bool>(row: &mut [T]) {
    let max = max(row, row[0]);
    for x in row.iter_mut() {
        *x = (*x - max).exp::<FUSED>();
    }
    let norm = T::ONE / sum(row, |x| x);
    for x in row.iter_mut() {
        *x *= norm;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::pool;

    fn values(n: usize) -> Vec<f64> {
        (0..n).map(|i| ((i * 7919) % 1013) as f64 / 500.0 - 1.0).collect()
    }

    #[test]
    fn a_sum_takes_every_value_once() {
        for n in [0usize, 1, 15, 16, 17, 100] {
            let x: Vec<f64> = (0..n).map(|i| i as f64).collect();
            assert_eq!(sum(&x, |x| x), (n * n.saturating_sub(1) / 2) as f64, "{n} values");
            assert_eq!(dot(&x, &x), x.iter().map(|x| x * x).sum::<f64>(), "{n} values");
        }
    }

    #[test]
    fn a_range_holds_0_and_hides_nothing() {
        for n in [1, 16, 17, 40] {
            let mut x: Vec<f32> = values(n).iter().map(|&x| x as f32 + 0.2).collect();
            let least = x.iter().fold(0.0f32, |a, &b| a.min(b));
            let greatest = x.iter().fold(0.0f32, |a, &b| a.max(b));
            assert_eq!(range(&x), (least, greatest));
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                x[n - 1] = bad;
                assert!(range(&x).0.is_nan() && range(&x).1.is_nan());
            }
        }
    }

    #[test]
    fn softmax_is_its_definition_and_hides_nothing() {
        for n in [1, 7, 16, 40] {
            let scores = values(n);
            let mut got: Vec<f32> = scores.iter().map(|&x| x as f32).collect();
            softmax::<f32, false>(&mut got);
            let norm: f64 = scores.iter().map(|x| x.exp()).sum();
            for (p, x) in got.iter().zip(&scores) {
                assert!((f64::from(*p) - x.exp() / norm).abs() < 1e-6);
            }
        }
        for (at, bad) in [(0, f32::NAN), (3, f32::NAN), (2, f32::INFINITY)] {
            let mut row = [0.5f32; 20];
            row[at] = bad;
            softmax::<f32, false>(&mut row);
            assert!(row.iter().any(|p| p.is_nan()), "{bad} at {at} gave {row:?}");
        }
    }

    #[test]
    fn long_loops_are_short_ones_on_any_number_of_threads() {
        let (n, d) = (5 * TASK / 96, 96);
        let x = values(n * d);
        let run = || {
            let mut doubled = x.clone();
            zip(&mut doubled, &x, |a, b| *a += b);
            let mut shifted = x.clone();
            blocks(&mut shifted, d, |first, block| {
                for (i, row) in block.chunks_exact_mut(d).enumerate() {
                    row[0] += (first + i) as f64;
                }
            });
            let mut sums = vec![0.0; d];
            add_columns(&x, &mut sums);
            clear(&mut doubled[..10]);
            (doubled, shifted, sums)
        };
        let (one, three) = (run(), pool(3).install(|| crate::in_pool(run)));
        assert_eq!(one, three);
        let (doubled, shifted, sums) = one;
        assert!(doubled.iter().zip(&x).skip(10).all(|(y, x)| *y == 2.0 * x) && doubled[..10] == [0.0; 10]);
        for i in 0..n {
            assert_eq!(shifted[i * d], x[i * d] + i as f64);
        }
        let expected: f64 = (0..n).map(|i| x[i * d + 5]).sum();
        assert!((sums[5] - expected).abs() < 1e-9);
    }
}
