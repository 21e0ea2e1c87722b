//! The compute kernels, and the only place with `unsafe` code: each kernel has a scalar twin that a test compares it with.
//!
//! - [`isa`]: the instruction sets, found at run time; `EPEE_ISA` overrides the choice.
//! - [`micro`]: the inner kernels of the matrix product, for `f32`, `bf16` and `int8`, one file per instruction set.
//! - [`gemm`]: the matrix product training calls, on any layout; [`packed`]: the one inference calls, on weights packed once.
//! - [`attend`]: attention of one sequence and head, without an L² buffer.
//! - [`math`]: exponential, error function and hyperbolic tangent in `f32`, written so that the compiler vectorises them.
//! - [`rows`]: element-wise and row-wise loops, compiled for the widest instruction set found.
//! - [`transpose`]: transposing, for packing.
//! - [`thread_pool`]: the threads that share a request's loops.
//! - [`roofline`]: what this machine could do at most, to compare with.
//!
//! Every kernel sums in one fixed order, so that no result depends on the number of rows or threads.
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
mod testing;
pub(crate) mod thread_pool;
pub(crate) mod transpose;

/// Makes a buffer at least so long; it never gets shorter.
pub(crate) fn grow<T: Clone + Default>(x: &mut Vec<T>, len: usize) {
    if x.len() < len {
        x.resize(len, T::default());
    }
}

/// Evaluates a body compiled for the instruction set in use; inside it the constant `FUSED` says whether that has a fused
/// multiply-add. A macro, so that the body stands in each place by itself and the compiler inlines it there.
macro_rules! vectorised {
    ($body:expr) => {
        match $crate::kernels::isa::isa() {
            $crate::kernels::isa::Isa::Portable => {
                #[allow(dead_code)]
                const FUSED: bool = false;
                $body
            }
            // NEON is part of every 64-bit Arm: plain code is compiled for it.
            #[cfg(target_arch = "aarch64")]
            $crate::kernels::isa::Isa::Neon => {
                #[allow(dead_code)]
                const FUSED: bool = true;
                $body
            }
            #[cfg(target_arch = "x86_64")]
            $crate::kernels::isa::Isa::Avx2 => {
                #[allow(dead_code)]
                const FUSED: bool = true;
                $crate::kernels::with_avx2(
                    #[inline(always)]
                    || $body,
                )
            }
            #[cfg(target_arch = "x86_64")]
            $crate::kernels::isa::Isa::Avx512 => {
                #[allow(dead_code)]
                const FUSED: bool = true;
                $crate::kernels::with_avx512(
                    #[inline(always)]
                    || $body,
                )
            }
        }
    };
}
pub(crate) use vectorised;

/// Runs `f` compiled for AVX2, for what [`vectorised!`] expands to.
///
/// # Panics
/// Where [`isa::isa`] does not say so.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn with_avx2<R>(f: impl FnOnce() -> R) -> R {
    assert!(isa::isa() == isa::Isa::Avx2);
    // SAFETY: `isa` says so only on a machine that has AVX2 and FMA.
    unsafe { avx2(f) }
}

/// Runs `f` compiled for AVX-512, for what [`vectorised!`] expands to.
///
/// # Panics
/// Where [`isa::isa`] does not say so.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn with_avx512<R>(f: impl FnOnce() -> R) -> R {
    assert!(isa::isa() == isa::Isa::Avx512);
    // SAFETY: `isa` says so only on a machine that has these.
    unsafe { avx512(f) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn avx2<R>(f: impl FnOnce() -> R) -> R {
    f()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl")]
fn avx512<R>(f: impl FnOnce() -> R) -> R {
    f()
}
