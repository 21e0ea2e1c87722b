//! Transposition of a matrix, tile by tile. Packing uses it for a transposed operand.

// `Scalar` names these types, so they are public in a private module.
#![allow(unreachable_pub)]

use super::isa::Isa;
use crate::Scalar;

/// Rows and columns of a tile.
const TILE: usize = 8;
/// Tiles are visited in squares of this side, so that cache lines of both matrices are touched once.
const SQUARE: usize = 2 * TILE;

/// Transposes one tile: `to[c · to_stride + r] = from[r · from_stride + c]` for r and c below [`TILE`].
///
/// Arguments: from, its row stride, to, its row stride.
///
/// # Safety
/// The tile must be inside both matrices, and the machine must have the function's instructions.
pub type TransposeTile<T> = unsafe fn(*const T, usize, *mut T, usize);

/// The portable function, for every number type and machine.
pub(crate) unsafe fn portable<T: Copy>(from: *const T, from_stride: usize, to: *mut T, to_stride: usize) {
    for r in 0..TILE {
        for c in 0..TILE {
            // SAFETY: the caller promises a whole tile on both sides.
            unsafe { *to.add(c * to_stride + r) = *from.add(r * from_stride + c) };
        }
    }
}

/// The `f32` function of an instruction set.
pub(crate) fn f32_tile(isa: Isa) -> TransposeTile<f32> {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 | Isa::Avx512 => x86::tile,
        _ => portable::<f32>,
    }
}

/// `to[c · to_stride + r] = from[r · from_stride + c]` for r below `rows` and c below `cols`.
pub(crate) fn transpose<T: Scalar>(
    from: &[T],
    from_stride: usize,
    to: &mut [T],
    to_stride: usize,
    (rows, cols): (usize, usize),
) {
    if rows == 0 || cols == 0 {
        return;
    }
    assert!((rows - 1) * from_stride + cols <= from.len(), "{rows} x {cols} values to transpose");
    assert!((cols - 1) * to_stride + rows <= to.len(), "{cols} x {rows} transposed values");
    let tile = T::transpose_tile();
    let (whole_rows, whole_cols) = (rows / TILE * TILE, cols / TILE * TILE);
    for c in (0..whole_cols).step_by(SQUARE) {
        for r in (0..whole_rows).step_by(SQUARE) {
            for r in (r..whole_rows.min(r + SQUARE)).step_by(TILE) {
                for c in (c..whole_cols.min(c + SQUARE)).step_by(TILE) {
                    // SAFETY: r + TILE is at most `rows` and c + TILE at most `cols`, which lie inside both slices.
                    unsafe {
                        let (from, to) =
                            (from.as_ptr().add(r * from_stride + c), to.as_mut_ptr().add(c * to_stride + r));
                        tile(from, from_stride, to, to_stride);
                    }
                }
            }
        }
    }
    for r in 0..rows {
        for c in if r < whole_rows { whole_cols } else { 0 }..cols {
            to[c * to_stride + r] = from[r * from_stride + c];
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    /// Exchanges pairs, then fours, then halves of the registers.
    #[target_feature(enable = "avx")]
    pub(super) unsafe fn tile(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        // SAFETY: the caller promises a whole tile on both sides.
        unsafe {
            let row = |r: usize| _mm256_loadu_ps(from.add(r * from_stride));
            let pair = |r: usize| (_mm256_unpacklo_ps(row(r), row(r + 1)), _mm256_unpackhi_ps(row(r), row(r + 1)));
            let four = |r: usize| {
                let ((a, b), (c, d)) = (pair(r), pair(r + 2));
                [
                    _mm256_shuffle_ps::<0b01_00_01_00>(a, c),
                    _mm256_shuffle_ps::<0b11_10_11_10>(a, c),
                    _mm256_shuffle_ps::<0b01_00_01_00>(b, d),
                    _mm256_shuffle_ps::<0b11_10_11_10>(b, d),
                ]
            };
            let (upper, lower) = (four(0), four(4));
            for c in 0..4 {
                _mm256_storeu_ps(to.add(c * to_stride), _mm256_permute2f128_ps::<0x20>(upper[c], lower[c]));
                _mm256_storeu_ps(to.add((c + 4) * to_stride), _mm256_permute2f128_ps::<0x31>(upper[c], lower[c]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::values;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_shape_and_stride_agrees_with_the_definition(
            rows in 0usize..40, cols in 0usize..40, more in 0usize..5, still_more in 0usize..5,
        ) {
            let (from_stride, to_stride) = (cols + more, rows + still_more);
            let from = values(rows * from_stride + cols, 3);
            let mut to = vec![7.0; cols * to_stride + rows];
            transpose(&from, from_stride, &mut to, to_stride, (rows, cols));
            for (at, got) in to.iter().enumerate() {
                let (c, r) = (at / to_stride.max(1), at % to_stride.max(1));
                let expected = if r < rows && c < cols { from[r * from_stride + c] } else { 7.0 };
                prop_assert_eq!(*got, expected, "row {}, column {}", r, c);
            }
        }
    }
}
