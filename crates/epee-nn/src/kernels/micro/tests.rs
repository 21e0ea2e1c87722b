//! Tests: every kernel of every instruction set of this machine, against plain arithmetic.

use super::*;
use crate::kernels::testing::values;

/// Runs a kernel with every number of rows and columns, and calls `check(row, column, value)` for each result. C has one more column,
/// which must not change.
fn each<A, B, C: Copy + PartialEq + std::fmt::Debug>(
    kernel: MicroKernel<A, B, C>,
    steps: usize,
    (a, row_stride): (&[A], usize),
    b: &[B],
    untouched: C,
    accumulate: bool,
    check: impl Fn(usize, usize, C),
) {
    for rows in 1..=kernel.rows {
        for cols in 1..=kernel.width {
            let ldc = cols + 1;
            let mut c = vec![untouched; rows * ldc];
            let start = if accumulate { Initial { values: c.as_ptr(), stride: ldc } } else { Initial::NOTHING };
            let (a, b, c_data) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
            // SAFETY: A has the kernel's most rows, B `steps` rows of its width, C `rows` rows of `cols + 1` values.
            unsafe { (kernel.run)(rows, &Tile { steps, a, row_stride, b, c: c_data, ldc, cols, start }) };
            for (i, &value) in c.iter().enumerate() {
                let (row, col) = (i / ldc, i % ldc);
                if col == cols {
                    assert_eq!(value, untouched, "{rows} rows, {cols} columns: the next column was written");
                } else {
                    check(row, col, value);
                }
            }
        }
    }
}

#[test]
fn f32_kernels_are_the_definition() {
    for isa in Isa::here() {
        let kernel = f32_kernel(isa);
        let (steps, stride) = (77, 80);
        let (a, b) = (values(kernel.rows * stride, 1), values(steps * kernel.width, 2));
        for accumulate in [false, true] {
            each(kernel, steps, (&a, stride), &b, 1.0, accumulate, |row, col, got| {
                let product = |p: usize| f64::from(a[row * stride + p]) * f64::from(b[p * kernel.width + col]);
                let expected = f64::from(u8::from(accumulate)) + (0..steps).map(product).sum::<f64>();
                assert!((f64::from(got) - expected).abs() < 1e-4, "{isa}: {got}, expected {expected}");
            });
        }
    }
}

#[test]
fn bf16_kernels_are_the_definition() {
    let round = |x: &f32| (x.to_bits() >> 16) as Bf16;
    let wide = |bits: &Bf16| f32::from_bits(u32::from(*bits) << 16);
    for isa in Isa::here() {
        let LowKernel { form, kernel } = bf16_kernel(isa);
        assert_eq!(kernel.group, 2);
        let (steps, stride) = (39, 80);
        let x: Vec<Bf16> = values(kernel.rows * stride, 1).iter().map(round).collect();
        let b: Vec<Bf16> = values(2 * steps * kernel.width, 2).iter().map(round).collect();
        // In memory of floats, for alignment.
        let floats: Vec<f32> = match form {
            Form::Float => x.iter().map(wide).collect(),
            _ => {
                let pairs = x.chunks_exact(2).map(|pair| u32::from(pair[1]) << 16 | u32::from(pair[0]));
                pairs.map(f32::from_bits).collect()
            }
        };
        let row_bytes = 4 * floats.len() / kernel.rows;
        // SAFETY: floats are bytes side by side.
        let a = unsafe { std::slice::from_raw_parts(floats.as_ptr().cast::<u8>(), 4 * floats.len()) };
        for accumulate in [false, true] {
            each(kernel, steps, (a, row_bytes), &b, 1.0, accumulate, |row, col, got| {
                let product = |p: usize| {
                    let y = &b[(p / 2 * kernel.width + col) * 2 + p % 2];
                    f64::from(wide(&x[row * stride + p])) * f64::from(wide(y))
                };
                let expected = f64::from(u8::from(accumulate)) + (0..2 * steps).map(product).sum::<f64>();
                assert!((f64::from(got) - expected).abs() < 1e-4, "{isa}: {got}, expected {expected}");
            });
        }
    }
}

#[test]
fn int8_kernels_are_exact() {
    for isa in Isa::here() {
        let LowKernel { form, kernel } = int8_kernel(isa);
        let (steps, group) = (39, kernel.group);
        let k = steps * group;
        // Includes the ends of both ranges, where 16-bit sums are closest to saturation.
        let byte = |x: &f32| if *x > 0.3 { 255 } else { (x * 300.0) as i32 & 255 };
        let x: Vec<i32> = values(kernel.rows * k, 1).iter().map(byte).collect();
        let weight = |x: &f32| (x * 2.0 * MOST_WEIGHT).clamp(-MOST_WEIGHT, MOST_WEIGHT) as i8;
        let b: Vec<i8> = values(k * kernel.width, 2).iter().map(weight).collect();
        let shift = if form == Form::Shifted { 128 } else { 0 };
        let a: Vec<u8> = x.iter().map(|&x| (x - shift) as u8).collect();
        for accumulate in [false, true] {
            each(kernel, steps, (&a, k), &b, 7, accumulate, |row, col, got| {
                let product = |p: usize| {
                    (x[row * k + p] - shift) * i32::from(b[(p / group * kernel.width + col) * group + p % group])
                };
                let expected = 7 * i32::from(accumulate) + (0..k).map(product).sum::<i32>();
                assert_eq!(got, expected, "{isa}");
            });
        }
    }
}

#[test]
fn a_row_to_start_from_is_added_to_every_row() {
    for isa in Isa::here() {
        let kernel = f32_kernel(isa);
        let (a, b, bias) = (vec![0.0; kernel.rows], vec![0.0; kernel.width], values(kernel.width, 3));
        for cols in 1..=kernel.width {
            let mut c = vec![7.0; kernel.rows * cols];
            let start = Initial { values: bias.as_ptr(), stride: 0 };
            let (a, b, c_data) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
            let tile = Tile { steps: 1, a, row_stride: 1, b, c: c_data, ldc: cols, cols, start };
            // SAFETY: A has as many rows of one value, B one row, C whole rows of `cols` values, the bias those of a whole panel.
            unsafe { (kernel.run)(kernel.rows, &tile) };
            assert!(c.iter().enumerate().all(|(i, &x)| x == bias[i % cols]), "{isa}, {cols} columns");
        }
    }
}
