//! The number types of the blocks: `f32` for work, `f64` for tests.

use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub};

use crate::buffers::Buffers;
use crate::kernels::isa::isa;
use crate::kernels::math;
use crate::kernels::micro::{self, MicroKernel};
use crate::kernels::transpose::{self, TransposeTile};

/// A floating-point type for blocks. If `FUSED`, functions of `f32` use fused multiply-add.
pub trait Scalar:
    Copy
    + Default
    + Debug
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + MulAssign
    + Sum
    + private::Sealed
    + 'static
{
    /// 0
    const ZERO: Self;
    /// 1
    const ONE: Self;
    /// The nearest number to `x`.
    fn of(x: f64) -> Self;
    /// This number as `f64`.
    fn f64(self) -> f64;
    /// The square root.
    fn sqrt(self) -> Self;
    /// `e^x`; `f32` clamps x to [−87, 88].
    fn exp<const FUSED: bool>(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh<const FUSED: bool>(self) -> Self;
    /// The error function.
    fn erf<const FUSED: bool>(self) -> Self;
    /// The matrix product's inner kernel on this machine.
    #[doc(hidden)]
    fn micro_kernel() -> MicroKernel<Self, Self, Self>;
    /// The function that transposes a tile of a matrix on this machine.
    #[doc(hidden)]
    fn transpose_tile() -> TransposeTile<Self>;
    /// The pool of freed buffers.
    #[doc(hidden)]
    fn buffers() -> &'static Buffers<Self>;
}

mod private {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

macro_rules! scalar {
    ($float:ident, $exp:expr, $tanh:expr, $erf:expr, $micro_kernel:expr, $transpose_tile:expr) => {
        impl Scalar for $float {
            const ZERO: $float = 0.0;
            const ONE: $float = 1.0;
            #[inline(always)]
            fn of(x: f64) -> $float {
                x as $float
            }
            #[inline(always)]
            fn f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn sqrt(self) -> $float {
                $float::sqrt(self)
            }
            #[inline(always)]
            fn exp<const FUSED: bool>(self) -> $float {
                $exp(self)
            }
            #[inline(always)]
            fn tanh<const FUSED: bool>(self) -> $float {
                $tanh(self)
            }
            #[inline(always)]
            fn erf<const FUSED: bool>(self) -> $float {
                $erf(self)
            }
            fn micro_kernel() -> MicroKernel<$float, $float, $float> {
                $micro_kernel
            }
            fn transpose_tile() -> TransposeTile<$float> {
                $transpose_tile
            }
            fn buffers() -> &'static Buffers<$float> {
                static FREE: Buffers<$float> = Buffers::new();
                &FREE
            }
        }
    };
}

scalar!(
    f32,
    math::exp::<FUSED>,
    math::tanh::<FUSED>,
    math::erf::<FUSED>,
    micro::f32_kernel(isa()),
    transpose::f32_tile(isa())
);
scalar!(f64, f64::exp, f64::tanh, libm::erf, micro::portable(), transpose::portable::<f64>);
