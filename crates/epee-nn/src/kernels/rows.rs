//! Element-wise and row-wise loops: threaded where there is enough to do, compiled for the widest instruction set.

use rayon::prelude::*;

use crate::Scalar;

use super::vectorised;

/// Values one task handles; below it a loop stays on its thread.
const TASK: usize = 1 << 15;

/// `f(&mut x[i], y[i])` for every i.
pub(crate) fn zip<T: Scalar, U: Copy + Sync>(x: &mut [T], y: &[U], f: impl Fn(&mut T, U) + Sync) {
    assert_eq!(x.len(), y.len());
    let run = |x: &mut [T], y: &[U]| {
        vectorised(|| {
            for (x, &y) in x.iter_mut().zip(y) {
                f(x, y);
            }
        })
    };
    if x.len() <= TASK {
        run(x, y);
    } else {
        x.par_chunks_mut(TASK).zip(y.par_chunks(TASK)).for_each(|(x, y)| run(x, y));
    }
}

/// Sets every value.
pub(crate) fn fill<T: Scalar>(x: &mut [T], value: T) {
    x.par_chunks_mut(16 * TASK).for_each(|x| x.fill(value));
}

/// `f(first row's index, rows)` over blocks of whole rows of `x`.
pub(crate) fn blocks<T: Scalar>(x: &mut [T], cols: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    if x.is_empty() {
        return;
    }
    let rows = TASK.div_ceil(cols);
    if x.len() <= TASK {
        vectorised(|| f(0, x));
    } else {
        x.par_chunks_mut(rows * cols).enumerate().for_each(|(i, x)| vectorised(|| f(i * rows, x)));
    }
}

/// `sums[j] += Σ_i x[i, j]`, rows in ascending order.
pub(crate) fn add_columns<T: Scalar>(x: &[T], sums: &mut [T]) {
    let cols = sums.len();
    let run = |first: usize, sums: &mut [T]| {
        vectorised(|| {
            for row in x.chunks_exact(cols) {
                for (sum, &x) in sums.iter_mut().zip(&row[first..]) {
                    *sum += x;
                }
            }
        })
    };
    if x.len() <= TASK {
        run(0, sums);
    } else {
        let width = cols.div_ceil(rayon::current_num_threads()).next_multiple_of(16);
        sums.par_chunks_mut(width).enumerate().for_each(|(i, sums)| run(i * width, sums));
    }
}

/// Lanes a sum along a row is kept in, so that it vectorises in a fixed order.
const LANES: usize = 16;

/// `Σ_i f(i)` for i below `n`, in a fixed order of sixteen interleaved sums.
#[inline(always)]
pub(crate) fn sum<T: Scalar>(n: usize, f: impl Fn(usize) -> T) -> T {
    let mut lanes = [T::ZERO; LANES];
    let whole = n - n % LANES;
    let mut i = 0;
    while i < whole {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += f(i + lane);
        }
        i += LANES;
    }
    for (lane, i) in (whole..n).enumerate() {
        lanes[lane] += f(i);
    }
    let mut total = T::ZERO;
    for lane in lanes {
        total += lane;
    }
    total
}

/// Turns a row of scores into probabilities: `exp(x_i − max) / Σ`.
#[inline(always)]
pub(crate) fn softmax<T: Scalar>(row: &mut [T]) {
    let mut lanes = [row[0]; LANES];
    for chunk in row.chunks(LANES) {
        for (max, &x) in lanes.iter_mut().zip(chunk) {
            *max = if x > *max { x } else { *max };
        }
    }
    let mut max = lanes[0];
    for lane in lanes {
        max = if lane > max { lane } else { max };
    }
    for x in row.iter_mut() {
        *x = (*x - max).exp();
    }
    let norm = T::ONE / sum(row.len(), |i| row[i]);
    for x in row.iter_mut() {
        *x *= norm;
    }
}

/// `(a[i], b[i]) = f(i)` for every row i of a matrix with `cols` columns.
pub(crate) fn per_row<T: Scalar>(a: &mut [T], b: &mut [T], cols: usize, f: impl Fn(usize) -> (T, T) + Sync) {
    let rows = TASK.div_ceil(cols.max(1));
    let run = |first: usize, a: &mut [T], b: &mut [T]| {
        vectorised(|| {
            for (i, (a, b)) in a.iter_mut().zip(b).enumerate() {
                (*a, *b) = f(first + i);
            }
        })
    };
    if a.len() <= rows {
        run(0, a, b);
    } else {
        let pairs = a.par_chunks_mut(rows).zip(b.par_chunks_mut(rows));
        pairs.enumerate().for_each(|(i, (a, b))| run(i * rows, a, b));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(n: usize) -> Vec<f64> {
        (0..n).map(|i| ((i * 7919) % 1013) as f64 / 500.0 - 1.0).collect()
    }

    #[test]
    fn a_sum_takes_every_value_once() {
        for n in [0, 1, 15, 16, 17, 100] {
            assert_eq!(sum(n, |i| i as f64), (n * n.saturating_sub(1) / 2) as f64, "{n} values");
        }
    }

    #[test]
    fn softmax_is_its_definition_and_hides_nothing() {
        for n in [1, 7, 16, 40] {
            let scores = values(n);
            let mut got: Vec<f32> = scores.iter().map(|&x| x as f32).collect();
            softmax(&mut got);
            let norm: f64 = scores.iter().map(|x| x.exp()).sum();
            for (p, x) in got.iter().zip(&scores) {
                assert!((f64::from(*p) - x.exp() / norm).abs() < 1e-6);
            }
        }
        for (at, bad) in [(0, f32::NAN), (3, f32::NAN), (2, f32::INFINITY)] {
            let mut row = [0.5f32; 20];
            row[at] = bad;
            softmax(&mut row);
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
            let (mut a, mut b) = (vec![0.0; n], vec![0.0; n]);
            per_row(&mut a, &mut b, d, |i| (i as f64, x[i * d]));
            fill(&mut doubled[..10], 3.0);
            (doubled, shifted, sums, a, b)
        };
        let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (one, three) = (pool(1).install(run), pool(3).install(run));
        assert_eq!(one, three);
        let (doubled, shifted, sums, a, b) = one;
        assert!(doubled.iter().zip(&x).skip(10).all(|(y, x)| *y == 2.0 * x) && doubled[..10] == [3.0; 10]);
        for i in 0..n {
            assert_eq!((shifted[i * d], a[i], b[i]), (x[i * d] + i as f64, i as f64, x[i * d]));
        }
        let expected: f64 = (0..n).map(|i| x[i * d + 5]).sum();
        assert!((sums[5] - expected).abs() < 1e-9);
    }
}
