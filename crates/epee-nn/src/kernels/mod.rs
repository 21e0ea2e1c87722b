//! The compute kernels, and the only place with `unsafe` code: each kernel has a scalar twin that a test compares it with.
//!
//! - [`gemm`]: matrix products on packed panels, blocked and threaded; [`micro`] holds the inner kernels.
//! - [`math`]: exponential and error function in `f32`, written so that the compiler vectorises them.
//! - [`rows`]: element-wise and row-wise loops, threaded, compiled for the widest instruction set found.
//!
//! The instruction set is found at run time. Every kernel sums in one fixed order, so that no result depends on the
//! number of rows or threads.
#![allow(unsafe_code)]

pub(crate) mod gemm;
pub(crate) mod math;
pub(crate) mod micro;
pub(crate) mod rows;

use std::sync::OnceLock;

/// The instruction sets kernels are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isa {
    /// Whatever the compiler makes of plain Rust.
    Portable,
    /// AVX2 with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

/// The widest instruction set this machine has; `EPEE_ISA=portable` forces the plain one.
pub(crate) fn isa() -> Isa {
    static ISA: OnceLock<Isa> = OnceLock::new();
    *ISA.get_or_init(|| {
        if std::env::var("EPEE_ISA").is_ok_and(|name| name == "portable") {
            return Isa::Portable;
        }
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
            return Isa::Avx2;
        }
        Isa::Portable
    })
}

/// The name of the instruction set the kernels run on: `avx2` or `portable`.
pub fn instruction_set() -> &'static str {
    match isa() {
        Isa::Portable => "portable",
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => "avx2",
    }
}

/// Runs `f` compiled for the widest instruction set, where the compiler inlines it.
#[inline(always)]
pub(crate) fn vectorised<R>(f: impl FnOnce() -> R) -> R {
    match isa() {
        Isa::Portable => f(),
        // SAFETY: `isa` says `Avx2` only on a machine that has AVX2 and FMA.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { with_avx2(f) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2<R>(f: impl FnOnce() -> R) -> R {
    f()
}
