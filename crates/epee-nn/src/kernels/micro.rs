//! The inner kernels of the matrix product: a few rows of A against one panel of B.

// `Scalar` names these types, so they are public in a private module.
#![allow(unreachable_pub)]

use crate::Scalar;

/// The most rows a kernel takes at once.
pub const MAX_ROWS: usize = 6;

/// An inner kernel: `C[r, j] (+)= Σ_k A[r, k] · B[k, j]`, summed over `k` in ascending order.
///
/// Arguments: rows (1 to [`MAX_ROWS`]), k, A (rows `row_stride` apart, columns adjacent), row_stride, one panel of B
/// (`[k, width]`), C, its row stride, the columns of C to write (1 to `width`), whether to add to C.
pub type Micro<T> = unsafe fn(usize, usize, *const T, usize, *const T, *mut T, usize, usize, bool);

/// An inner kernel and the width of its panels.
#[derive(Clone, Copy)]
pub struct MicroKernel<T> {
    /// Columns in a panel of B.
    pub width: usize,
    /// The kernel.
    ///
    /// # Safety
    /// All rows and columns named by the arguments must lie inside the matrices, and the machine must have the
    /// instructions the kernel was written for.
    pub run: Micro<T>,
}

const WIDTH: usize = 16;

/// The kernel for `f32` on this machine.
pub(crate) fn for_f32() -> MicroKernel<f32> {
    match super::isa() {
        super::Isa::Portable => portable(),
        #[cfg(target_arch = "x86_64")]
        super::Isa::Avx2 => MicroKernel { width: WIDTH, run: avx2::run },
    }
}

/// Plain Rust, for every number type and machine.
pub(crate) fn portable<T: Scalar>() -> MicroKernel<T> {
    MicroKernel { width: WIDTH, run: portable_run::<T> }
}

#[allow(clippy::too_many_arguments)]
unsafe fn portable_run<T: Scalar>(
    rows: usize,
    k: usize,
    a: *const T,
    row_stride: usize,
    b: *const T,
    c: *mut T,
    ldc: usize,
    cols: usize,
    accumulate: bool,
) {
    for r in 0..rows {
        let mut sums = [T::ZERO; WIDTH];
        // SAFETY: the caller promises `rows` rows of `k` values in A, `k` rows of `WIDTH` values in B and `rows` rows
        // of `cols` values in C.
        unsafe {
            for p in 0..k {
                let x = *a.add(r * row_stride + p);
                let panel = std::slice::from_raw_parts(b.add(p * WIDTH), WIDTH);
                for (sum, &y) in sums.iter_mut().zip(panel) {
                    *sum += x * y;
                }
            }
            let out = std::slice::from_raw_parts_mut(c.add(r * ldc), cols);
            for (out, &sum) in out.iter_mut().zip(&sums) {
                *out = if accumulate { *out + sum } else { sum };
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::WIDTH;

    /// 6 × 16: twelve accumulators, two registers of B, one of A.
    #[allow(clippy::too_many_arguments)]
    pub(super) unsafe fn run(
        rows: usize,
        k: usize,
        a: *const f32,
        row_stride: usize,
        b: *const f32,
        c: *mut f32,
        ldc: usize,
        cols: usize,
        accumulate: bool,
    ) {
        // SAFETY: the caller's promise is passed on; the kernel is chosen only where AVX2 and FMA are present.
        unsafe {
            match rows {
                1 => tile::<1>(k, a, row_stride, b, c, ldc, cols, accumulate),
                2 => tile::<2>(k, a, row_stride, b, c, ldc, cols, accumulate),
                3 => tile::<3>(k, a, row_stride, b, c, ldc, cols, accumulate),
                4 => tile::<4>(k, a, row_stride, b, c, ldc, cols, accumulate),
                5 => tile::<5>(k, a, row_stride, b, c, ldc, cols, accumulate),
                _ => tile::<6>(k, a, row_stride, b, c, ldc, cols, accumulate),
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn tile<const R: usize>(
        k: usize,
        a: *const f32,
        row_stride: usize,
        b: *const f32,
        c: *mut f32,
        ldc: usize,
        cols: usize,
        accumulate: bool,
    ) {
        let mut sums = [[_mm256_setzero_ps(); 2]; R];
        // SAFETY: the caller promises R rows of `k` values in A, `k` rows of 16 values in B and R rows of `cols`
        // values in C; the full-width loads and stores of C happen only where `cols` is 16.
        unsafe {
            for p in 0..k {
                let low = _mm256_loadu_ps(b.add(p * WIDTH));
                let high = _mm256_loadu_ps(b.add(p * WIDTH + 8));
                for r in 0..R {
                    let x = _mm256_broadcast_ss(&*a.add(r * row_stride + p));
                    sums[r][0] = _mm256_fmadd_ps(x, low, sums[r][0]);
                    sums[r][1] = _mm256_fmadd_ps(x, high, sums[r][1]);
                }
            }
            if cols == WIDTH {
                for r in 0..R {
                    for half in 0..2 {
                        let out = c.add(r * ldc + 8 * half);
                        let mut sum = sums[r][half];
                        if accumulate {
                            sum = _mm256_add_ps(_mm256_loadu_ps(out), sum);
                        }
                        _mm256_storeu_ps(out, sum);
                    }
                }
            } else {
                for r in 0..R {
                    let mut row = [0.0f32; WIDTH];
                    _mm256_storeu_ps(row.as_mut_ptr(), sums[r][0]);
                    _mm256_storeu_ps(row.as_mut_ptr().add(8), sums[r][1]);
                    let out = std::slice::from_raw_parts_mut(c.add(r * ldc), cols);
                    for (out, &sum) in out.iter_mut().zip(&row) {
                        *out = if accumulate { *out + sum } else { sum };
                    }
                }
            }
        }
    }
}
