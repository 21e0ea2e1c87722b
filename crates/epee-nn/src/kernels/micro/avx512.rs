//! AVX-512: 12 rows × 32 columns, twenty-four accumulators, two registers of B, one of A.

use std::arch::x86_64::*;

use super::{Bf16, Tile};

const WIDTH: usize = 32;

/// Prefetches two cache lines of the next panel, as in [`super::avx2`].
#[inline(always)]
fn prefetch<T>(line: *const T) {
    // SAFETY: a prefetch has no visible effect and never faults; every x86-64 has SSE.
    unsafe {
        _mm_prefetch::<_MM_HINT_T0>(line.cast());
        _mm_prefetch::<_MM_HINT_T0>(line.cast::<i8>().wrapping_add(64));
    }
}

/// Writes a tile's sums. A macro, as in [`super::avx2`].
macro_rules! store {
    ($load:ident, $add:ident, $store:ident, $sums:ident, $c:ident, $ldc:ident, $cols:ident, $start:ident) => {
        for r in 0..R {
            for (half, mask) in masks($cols).into_iter().enumerate() {
                // Not `add`: if the mask is empty, this may be outside C.
                let out = $c.wrapping_add(r * $ldc + 16 * half);
                let mut sum = $sums[r][half];
                if !$start.values.is_null() {
                    let start = $start.values.wrapping_add(r * $start.stride + 16 * half);
                    sum = $add($load(mask, start), sum);
                }
                $store(out, mask, sum);
            }
        }
    };
}

by_rows!(f32, f32_tile, f32, f32, f32, 1 2 3 4 5 6 7 8 9 10 11 12);
by_rows!(bf16, bf16_tile, u8, Bf16, f32, 1 2 3 4 5 6 7 8 9 10 11 12);
by_rows!(int8, int8_tile, u8, i8, i32, 1 2 3 4 5 6 7 8 9 10 11 12);

#[target_feature(enable = "avx512f")]
unsafe fn f32_tile<const R: usize>(tile: &Tile<f32, f32, f32>) {
    let &Tile { steps, a, row_stride, b, c, ldc, cols, start } = tile;
    let mut sums = [[_mm512_setzero_ps(); 2]; R];
    // SAFETY: the caller promises R rows of `steps` values in A, `steps` rows of 32 values in B and R rows of `cols`
    // values in C.
    unsafe {
        for p in 0..steps {
            prefetch(b.wrapping_add((steps + p) * WIDTH));
            let low = _mm512_loadu_ps(b.add(p * WIDTH));
            let high = _mm512_loadu_ps(b.add(p * WIDTH + 16));
            for r in 0..R {
                let x = _mm512_set1_ps(*a.add(r * row_stride + p));
                sums[r][0] = _mm512_fmadd_ps(x, low, sums[r][0]);
                sums[r][1] = _mm512_fmadd_ps(x, high, sums[r][1]);
            }
        }
        store!(_mm512_maskz_loadu_ps, _mm512_add_ps, _mm512_mask_storeu_ps, sums, c, ldc, cols, start);
    }
}

#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn bf16_tile<const R: usize>(tile: &Tile<u8, Bf16, f32>) {
    let &Tile { steps, a, row_stride, b, c, ldc, cols, start } = tile;
    let mut sums = [[_mm512_setzero_ps(); 2]; R];
    // SAFETY: the caller promises R rows of `2 · steps` values in A, `steps` rows of 64 values in B and R rows of `cols`
    // values in C. The transmutes only rename 512 bits.
    unsafe {
        for p in 0..steps {
            prefetch(b.wrapping_add(2 * WIDTH * (steps + p)));
            let pair = b.add(2 * WIDTH * p).cast::<__m512i>();
            let low: __m512bh = std::mem::transmute(_mm512_loadu_si512(pair));
            let high: __m512bh = std::mem::transmute(_mm512_loadu_si512(pair.add(1)));
            for r in 0..R {
                let x = a.add(r * row_stride + 4 * p).cast::<i32>().read_unaligned();
                let x: __m512bh = std::mem::transmute(_mm512_set1_epi32(x));
                sums[r][0] = _mm512_dpbf16_ps(sums[r][0], x, low);
                sums[r][1] = _mm512_dpbf16_ps(sums[r][1], x, high);
            }
        }
        store!(_mm512_maskz_loadu_ps, _mm512_add_ps, _mm512_mask_storeu_ps, sums, c, ldc, cols, start);
    }
}

#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn int8_tile<const R: usize>(tile: &Tile<u8, i8, i32>) {
    let &Tile { steps, a, row_stride, b, c, ldc, cols, start } = tile;
    let mut sums = [[_mm512_setzero_si512(); 2]; R];
    // SAFETY: the caller promises R rows of `4 · steps` bytes in A, `steps` rows of 128 bytes in B and R rows of `cols`
    // values in C. The masks protect all other values.
    unsafe {
        for p in 0..steps {
            prefetch(b.wrapping_add(4 * WIDTH * (steps + p)));
            let four = b.add(4 * WIDTH * p).cast::<__m512i>();
            let (low, high) = (_mm512_loadu_si512(four), _mm512_loadu_si512(four.add(1)));
            for r in 0..R {
                let x = _mm512_set1_epi32(a.add(r * row_stride + 4 * p).cast::<i32>().read_unaligned());
                sums[r][0] = _mm512_dpbusd_epi32(sums[r][0], x, low);
                sums[r][1] = _mm512_dpbusd_epi32(sums[r][1], x, high);
            }
        }
        store!(_mm512_maskz_loadu_epi32, _mm512_add_epi32, _mm512_mask_storeu_epi32, sums, c, ldc, cols, start);
    }
}

/// The lanes of a row's two registers that hold its first `cols` columns.
#[inline(always)]
fn masks(cols: usize) -> [__mmask16; 2] {
    let bits = if cols >= WIDTH { u32::MAX } else { (1 << cols) - 1 };
    [bits as u16, (bits >> 16) as u16]
}
