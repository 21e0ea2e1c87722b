//! What this machine could do at most: the inner kernels on operands that never leave the first-level cache.

use std::time::Instant;

use super::isa::isa;
use super::micro::{self, Initial, MicroKernel};
use super::thread_pool;
use crate::Precision;

/// Operations per second, a multiplication and an addition each counting one, of the inner kernel on all threads of this request: the ceiling that a matrix
/// product is compared with.
pub fn roofline(precision: Precision) -> f64 {
    let isa = isa();
    match precision {
        Precision::F32 => measure(micro::f32_kernel(isa)),
        Precision::Bf16 => measure(micro::bf16_kernel(isa).kernel),
        Precision::Int8 => measure(micro::int8_kernel(isa).kernel),
    }
}

/// Steps along k of one call.
const STEPS: usize = 128;
/// Calls of one task.
const CALLS: usize = 2000;

fn measure<A, B, C>(kernel: MicroKernel<A, B, C>) -> f64
where
    B: Clone + Default + Sync,
    C: Clone + Default,
{
    // Four times what it reads: kernels of less than 32 bits count A in bytes and may read `f32`s.
    let row = 4 * STEPS * kernel.group;
    // Words, so that numbers of any size are aligned.
    let a = vec![0u64; (kernel.rows * row * size_of::<A>()).div_ceil(8)];
    let b = vec![B::default(); STEPS * kernel.group * kernel.width];
    let tasks = thread_pool::threads();
    let round = || {
        let start = Instant::now();
        thread_pool::run(tasks, |_| {
            let mut c = vec![C::default(); kernel.rows * kernel.width];
            for _ in 0..CALLS {
                // SAFETY: A has the kernel's rows of at least the bytes it reads, B a panel of as many steps, C a whole tile.
                unsafe {
                    (kernel.run)(
                        kernel.rows,
                        STEPS,
                        a.as_ptr().cast(),
                        row,
                        b.as_ptr(),
                        c.as_mut_ptr(),
                        kernel.width,
                        kernel.width,
                        Initial::NOTHING,
                    );
                }
                std::hint::black_box(&mut c);
            }
        });
        start.elapsed().as_secs_f64()
    };
    let best = (0..8).map(|_| round()).fold(f64::INFINITY, f64::min);
    let products = kernel.rows * kernel.width * STEPS * kernel.group * CALLS * tasks;
    2.0 * products as f64 / best
}
