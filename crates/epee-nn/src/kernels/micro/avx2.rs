//! AVX2 with fused multiply-add: 6 rows × 16 columns, twelve accumulators, two registers of B, one of A.

use std::arch::x86_64::*;

use super::portable::store;
use super::{Bf16, Tile};

const WIDTH: usize = 16;

/// Prefetches a cache line of the next panel. Weights come from the third-level cache or from memory, and the processor's own
/// prefetching is too late for them (measured: it saves a tenth of the time at 32 tokens).
#[inline(always)]
fn prefetch<T>(line: *const T) {
    // SAFETY: a prefetch has no visible effect and never faults; every x86-64 has SSE.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) }
}

/// Writes a tile's sums. It is a macro because a call would move the sums out of their registers.
macro_rules! store {
    ($zero:literal, $load:ident, $add:ident, $store:ident, $sums:ident, $c:ident, $ldc:ident, $cols:ident, $start:ident) => {
        for r in 0..R {
            let out = $c.add(r * $ldc);
            if $cols == WIDTH {
                for half in 0..2 {
                    let mut sum = $sums[r][half];
                    if !$start.values.is_null() {
                        let start = $start.values.add(r * $start.stride + 8 * half);
                        sum = $add($load(start.cast()), sum);
                    }
                    $store(out.add(8 * half).cast(), sum);
                }
            } else {
                let mut row = [$zero; WIDTH];
                $store(row.as_mut_ptr().cast(), $sums[r][0]);
                $store(row.as_mut_ptr().add(8).cast(), $sums[r][1]);
                store(&row, out, $cols, $start, r);
            }
        }
    };
}

by_rows!(f32, f32_tile, f32, f32, f32, 1 2 3 4 5 6);
by_rows!(bf16, bf16_tile, u8, Bf16, f32, 1 2 3 4 5 6);
by_rows!(int8, int8_tile, u8, i8, i32, 1 2 3 4 5 6);

#[target_feature(enable = "avx2,fma")]
unsafe fn f32_tile<const R: usize>(tile: &Tile<f32, f32, f32>) {
    let &Tile { steps, a, row_stride, b, c, ldc, cols, start } = tile;
    let mut sums = [[_mm256_setzero_ps(); 2]; R];
    // SAFETY: the caller promises R rows of `steps` values in A, `steps` rows of 16 values in B and R rows of `cols`
    // values in C.
    unsafe {
        for p in 0..steps {
            prefetch(b.wrapping_add((steps + p) * WIDTH));
            let low = _mm256_loadu_ps(b.add(p * WIDTH));
            let high = _mm256_loadu_ps(b.add(p * WIDTH + 8));
            for r in 0..R {
                let x = _mm256_broadcast_ss(&*a.add(r * row_stride + p));
                sums[r][0] = _mm256_fmadd_ps(x, low, sums[r][0]);
                sums[r][1] = _mm256_fmadd_ps(x, high, sums[r][1]);
            }
        }
        store!(0.0f32, _mm256_loadu_ps, _mm256_add_ps, _mm256_storeu_ps, sums, c, ldc, cols, start);
    }
}

/// A shift and a mask convert the bfloat16 pairs of B to `f32`. A is `f32` already. Arithmetic is in `f32`.
#[target_feature(enable = "avx2,fma")]
unsafe fn bf16_tile<const R: usize>(tile: &Tile<u8, Bf16, f32>) {
    let &Tile { steps, a, row_stride, b, c, ldc, cols, start } = tile;
    let mut sums = [[_mm256_setzero_ps(); 2]; R];
    let odd = _mm256_castsi256_ps(_mm256_set1_epi32(0xffff_0000u32 as i32));
    // SAFETY: the caller promises R rows of `2 · steps` values in A, `steps` rows of 32 values in B and R rows of `cols`
    // values in C.
    unsafe {
        for p in 0..steps {
            prefetch(b.wrapping_add(2 * WIDTH * (steps + p)));
            let pair = b.add(2 * WIDTH * p).cast::<__m256i>();
            let (low, high) = (_mm256_loadu_si256(pair), _mm256_loadu_si256(pair.add(1)));
            let even_low = _mm256_castsi256_ps(_mm256_slli_epi32::<16>(low));
            let even_high = _mm256_castsi256_ps(_mm256_slli_epi32::<16>(high));
            for r in 0..R {
                let x = _mm256_broadcast_ss(&*a.add(r * row_stride + 8 * p).cast());
                sums[r][0] = _mm256_fmadd_ps(x, even_low, sums[r][0]);
                sums[r][1] = _mm256_fmadd_ps(x, even_high, sums[r][1]);
            }
            let odd_low = _mm256_and_ps(_mm256_castsi256_ps(low), odd);
            let odd_high = _mm256_and_ps(_mm256_castsi256_ps(high), odd);
            for r in 0..R {
                let x = _mm256_broadcast_ss(&*a.add(r * row_stride + 8 * p + 4).cast());
                sums[r][0] = _mm256_fmadd_ps(x, odd_low, sums[r][0]);
                sums[r][1] = _mm256_fmadd_ps(x, odd_high, sums[r][1]);
            }
        }
        store!(0.0f32, _mm256_loadu_ps, _mm256_add_ps, _mm256_storeu_ps, sums, c, ldc, cols, start);
    }
}

/// `vpmaddubsw` adds two products in 16 bits; [`super::MOST_WEIGHT`] prevents saturation. `vpmaddwd` by ones adds two of those sums
/// in 32 bits.
#[target_feature(enable = "avx2,fma")]
unsafe fn int8_tile<const R: usize>(tile: &Tile<u8, i8, i32>) {
    let &Tile { steps, a, row_stride, b, c, ldc, cols, start } = tile;
    let mut sums = [[_mm256_setzero_si256(); 2]; R];
    let ones = _mm256_set1_epi16(1);
    // SAFETY: the caller promises R rows of `4 · steps` bytes in A, `steps` rows of 64 bytes in B and R rows of `cols`
    // values in C.
    unsafe {
        for p in 0..steps {
            prefetch(b.wrapping_add(4 * WIDTH * (steps + p)));
            let four = b.add(4 * WIDTH * p).cast::<__m256i>();
            let (low, high) = (_mm256_loadu_si256(four), _mm256_loadu_si256(four.add(1)));
            for r in 0..R {
                let x = _mm256_set1_epi32(a.add(r * row_stride + 4 * p).cast::<i32>().read_unaligned());
                let (low, high) = (_mm256_maddubs_epi16(x, low), _mm256_maddubs_epi16(x, high));
                sums[r][0] = _mm256_add_epi32(sums[r][0], _mm256_madd_epi16(low, ones));
                sums[r][1] = _mm256_add_epi32(sums[r][1], _mm256_madd_epi16(high, ones));
            }
        }
        store!(0i32, _mm256_loadu_si256, _mm256_add_epi32, _mm256_storeu_si256, sums, c, ldc, cols, start);
    }
}
