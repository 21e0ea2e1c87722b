//! Advanced SIMD of 64-bit Arm: 6 rows × 16 columns, twenty-four accumulators, four registers of B, one of A.

use std::arch::aarch64::*;

use super::portable::store;
use super::{Bf16, Initial, Tile};

const WIDTH: usize = 16;

by_rows!(f32, f32_tile, f32, f32, f32, 1 2 3 4 5 6);
by_rows!(bf16, bf16_tile, u8, Bf16, f32, 1 2 3 4 5 6);
by_rows!(int8, int8_tile, u8, i8, i32, 1 2 3 4 5 6);

#[target_feature(enable = "neon")]
unsafe fn f32_tile<const R: usize>(tile: &Tile<f32, f32, f32>) {
    let &Tile { steps, a, row_stride, b, c, ldc, cols, start } = tile;
    let mut sums = [[vdupq_n_f32(0.0); 4]; R];
    // SAFETY: the caller promises R rows of `steps` values in A, `steps` rows of 16 values in B and R rows of `cols`
    // values in C.
    unsafe {
        for p in 0..steps {
            let panel: [float32x4_t; 4] = std::array::from_fn(|q| vld1q_f32(b.add(p * WIDTH + 4 * q)));
            for r in 0..R {
                let x = *a.add(r * row_stride + p);
                for q in 0..4 {
                    sums[r][q] = vfmaq_n_f32(sums[r][q], panel[q], x);
                }
            }
        }
        store_f32(&sums, c, ldc, cols, start);
    }
}

/// A shift and a mask convert the bfloat16 pairs of B to `f32`. A is `f32` already. Arithmetic is in `f32`.
#[target_feature(enable = "neon")]
unsafe fn bf16_tile<const R: usize>(tile: &Tile<u8, Bf16, f32>) {
    let &Tile { steps, a, row_stride, b, c, ldc, cols, start } = tile;
    let mut sums = [[vdupq_n_f32(0.0); 4]; R];
    let odd = vdupq_n_u32(0xffff_0000);
    // SAFETY: the caller promises R rows of `2 · steps` values in A, `steps` rows of 32 values in B and R rows of `cols`
    // values in C.
    unsafe {
        for p in 0..steps {
            let panel: [uint32x4_t; 4] =
                std::array::from_fn(|q| vreinterpretq_u32_u16(vld1q_u16(b.add(2 * (p * WIDTH + 4 * q)))));
            for r in 0..R {
                let pair = a.add(r * row_stride + 8 * p).cast::<f32>();
                let x = [*pair, *pair.add(1)];
                for q in 0..4 {
                    let low = vreinterpretq_f32_u32(vshlq_n_u32::<16>(panel[q]));
                    let high = vreinterpretq_f32_u32(vandq_u32(panel[q], odd));
                    sums[r][q] = vfmaq_n_f32(vfmaq_n_f32(sums[r][q], low, x[0]), high, x[1]);
                }
            }
        }
        store_f32(&sums, c, ldc, cols, start);
    }
}

#[target_feature(enable = "neon,dotprod")]
unsafe fn int8_tile<const R: usize>(tile: &Tile<u8, i8, i32>) {
    let &Tile { steps, a, row_stride, b, c, ldc, cols, start } = tile;
    let mut sums = [[vdupq_n_s32(0); 4]; R];
    // SAFETY: the caller promises R rows of `4 · steps` bytes in A, `steps` rows of 64 bytes in B and R rows of `cols`
    // values in C; the full-width store happens only if `cols` is 16.
    unsafe {
        for p in 0..steps {
            let panel: [int8x16_t; 4] = std::array::from_fn(|q| vld1q_s8(b.add(4 * (p * WIDTH + 4 * q))));
            for r in 0..R {
                let x = a.add(r * row_stride + 4 * p).cast::<i32>().read_unaligned();
                let x = vreinterpretq_s8_s32(vdupq_n_s32(x));
                for q in 0..4 {
                    sums[r][q] = dot(sums[r][q], panel[q], x);
                }
            }
        }
        for r in 0..R {
            let mut row = [0i32; WIDTH];
            for q in 0..4 {
                vst1q_s32(row.as_mut_ptr().add(4 * q), sums[r][q]);
            }
            store(&row, c.add(r * ldc), cols, start, r);
        }
    }
}

/// `sums[j] + Σ_i x[4 j + i] y[4 j + i]`, by an instruction whose intrinsic is not stable yet.
#[inline]
#[target_feature(enable = "neon,dotprod")]
unsafe fn dot(sums: int32x4_t, x: int8x16_t, y: int8x16_t) -> int32x4_t {
    let mut sums = sums;
    // SAFETY: the instruction reads and writes these registers alone; the caller checked that it exists.
    unsafe {
        std::arch::asm!(
            "sdot {sums:v}.4s, {x:v}.16b, {y:v}.16b",
            sums = inout(vreg) sums, x = in(vreg) x, y = in(vreg) y,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sums
}

/// # Safety
/// C must have R rows of `cols` values, at most 16.
#[target_feature(enable = "neon")]
unsafe fn store_f32<const R: usize>(
    sums: &[[float32x4_t; 4]; R],
    c: *mut f32,
    ldc: usize,
    cols: usize,
    start: Initial<f32>,
) {
    // SAFETY: only the first `cols` values of each row are touched.
    unsafe {
        for r in 0..R {
            let mut row = [0.0f32; WIDTH];
            for q in 0..4 {
                vst1q_f32(row.as_mut_ptr().add(4 * q), sums[r][q]);
            }
            store(&row, c.add(r * ldc), cols, start, r);
        }
    }
}
