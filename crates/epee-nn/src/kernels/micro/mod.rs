//! The inner kernels of the matrix product: a few rows of A times one panel of B. One file per instruction set.
//!
//! There are three kinds. Each sums over k in ascending order:
//! - `f32` (and, portable only, `f64`): A and B unchanged.
//! - `bf16`: both rounded to bfloat16, B in pairs along k, sums in `f32`.
//! - `int8`: B as signed bytes, A as unsigned bytes, in groups of four along k, sums in `i32`. Integer sums are exact, so every
//!   instruction set gives the same sums.

// `Scalar` names these types, so they are public in a private module.
#![allow(unreachable_pub)]

/// A kernel that calls the function compiled for the given number of rows.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! by_rows {
    ($name:ident, $function:ident, $a:ty, $b:ty, $c:ty, $($count:literal)+) => {
        pub(super) unsafe fn $name(rows: usize, tile: &Tile<$a, $b, $c>) {
            // SAFETY: the caller promises what the kernel needs: rows and columns inside the matrices, and a machine that
            // has the instructions.
            unsafe {
                match rows {
                    $($count => $function::<$count>(tile),)+
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
use crate::{Precision, Scalar};

/// The most rows of any kernel.
pub const MOST_ROWS: usize = 12;

/// An inner kernel: `C[r, j] = start[r, j] + Σ_k A[r, k] · B[k, j]` for 1 to [`MicroKernel::rows`] rows.
pub type Micro<A, B, C> = unsafe fn(usize, &Tile<A, B, C>);

/// The operands of one call of an inner kernel. Strides are in values.
pub struct Tile<A, B, C> {
    /// Steps along k: the length of k over [`MicroKernel::group`].
    pub steps: usize,
    /// The first row of A. Values along k are adjacent.
    pub a: *const A,
    /// From one row of A to the next.
    pub row_stride: usize,
    /// A panel of B, `[steps, width, group]`.
    pub b: *const B,
    /// The first row of C.
    pub c: *mut C,
    /// From one row of C to the next.
    pub ldc: usize,
    /// The columns of C to write, 1 to [`MicroKernel::width`].
    pub cols: usize,
    /// The values that the sums are added to.
    pub start: Initial<C>,
}

/// The values that a kernel adds its sums to, rows `stride` apart: C and its stride to continue a sum; a bias and 0; a null
/// pointer for nothing.
#[derive(Clone, Copy, Debug)]
pub struct Initial<C> {
    /// The first row's values.
    pub values: *const C,
    /// From one row to the next.
    pub stride: usize,
}

impl<C> Initial<C> {
    /// Nothing.
    pub const NOTHING: Initial<C> = Initial { values: std::ptr::null(), stride: 0 };
}

/// An inner kernel and the shape of its operands.
#[derive(Clone, Copy)]
pub struct MicroKernel<A, B, C> {
    /// The most rows of A in one call.
    pub rows: usize,
    /// Columns of a panel of B.
    pub width: usize,
    /// Values along k that are adjacent in a panel. A is padded to a multiple.
    pub group: usize,
    /// The kernel.
    ///
    /// # Safety
    /// All rows and columns of the tile must be inside the matrices, and the machine must have the kernel's instructions.
    pub run: Micro<A, B, C>,
}

/// The bits of a bfloat16.
pub type Bf16 = u16;

/// The format of A for a kernel of less than 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `f32` values rounded to bfloat16.
    Float,
    /// bfloat16 values.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    Bf16,
    /// Unsigned bytes.
    Unsigned,
    /// Unsigned bytes minus 128, as signed bytes: the operands of Arm's dot product.
    #[cfg_attr(not(target_arch = "aarch64"), allow(dead_code))]
    Shifted,
}

/// A kernel of less than 32 bits: A and its row stride are counted in bytes.
#[derive(Clone, Copy)]
pub struct LowKernel<B, C> {
    /// The format of A.
    pub form: Form,
    /// The kernel.
    pub kernel: MicroKernel<u8, B, C>,
}

/// The greatest magnitude of an integer weight. `vpmaddubsw` adds two products of a byte and a weight in 16 bits, and
/// `2 · 255 · 64` is the most that does not saturate. Every instruction set uses it, so that integer sums are the same everywhere.
pub const MOST_WEIGHT: f32 = 64.0;

/// The longest row whose sum of byte products cannot overflow 32 bits: `2^31 / (255 · 64)`.
pub const MOST_INPUTS_INT8: usize = 131_000;

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

/// See [`Precision::numeric_class`]. Whoever changes what a class computes gives it the next number.
pub(crate) fn numeric_class(isa: Isa, precision: Precision) -> &'static str {
    match (isa, precision) {
        (Isa::Portable, _) => "portable-1",
        (isa, Precision::Bf16) if bf16_kernel(isa).form == Form::Bf16 => "avx512-bf16-1",
        _ => "fused-1",
    }
}

#[cfg(test)]
mod tests;
