//! The compute kernels. All `unsafe` code of this crate is here. A test compares each kernel with a scalar version.
//!
//! - [`isa`]: the instruction sets, detected at run time. `EPEE_ISA` overrides the choice.
//! - [`micro`]: the inner kernels of the matrix product, for `f32`, `bf16` and `int8`, one file per instruction set.
//! - [`gemm`]: the matrix product of training, for any layout. [`packed`]: that of inference, with weights packed once.
//! - [`attend`]: attention of one sequence and head, without a buffer of length² scores.
//! - [`math`]: exponential, error function and hyperbolic tangent in `f32`, in a form that the compiler vectorizes.
//! - [`rows`]: element-wise and row-wise loops, compiled for the instruction set in use.
//! - [`transpose`]: transposition, for packing.
//! - [`thread_pool`]: the threads that share the loops of one request.
//! - [`roofline`]: the machine's peak speed.
//!
//! Every kernel sums in one fixed order, so results do not depend on the number of rows or threads.
#![allow(unsafe_code)]

pub(crate) mod attend;
pub(crate) mod gemm;
pub(crate) mod isa;
pub(crate) mod math;
pub(crate) mod micro;
pub(crate) mod packed;
pub(crate) mod roofline;
pub(crate) mod rows;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod thread_pool;
pub(crate) mod transpose;

/// Makes a buffer at least this long. It never gets shorter.
pub(crate) fn grow<T: Clone + Default>(x: &mut Vec<T>, len: usize) {
    if x.len() < len {
        x.resize(len, T::default());
    }
}

/// Evaluates a body compiled for the instruction set in use. Inside, the constant `FUSED` says whether it has fused multiply-add.
/// It is a macro so that the compiler inlines the body once per instruction set.
macro_rules! vectorised {
    ($body:expr) => {
        match $crate::kernels::isa::isa() {
            $crate::kernels::isa::Isa::Portable => $crate::kernels::vectorised!(@ false, $body),
            // Every 64-bit Arm has NEON, so plain code is compiled for it.
            #[cfg(target_arch = "aarch64")]
            $crate::kernels::isa::Isa::Neon => $crate::kernels::vectorised!(@ true, $body),
            #[cfg(target_arch = "x86_64")]
            $crate::kernels::isa::Isa::Avx2 => $crate::kernels::vectorised!(@ true, with_avx2, $body),
            #[cfg(target_arch = "x86_64")]
            $crate::kernels::isa::Isa::Avx512 => $crate::kernels::vectorised!(@ true, with_avx512, $body),
        }
    };
    (@ $fused:literal, $compiled:ident, $body:expr) => {{
        #[allow(dead_code)]
        const FUSED: bool = $fused;
        $crate::kernels::$compiled(
            #[inline(always)]
            || $body,
        )
    }};
    (@ $fused:literal, $body:expr) => {{
        #[allow(dead_code)]
        const FUSED: bool = $fused;
        $body
    }};
}
pub(crate) use vectorised;

/// A function that runs `f` compiled for an instruction set, for [`vectorised!`]. It panics if another one is in use.
#[cfg(target_arch = "x86_64")]
macro_rules! compiled_for {
    ($name:ident, $isa:ident, $features:literal) => {
        #[inline(always)]
        pub(crate) fn $name<R>(f: impl FnOnce() -> R) -> R {
            #[target_feature(enable = $features)]
            fn compiled<R>(f: impl FnOnce() -> R) -> R {
                f()
            }
            assert!(isa::isa() == isa::Isa::$isa);
            // SAFETY: `isa` returns an instruction set only on a machine that has these extensions.
            unsafe { compiled(f) }
        }
    };
}
#[cfg(target_arch = "x86_64")]
compiled_for!(with_avx2, Avx2, "avx2,fma");
#[cfg(target_arch = "x86_64")]
compiled_for!(with_avx512, Avx512, "avx2,fma,avx512f,avx512bw,avx512vl");
