//! The inner kernels of the matrix product: a few rows of A against one panel of B, one file per instruction set.
//!
//! Three kinds, each summed over k in ascending order:
//! - `f32` (and, portable only, `f64`): A and B as they are.
//! - `bf16`: both rounded to bfloat16, B in pairs along k, products added up in `f32`.
//! - `int8`: B as signed bytes, A as unsigned ones, in fours along k, products added up in `i32`, so that the order does not
//!   matter and every instruction set gives the same bits.

// `Scalar` names these types, so they are public in a private module.
#![allow(unreachable_pub)]

/// A kernel that calls the tile written for as many rows as there are.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! by_rows {
    ($name:ident, $tile:ident, $a:ty, $b:ty, $c:ty, $($count:literal)+) => {
        #[allow(clippy::too_many_arguments)]
        pub(super) unsafe fn $name(
            rows: usize,
            steps: usize,
            a: *const $a,
            row_stride: usize,
            b: *const $b,
            c: *mut $c,
            ldc: usize,
            cols: usize,
            start: Initial<$c>,
        ) {
            // SAFETY: the caller's promise is passed on: rows and columns lie inside the matrices, and the kernel is
            // chosen only where its instructions are present.
            unsafe {
                match rows {
                    $($count => $tile::<$count>(steps, a, row_stride, b, c, ldc, cols, start),)+
                    _ => unreachable!("{rows} rows"),
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;

use super::isa::Isa;
use crate::Scalar;

/// The most rows any kernel takes at once.
pub const MOST_ROWS: usize = 12;

/// An inner kernel: `C[r, j] = start[r, j] + Σ_k A[r, k] · B[k, j]`.
///
/// Arguments: rows (1 to [`MicroKernel::rows`]), steps along k (k over [`MicroKernel::group`]), A (values along k
/// adjacent), A's row stride in values, one panel of B (`[steps, width, group]`), C, its row stride, the columns of C to
/// write (1 to `width`), where the sums start from.
pub type Micro<A, B, C> = unsafe fn(usize, usize, *const A, usize, *const B, *mut C, usize, usize, Initial<C>);

/// What a kernel adds its sums to: values `stride` apart from row to row. C itself and its stride to go on with it; a bias
/// and 0; a null pointer for nothing.
#[derive(Debug)]
pub struct Initial<C> {
    /// The first row's values.
    pub values: *const C,
    /// From one row's to the next's.
    pub stride: usize,
}

impl<C> Initial<C> {
    /// Nothing.
    pub const NOTHING: Initial<C> = Initial { values: std::ptr::null(), stride: 0 };
}

// Not derived: that would ask for `Copy` of the numbers.
impl<C> Clone for Initial<C> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<C> Copy for Initial<C> {}

/// An inner kernel and the shape of what it works on.
pub struct MicroKernel<A, B, C> {
    /// The most rows of A at once.
    pub rows: usize,
    /// Columns in a panel of B.
    pub width: usize,
    /// Neighbours along k that stand side by side in a panel, and that A is padded to.
    pub group: usize,
    /// The kernel.
    ///
    /// # Safety
    /// All rows and columns named by the arguments must lie inside the matrices, and the machine must have the
    /// instructions the kernel was written for.
    pub run: Micro<A, B, C>,
}

// Not derived: that would ask for `Clone` of the numbers.
impl<A, B, C> Clone for MicroKernel<A, B, C> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<A, B, C> Copy for MicroKernel<A, B, C> {}

/// Bits of a bfloat16.
pub type Bf16 = u16;

/// What a kernel of less than 32 bits wants A to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `f32`s that were rounded to bfloat16.
    Float,
    /// bfloat16s.
    Bf16,
    /// Unsigned bytes.
    Unsigned,
    /// Unsigned bytes less 128, as signed ones: what Arm's dot product takes.
    #[cfg_attr(not(target_arch = "aarch64"), allow(dead_code))]
    Shifted,
}

/// A kernel of less than 32 bits: A and its row stride are counted in bytes.
#[derive(Clone, Copy)]
pub struct LowKernel<B, C> {
    /// What A holds.
    pub form: Form,
    /// The kernel.
    pub kernel: MicroKernel<u8, B, C>,
}

/// The greatest integer weight, by magnitude. `vpmaddubsw` adds two products of a byte and a weight in 16 bits:
/// `2 · 255 · 64` is the most that does not saturate. Kept to on every instruction set, so that all give the same bits.
pub const MOST_WEIGHT: f32 = 64.0;

/// Plain Rust, for every number type and machine.
pub(crate) fn portable<T: Scalar>() -> MicroKernel<T, T, T> {
    MicroKernel { rows: 6, width: 16, group: 1, run: portable::float::<T> }
}

/// The `f32` kernel of an instruction set.
pub(crate) fn f32_kernel(isa: Isa) -> MicroKernel<f32, f32, f32> {
    match isa {
        Isa::Portable => portable(),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => MicroKernel { rows: 6, width: 16, group: 1, run: neon::f32 },
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => MicroKernel { rows: 6, width: 16, group: 1, run: avx2::f32 },
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => MicroKernel { rows: 12, width: 32, group: 1, run: avx512::f32 },
    }
}

/// The `bf16` kernel of an instruction set.
pub(crate) fn bf16_kernel(isa: Isa) -> LowKernel<Bf16, f32> {
    let (form, rows, width, run): (Form, usize, usize, Micro<u8, Bf16, f32>) = match isa {
        Isa::Portable => (Form::Float, 6, 16, portable::bf16),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => (Form::Float, 6, 16, neon::bf16),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 if std::is_x86_feature_detected!("avx512bf16") => (Form::Bf16, 12, 32, avx512::bf16),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 | Isa::Avx512 => (Form::Float, 6, 16, avx2::bf16),
    };
    LowKernel { form, kernel: MicroKernel { rows, width, group: 2, run } }
}

/// The int8 kernel of an instruction set.
pub(crate) fn int8_kernel(isa: Isa) -> LowKernel<i8, i32> {
    let (form, rows, width, run): (Form, usize, usize, Micro<u8, i8, i32>) = match isa {
        Isa::Portable => (Form::Unsigned, 6, 16, portable::int8),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon if std::arch::is_aarch64_feature_detected!("dotprod") => (Form::Shifted, 6, 16, neon::int8),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => (Form::Unsigned, 6, 16, portable::int8),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 if std::is_x86_feature_detected!("avx512vnni") => (Form::Unsigned, 12, 32, avx512::int8),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 | Isa::Avx512 => (Form::Unsigned, 6, 16, avx2::int8),
    };
    LowKernel { form, kernel: MicroKernel { rows, width, group: 4, run } }
}

#[cfg(test)]
mod tests;
