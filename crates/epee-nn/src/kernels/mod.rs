//! The compute kernels, and the only place with `unsafe` code: each kernel has a scalar twin that a test compares it with.
//!
//! - [`isa`]: the instruction sets, found at run time; `EPEE_ISA` overrides the choice.
//! - [`micro`]: the inner kernels of the matrix product, for `f32`, `bf16` and `int8`, one file per instruction set.
//! - [`gemm`]: the matrix product training calls, on any layout; [`packed`]: the one inference calls, on weights packed once.
//! - [`attend`]: attention of one sequence and head, without an L² buffer.
//! - [`math`]: exponential, error function and hyperbolic tangent in `f32`, written so that the compiler vectorises them.
//! - [`rows`]: element-wise and row-wise loops, compiled for the widest instruction set found.
//! - [`team`]: the threads that share a request's loops.
//! - [`peak`]: what this machine could do at most, to compare with.
//!
//! Every kernel sums in one fixed order, so that no result depends on the number of rows or threads.
#![allow(unsafe_code)]

pub(crate) mod attend;
pub(crate) mod gemm;
pub(crate) mod isa;
pub(crate) mod math;
pub(crate) mod micro;
pub(crate) mod packed;
pub(crate) mod peak;
pub(crate) mod rows;
pub(crate) mod team;

use isa::{Isa, isa};

/// Runs `f` compiled for the widest instruction set, where the compiler inlines it.
#[inline(always)]
pub(crate) fn vectorised<R>(f: impl FnOnce() -> R) -> R {
    match isa() {
        Isa::Portable => f(),
        // NEON is part of every 64-bit Arm: plain code is compiled for it.
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => f(),
        // SAFETY: `isa` says so only on a machine that has AVX2 and FMA.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { with_avx2(f) },
        // SAFETY: `isa` says so only on a machine that has these.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { with_avx512(f) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<R>(f: impl FnOnce() -> R) -> R {
    f()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512vl")]
fn with_avx512<R>(f: impl FnOnce() -> R) -> R {
    f()
}
