//! The kernels in plain Rust, for every machine.

use super::{Bf16, Initial, Tile};
use crate::Scalar;

const WIDTH: usize = 16;

/// 1 row × 16 columns at a time.
pub(super) unsafe fn float<T: Scalar>(rows: usize, tile: &Tile<T, T, T>) {
    let &Tile { steps, a, row_stride, b, c, ldc, cols, start } = tile;
    for r in 0..rows {
        let mut sums = [T::ZERO; WIDTH];
        // SAFETY: the caller promises `rows` rows of `steps` values in A, `steps` rows of `WIDTH` values in B and `rows`
        // rows of `cols` values in C.
        unsafe {
            for p in 0..steps {
                let x = *a.add(r * row_stride + p);
                let panel = std::slice::from_raw_parts(b.add(p * WIDTH), WIDTH);
                for (sum, &y) in sums.iter_mut().zip(panel) {
                    *sum += x * y;
                }
            }
            store(&sums, c.add(r * ldc), cols, start, r);
        }
    }
}

/// 1 row × 16 columns at a time, two values along k a step; A as `f32`s.
pub(super) unsafe fn bf16(rows: usize, tile: &Tile<u8, Bf16, f32>) {
    let &Tile { steps, a, row_stride, b, c, ldc, cols, start } = tile;
    let wide = |bits: Bf16| f32::from_bits(u32::from(bits) << 16);
    for r in 0..rows {
        let mut sums = [0.0f32; WIDTH];
        // SAFETY: the caller promises `rows` rows of `2 · steps` values in A, `steps` rows of `2 · WIDTH` values in B and
        // `rows` rows of `cols` values in C.
        unsafe {
            let row = a.add(r * row_stride).cast::<f32>();
            for p in 0..steps {
                let x = [*row.add(2 * p), *row.add(2 * p + 1)];
                let panel = std::slice::from_raw_parts(b.add(2 * p * WIDTH), 2 * WIDTH);
                for (sum, y) in sums.iter_mut().zip(panel.chunks_exact(2)) {
                    *sum += x[0] * wide(y[0]);
                    *sum += x[1] * wide(y[1]);
                }
            }
            store(&sums, c.add(r * ldc), cols, start, r);
        }
    }
}

/// 1 row × 16 columns at a time, four bytes along k a step.
pub(super) unsafe fn int8(rows: usize, tile: &Tile<u8, i8, i32>) {
    let &Tile { steps, a, row_stride, b, c, ldc, cols, start } = tile;
    for r in 0..rows {
        let mut sums = [0i32; WIDTH];
        // SAFETY: the caller promises `rows` rows of `4 · steps` bytes in A, `steps` rows of `4 · WIDTH` bytes in B and
        // `rows` rows of `cols` values in C.
        unsafe {
            for p in 0..steps {
                let x = std::slice::from_raw_parts(a.add(r * row_stride + 4 * p), 4);
                let panel = std::slice::from_raw_parts(b.add(4 * p * WIDTH), 4 * WIDTH);
                for (sum, y) in sums.iter_mut().zip(panel.chunks_exact(4)) {
                    *sum += x.iter().zip(y).map(|(&x, &y)| i32::from(x) * i32::from(y)).sum::<i32>();
                }
            }
            store(&sums, c.add(r * ldc), cols, start, r);
        }
    }
}

/// Writes one row's sums, added to their start.
///
/// # Safety
/// C must have `cols` values, and the start as many for row r, or be null.
#[inline(always)]
pub(super) unsafe fn store<T: Copy + std::ops::Add<Output = T>>(
    sums: &[T],
    c: *mut T,
    cols: usize,
    start: Initial<T>,
    r: usize,
) {
    for (j, &sum) in sums[..cols].iter().enumerate() {
        // SAFETY: the caller promises `cols` values in both.
        unsafe {
            *c.add(j) = if start.values.is_null() { sum } else { *start.values.add(r * start.stride + j) + sum };
        }
    }
}
