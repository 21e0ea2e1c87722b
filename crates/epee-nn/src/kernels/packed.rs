//! The matrix product of inference: weights packed once at one of three precisions, with bias, activation and residual in one pass.
//!
//! `C = activation(A Wᵀ + bias) + residual`. The bits of an element depend only on its row of A and its row of W: the inner dimension
//! is summed in blocks of [`DEPTH`] in ascending order, for any number of rows, columns or threads (`int8` sums are exact, so order
//! does not matter). In `f32` the order and the bits are those of training's product.

use super::gemm::{DEPTH, ROWS, tiles};
use super::isa::{Isa, isa};
use super::micro::{self, Bf16, Form, Initial, LowKernel, MOST_WEIGHT, MicroKernel, Tile};
use super::thread_pool::{self, Shared};
use super::{grow, rows, vectorised};
use crate::{Activation, Precision};

/// Memory in units of a cache line, so that panels are aligned to cache lines.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[expect(dead_code, reason = "read and written as bytes")] [u8; 64]);

#[derive(Clone, Copy)]
enum Kernel {
    F32(MicroKernel<f32, f32, f32>),
    Bf16(LowKernel<Bf16, f32>),
    Int8(LowKernel<i8, i32>),
}

/// The sizes that all kinds of kernels have, see [`MicroKernel`].
#[derive(Clone, Copy)]
struct Shape {
    rows: usize,
    width: usize,
    group: usize,
}

fn shape<A, B, C>(kernel: &MicroKernel<A, B, C>) -> Shape {
    Shape { rows: kernel.rows, width: kernel.width, group: kernel.group }
}

/// W `[outputs, inputs]` and a bias, packed for this machine's kernels.
pub(crate) struct Packed {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    kernel: Kernel,
    shape: Shape,
    panels: Vec<Line>,
    bias: Vec<f32>,
    /// `int8`: the scale of each output's weights.
    scales: Vec<f32>,
    /// `int8`: the sum of each output's integer weights, to be multiplied by an activation's zero point.
    sums: Vec<i32>,
}

/// The operand A: `f32` rows, or rows converted to the kernel's format.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    count: usize,
    x: &'a [f32],
    bytes: &'a [u64],
    scales: &'a [f32],
    zeros: &'a [f32],
}

/// Buffers for converted rows. They grow to the largest use and are reused.
#[derive(Debug, Default)]
pub(crate) struct Converted {
    bytes: Vec<u64>,
    scales: Vec<f32>,
    zeros: Vec<f32>,
}

/// Values of A per task. This many stay in the second-level cache.
const ROW_VALUES: usize = 1 << 17;
/// A product with fewer multiplications stays on its thread.
const SERIAL: usize = 1 << 17;
/// Fewer values are converted on one thread.
const SERIAL_CONVERT: usize = 1 << 14;

impl Packed {
    /// Packs the rows of W and the bias for this machine.
    pub(crate) fn new(weights: Vec<&[f32]>, bias: Vec<f32>, inputs: usize, precision: Precision) -> Packed {
        Packed::for_isa(isa(), weights, bias, inputs, precision)
    }

    fn for_isa(isa: Isa, weights: Vec<&[f32]>, bias: Vec<f32>, inputs: usize, precision: Precision) -> Packed {
        let outputs = bias.len();
        assert!(inputs > 0, "an input to multiply with");
        assert_eq!(precision.check_width(inputs), Ok(()), "callers check the width");
        assert!(weights.len() == outputs && weights.iter().all(|row| row.len() == inputs), "values of the weights");
        let kernel = match precision {
            Precision::F32 => Kernel::F32(micro::f32_kernel(isa)),
            Precision::Bf16 => Kernel::Bf16(micro::bf16_kernel(isa)),
            Precision::Int8 => Kernel::Int8(micro::int8_kernel(isa)),
        };
        let mut packed = Packed {
            inputs,
            outputs,
            kernel,
            shape: match &kernel {
                Kernel::F32(kernel) => shape(kernel),
                Kernel::Bf16(kernel) => shape(&kernel.kernel),
                Kernel::Int8(kernel) => shape(&kernel.kernel),
            },
            panels: Vec::new(),
            bias,
            scales: Vec::new(),
            sums: Vec::new(),
        };
        match packed.kernel {
            Kernel::F32(_) => packed.pack(|j, k| weights[j][k].to_ne_bytes()),
            Kernel::Bf16(_) => packed.pack(|j, k| bf16(weights[j][k]).to_ne_bytes()),
            Kernel::Int8(_) => {
                let most = |row: &[f32]| row.iter().fold(0.0f32, |most, x| most.max(x.abs()));
                packed.scales = weights.iter().map(|row| most(row) / MOST_WEIGHT).collect();
                let inverses: Vec<f32> =
                    packed.scales.iter().map(|&scale| if scale > 0.0 { 1.0 / scale } else { 0.0 }).collect();
                let integer = |j: usize, k: usize| (weights[j][k] * inverses[j]).round_ties_even() as i8;
                packed.sums = (0..outputs).map(|j| (0..inputs).map(|k| i32::from(integer(j, k))).sum()).collect();
                packed.pack(|j, k| integer(j, k).to_ne_bytes());
            }
        }
        packed
    }

    /// Fills the panels, one after the other, each `[steps, width, group]`.
    fn pack<const BYTES: usize>(&mut self, value: impl Fn(usize, usize) -> [u8; BYTES] + Sync) {
        let Shape { width, group, .. } = self.shape;
        let (inputs, outputs) = (self.inputs, self.outputs);
        let panel_bytes = inputs.next_multiple_of(group) * width * BYTES;
        self.panels = vec![Line([0; 64]); (panel_bytes * outputs.div_ceil(width)).div_ceil(64)];
        // SAFETY: lines are bytes side by side.
        let bytes =
            unsafe { std::slice::from_raw_parts_mut(self.panels.as_mut_ptr().cast::<u8>(), 64 * self.panels.len()) };
        thread_pool::chunks(&mut bytes[..panel_bytes * outputs.div_ceil(width)], panel_bytes, |panel, out| {
            for (step, out) in out.chunks_exact_mut(width * group * BYTES).enumerate() {
                for (at, out) in out.chunks_exact_mut(BYTES).enumerate() {
                    let (j, k) = (panel * width + at / group, step * group + at % group);
                    if j < outputs && k < inputs {
                        out.copy_from_slice(&value(j, k));
                    }
                }
            }
        });
    }

    pub(crate) fn bytes(&self) -> usize {
        64 * self.panels.len() + 4 * (self.bias.len() + self.scales.len() + self.sums.len())
    }

    /// The block of the inner dimension. Integers need no blocks: their sums stay in registers.
    fn depth(&self) -> usize {
        match self.kernel {
            Kernel::F32(_) => DEPTH,
            Kernel::Bf16(_) => 2 * DEPTH,
            Kernel::Int8(_) => self.inputs.next_multiple_of(self.shape.group),
        }
    }

    /// The format that A is converted to.
    fn form(&self) -> Form {
        match self.kernel {
            Kernel::F32(_) => Form::Float,
            Kernel::Bf16(kernel) => kernel.form,
            Kernel::Int8(kernel) => kernel.form,
        }
    }

    fn value_bytes(&self) -> usize {
        match self.form() {
            Form::Float => 4,
            Form::Bf16 => 2,
            Form::Unsigned | Form::Shifted => 1,
        }
    }

    /// Bytes per converted row of A, padded to the group and to 64-bit words.
    fn row_bytes(&self) -> usize {
        (self.inputs.next_multiple_of(self.shape.group) * self.value_bytes()).next_multiple_of(8)
    }

    /// Converts rows of A for this product. Products of the same width and precision use the same format.
    pub(crate) fn convert<'a>(&self, x: &'a [f32], converted: &'a mut Converted) -> Rows<'a> {
        assert!(x.len().is_multiple_of(self.inputs), "whole rows of {} values", self.inputs);
        let count = x.len() / self.inputs;
        let Converted { bytes, scales, zeros } = converted;
        if let Kernel::F32(_) = self.kernel {
            return Rows { count, x, bytes: &[], scales: &[], zeros: &[] };
        }
        let words = self.row_bytes() / 8;
        grow(bytes, count * words);
        grow(scales, count);
        grow(zeros, count);
        let block = if x.len() <= SERIAL_CONVERT { count } else { SERIAL_CONVERT.div_ceil(self.inputs) }.max(1);
        let out = Shared::new(&mut bytes[..count * words]);
        thread_pool::row_blocks(
            [(&mut scales[..count], 1), (&mut zeros[..count], 1)],
            block,
            |first, [scales, zeros]| {
                for r in 0..scales.len() {
                    let row = first + r;
                    // SAFETY: this row's words are this task's own.
                    let bytes = unsafe { std::slice::from_raw_parts_mut(out.get().add(row * words), words) };
                    let x = &x[row * self.inputs..][..self.inputs];
                    vectorised!(match self.form() {
                        Form::Float => round_to(x, cast(bytes), |bits| f32::from_bits(u32::from(bits) << 16)),
                        Form::Bf16 => round_to(x, cast(bytes), |bits| bits),
                        Form::Unsigned => (scales[r], zeros[r]) = quantise(x, cast::<u8>(bytes), |q| q as u8),
                        Form::Shifted => {
                            (scales[r], zeros[r]) = quantise(x, cast::<i8>(bytes), |q| (q - 128) as i8);
                            zeros[r] -= 128.0;
                        }
                    });
                }
            },
        );
        Rows { count, x, bytes: &bytes[..count * words], scales: &scales[..count], zeros: &zeros[..count] }
    }

    /// `out = activation(A Wᵀ + bias) + residual`, on all threads if the product is large enough.
    pub(crate) fn product(&self, a: Rows<'_>, activation: Activation, residual: Option<&[f32]>, out: &mut [f32]) {
        let (m, n) = (a.count, self.outputs);
        assert_eq!(out.len(), m * n, "values of the product");
        assert!(residual.is_none_or(|residual| residual.len() == m * n), "values of the residual");
        let row_bytes = self.row_bytes();
        assert!(a.x.len() == m * self.inputs, "width of A");
        assert!(matches!(self.kernel, Kernel::F32(_)) || 8 * a.bytes.len() == m * row_bytes, "A was not converted");
        if m == 0 || n == 0 {
            return;
        }
        let shared = Shared::new(out);
        let Shape { rows: most, width, .. } = self.shape;
        // Blocks of about equal height: 128 rows are cut into 66 and 62, not into 96 and 32.
        let most_rows = (ROW_VALUES / self.inputs).clamp(ROWS / 4, ROWS);
        let block = m.div_ceil(m.div_ceil(most_rows)).next_multiple_of(most);
        let row_tasks = m.div_ceil(block);
        let threads = if m * n * self.inputs < SERIAL { 1 } else { thread_pool::threads() };
        let panels = n.div_ceil(width);
        let wanted = if threads == 1 { 1 } else { (4 * threads).div_ceil(row_tasks) };
        let stripe = panels.div_ceil(wanted) * width;
        let col_tasks = n.div_ceil(stripe);
        thread_pool::run(row_tasks * col_tasks, |t| {
            let (i, j) = (t / col_tasks, t % col_tasks);
            let rows = (i * block, m.min((i + 1) * block));
            let cols = (j * stripe, n.min((j + 1) * stripe));
            // SAFETY: `out` has m rows of n values, no two tasks share a row and a column, and A was checked above.
            unsafe { self.task(a, activation, residual, shared, rows, cols) };
        });
    }

    /// Rows `rows.0..rows.1` and columns `cols.0..cols.1` of the product.
    ///
    /// # Safety
    /// `out` must point to `a.count` rows of `self.outputs` values. No other task may touch these rows and columns meanwhile. A must
    /// have been converted by a product of this width and precision. `cols.0` must be a multiple of the panels' width.
    unsafe fn task(
        &self,
        a: Rows<'_>,
        activation: Activation,
        residual: Option<&[f32]>,
        out: Shared<f32>,
        rows: (usize, usize),
        cols: (usize, usize),
    ) {
        let n = self.outputs;
        let mine = |i: usize| {
            // SAFETY: row i and these columns lie inside the product and are this task's own.
            unsafe { std::slice::from_raw_parts_mut(out.get().add(i * n + cols.0), cols.1 - cols.0) }
        };
        let integers = matches!(self.kernel, Kernel::Int8(_));
        let Shape { rows: most, width, group } = self.shape;
        let (value, row_bytes) = (self.value_bytes(), self.row_bytes());
        let panels = self.panels.as_ptr().cast::<u8>();
        let weight = match self.kernel {
            Kernel::F32(_) => 4,
            Kernel::Bf16(_) => 2,
            Kernel::Int8(_) => 1,
        };
        let inputs = self.inputs.next_multiple_of(group);
        for j in (cols.0..cols.1).step_by(width) {
            let count_cols = width.min(cols.1 - j);
            for k in (0..self.inputs).step_by(self.depth()) {
                let depth = (self.inputs - k).min(self.depth()).next_multiple_of(group);
                let panel = (j * inputs + k * width) * weight;
                for (i, count) in tiles(rows, most) {
                    // SAFETY: `pack` wrote `depth` rows of `width` weights from here, A has `count` rows of `depth` values
                    // from here (padded to the group), and these rows and columns of the product are this task's own.
                    unsafe {
                        let panel = panels.add(panel);
                        let c = out.get().add(i * n + j);
                        let start = match k {
                            0 => Initial { values: self.bias.as_ptr().add(j), stride: 0 },
                            _ => Initial { values: c.cast_const(), stride: n },
                        };
                        let bytes = || a.bytes.as_ptr().cast::<u8>().add(i * row_bytes + k * value);
                        let (row_stride, ldc, cols) = (row_bytes, n, count_cols);
                        match self.kernel {
                            Kernel::F32(kernel) => {
                                let (a, b) = (a.x.as_ptr().add(i * self.inputs + k), panel.cast());
                                let (steps, row_stride) = (depth, self.inputs);
                                (kernel.run)(count, &Tile { steps, a, row_stride, b, c, ldc, cols, start });
                            }
                            Kernel::Bf16(LowKernel { kernel, .. }) => {
                                let (steps, a, b) = (depth / group, bytes(), panel.cast());
                                (kernel.run)(count, &Tile { steps, a, row_stride, b, c, ldc, cols, start });
                            }
                            Kernel::Int8(LowKernel { kernel, .. }) => {
                                let (steps, a, b, c) = (depth / group, bytes(), panel.cast(), c.cast());
                                let start = Initial::NOTHING;
                                (kernel.run)(count, &Tile { steps, a, row_stride, b, c, ldc, cols, start });
                            }
                        }
                    }
                }
            }
        }
        vectorised!({
            for i in rows.0..rows.1 {
                let row = mine(i);
                if integers {
                    let (scales, sums) = (&self.scales[cols.0..cols.1], &self.sums[cols.0..cols.1]);
                    dequantise(row, (a.scales[i], a.zeros[i] as i32), scales, sums, &self.bias[cols.0..cols.1]);
                }
                activation.apply::<f32, FUSED>(row);
                if let Some(residual) = residual {
                    for (x, &r) in row.iter_mut().zip(&residual[i * n + cols.0..]) {
                        *x += r;
                    }
                }
            }
        });
    }
}

/// Reinterprets 64-bit words as smaller numbers.
#[inline(always)]
fn cast<T: Copy>(words: &mut [u64]) -> &mut [T] {
    let size = size_of::<T>();
    // SAFETY: T is a number of at most 32 bits: any bits are a value, and words are aligned for it.
    unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), 8 * words.len() / size) }
}

/// The nearest bfloat16, ties to even. NaN stays NaN.
#[inline(always)]
fn bf16(x: f32) -> Bf16 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    if x.is_nan() { (bits >> 16) as u16 | 0x40 } else { rounded as u16 }
}

/// Rounds a row to bfloat16 and fills the rest of `out` with zeros.
#[inline(always)]
fn round_to<T: Default + Clone>(x: &[f32], out: &mut [T], store: impl Fn(Bf16) -> T) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = store(bf16(x));
    }
    out[x.len()..].fill(T::default());
}

/// Unsigned bytes `q` with `x ≈ scale (q − zero)`, over a range that includes 0. Returns scale and zero. If the row is not finite,
/// neither is the scale, so that errors stay visible.
#[inline(always)]
fn quantise<Q: Copy + Default>(x: &[f32], out: &mut [Q], store: impl Fn(i32) -> Q) -> (f32, f32) {
    let (low, high) = rows::range(x);
    let scale = (high - low) / 255.0;
    if !scale.is_finite() {
        out.fill(Q::default());
        return (f32::NAN, 0.0);
    }
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    let inverse = if inverse.is_finite() { inverse } else { 0.0 };
    // Adding 1.5 · 2^23 rounds to an integer in the low bits.
    const MAGIC: f32 = 12_582_912.0;
    let zero = (-low * inverse + MAGIC) - MAGIC;
    for (out, &x) in out.iter_mut().zip(x) {
        let q = x * inverse + (zero + MAGIC);
        *out = store((((q.to_bits() as i32) & 0x7f_ffff) - 0x40_0000).clamp(0, 255));
    }
    out[x.len()..].fill(store(0));
    (scale, zero)
}

/// Converts integer sums, stored in the product's memory, to `scale_j scale (sum − zero Σ w_j) + bias_j`.
#[inline(always)]
fn dequantise(row: &mut [f32], (scale, zero): (f32, i32), scales: &[f32], sums: &[i32], bias: &[f32]) {
    for (((x, &scale_j), &sum), &bias) in row.iter_mut().zip(scales).zip(sums).zip(bias) {
        let integer = (x.to_bits() as i32).wrapping_sub(zero.wrapping_mul(sum));
        *x = integer as f32 * (scale * scale_j) + bias;
    }
}

#[cfg(test)]
mod tests;
