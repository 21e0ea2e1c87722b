//! The roofline: the peak speed of the inner kernels, on operands that stay in the first-level cache.

use std::time::Instant;

use super::isa::isa;
use super::micro::{self, Initial, MicroKernel, Tile};
use super::thread_pool;
use crate::Precision;

/// Peak operations per second of the inner kernel on all threads of this request: the upper bound for a matrix product. A
/// multiplication and an addition count as two operations.
pub fn roofline(precision: Precision) -> f64 {
    let isa = isa();
    match precision {
        Precision::F32 => measure(micro::f32_kernel(isa)),
        Precision::Bf16 => measure(micro::bf16_kernel(isa).kernel),
        Precision::Int8 => measure(micro::int8_kernel(isa).kernel),
    }
}

/// Steps along k per call.
const STEPS: usize = 128;
/// Calls per task.
const CALLS: usize = 2000;

fn measure<A, B, C>(kernel: MicroKernel<A, B, C>) -> f64
where
    B: Clone + Default + Sync,
    C: Clone + Default,
{
    // Four times the values: kernels of less than 32 bits count A in bytes and may read `f32` values.
    let row = 4 * STEPS * kernel.group;
    // 64-bit words, so that numbers of any size are aligned.
    let a = vec![0u64; (kernel.rows * row * size_of::<A>()).div_ceil(8)];
    let b = vec![B::default(); STEPS * kernel.group * kernel.width];
    let tasks = thread_pool::threads();
    let round = || {
        let start = Instant::now();
        thread_pool::run(tasks, |_| {
            let mut c = vec![C::default(); kernel.rows * kernel.width];
            for _ in 0..CALLS {
                let tile = Tile {
                    steps: STEPS,
                    a: a.as_ptr().cast(),
                    row_stride: row,
                    b: b.as_ptr(),
                    c: c.as_mut_ptr(),
                    ldc: kernel.width,
                    cols: kernel.width,
                    start: Initial::NOTHING,
                };
                // SAFETY: A has the kernel's rows, each with at least the bytes it reads; B is a panel of as many steps; C is a
                // whole tile.
                unsafe { (kernel.run)(kernel.rows, &tile) };
                std::hint::black_box(&mut c);
            }
        });
        start.elapsed().as_secs_f64()
    };
    let best = (0..8).map(|_| round()).fold(f64::INFINITY, f64::min);
    let products = kernel.rows * kernel.width * STEPS * kernel.group * CALLS * tasks;
    2.0 * products as f64 / best
}
