//! Multi-head self-attention on packed sequences.

use crate::kernels::gemm::{MatRef, Start, small_product};
use crate::kernels::{rows, team, vectorised};
use crate::linear::Packed;
use crate::{Dropout, Linear, Scalar, Tensor, buffers, parameters};

/// `output(concat_h softmax(Q_h K_hᵀ / √d_h) V_h)`, each sequence by itself; where it is causal, a row sees itself and what
/// stands before it.
#[derive(Clone, Debug)]
pub struct Attention<T: Scalar> {
    /// d → d
    pub query: Linear<T>,
    /// d → d
    pub key: Linear<T>,
    /// d → d
    pub value: Linear<T>,
    /// d → d
    pub output: Linear<T>,
    heads: usize,
    causal: bool,
}

parameters!(Attention { query, key, value, output });

/// What [`Attention::backward`] needs.
#[derive(Debug)]
pub struct SavedAttention<T: Scalar> {
    query: Tensor<T>,
    key: Tensor<T>,
    value: Tensor<T>,
    /// For each sequence and head, `[length, length]` before dropout.
    probabilities: Tensor<T>,
    context: Tensor<T>,
}

/// One sequence and head: the sequence's number, its first row, its length, the head.
#[derive(Clone, Copy)]
struct Part {
    first: usize,
    length: usize,
    head: usize,
    /// Where its `[length, length]` matrix begins.
    square: usize,
}

impl<T: Scalar> Attention<T> {
    /// All zeros: heads of width d / heads.
    ///
    /// # Panics
    /// Where the number of heads does not divide the width.
    pub fn zeros(width: usize, heads: usize, causal: bool) -> Attention<T> {
        assert!(heads > 0 && width.is_multiple_of(heads), "{heads} heads of width {width}");
        let square = || Linear::zeros(width, width);
        Attention { query: square(), key: square(), value: square(), output: square(), heads, causal }
    }

    /// The number of heads.
    pub fn heads(&self) -> usize {
        self.heads
    }

    /// Whether a row sees only itself and what stands before it.
    pub fn causal(&self) -> bool {
        self.causal
    }

    /// `[n, d] → [n, d]`; sequence i is rows `offsets[i]..offsets[i + 1]`.
    pub fn forward(&self, x: &Tensor<T>, offsets: &[usize], dropout: Dropout) -> (Tensor<T>, SavedAttention<T>) {
        let query = self.query.forward(x);
        let key = self.key.forward(x);
        let value = self.value.forward(x);
        let (d, width) = (query.cols(), query.cols() / self.heads);
        let scale = T::ONE / T::of(width as f64).sqrt();
        let parts = self.parts(offsets);
        let squares: usize = parts.iter().map(|part| part.length * part.length).sum();
        let mut probabilities = buffers::take(squares);
        // Head after head within a sequence, so that each part writes memory of its own.
        let mut by_head = buffers::take(query.len());
        let (square_ends, ends) =
            (ends(&parts, |part| part.length * part.length), ends(&parts, |part| part.length * width));
        let buffers = [(&mut probabilities[..], &square_ends[..]), (&mut by_head, &ends)];
        team::pieces_of(buffers, |i, [probabilities, context]| {
            let part = &parts[i];
            let n = part.length;
            small_product(part.view(&query, width), part.view(&key, width).t(), probabilities);
            vectorised!({
                for (i, row) in probabilities.chunks_exact_mut(n).enumerate() {
                    let (seen, unseen) = row.split_at_mut(if self.causal { i + 1 } else { n });
                    for x in seen.iter_mut() {
                        *x *= scale;
                    }
                    rows::softmax::<T, FUSED>(seen);
                    unseen.fill(T::ZERO);
                }
            });
            let values = part.view(&value, width);
            if dropout.is_off() {
                small_product(MatRef::row_major(probabilities, n, n), values, context);
            } else {
                let mut kept = probabilities.to_vec();
                vectorised!(dropout.apply_from(part.square, &mut kept));
                small_product(MatRef::row_major(&kept, n, n), values, context);
            }
        });
        let context = Tensor::from_vec(&[x.rows(), d], self.merge_heads(by_head, offsets, d));
        let y = self.output.forward(&context);
        let probabilities = Tensor::from_vec(&[squares], probabilities);
        (y, SavedAttention { query, key, value, probabilities, context })
    }

    /// The gradient at the input, given the input; `dropout` is the forward pass's.
    pub fn backward(
        &self,
        dy: &Tensor<T>,
        x: &Tensor<T>,
        offsets: &[usize],
        dropout: Dropout,
        saved: &SavedAttention<T>,
        grads: &mut Attention<T>,
    ) -> Tensor<T> {
        let dcontext = self.output.backward(dy, &saved.context, &mut grads.output);
        let (d, width) = (dcontext.cols(), dcontext.cols() / self.heads);
        let scale = T::ONE / T::of(width as f64).sqrt();
        let parts = self.parts(offsets);
        let ends = ends(&parts, |part| part.length * width);
        let mut dquery = buffers::take(dcontext.len());
        let mut dkey = buffers::take(dcontext.len());
        let mut dvalue = buffers::take(dcontext.len());
        let buffers = [(&mut dquery[..], &ends[..]), (&mut dkey, &ends), (&mut dvalue, &ends)];
        team::pieces_of(buffers, |i, [dquery, dkey, dvalue]| {
            let part = &parts[i];
            let n = part.length;
            let probabilities = &saved.probabilities.data()[part.square..][..n * n];
            let dcontext = part.view(&dcontext, width);
            let mut kept = probabilities.to_vec();
            vectorised!(dropout.apply_from(part.square, &mut kept));
            small_product(MatRef::row_major(&kept, n, n).t(), dcontext, dvalue);
            let mut dscores = kept;
            small_product(dcontext, part.view(&saved.value, width).t(), &mut dscores);
            vectorised!({
                dropout.apply_from(part.square, &mut dscores);
                for (dscores, p) in dscores.chunks_exact_mut(n).zip(probabilities.chunks_exact(n)) {
                    let mean = rows::dot(dscores, p);
                    for (dscore, &p) in dscores.iter_mut().zip(p) {
                        *dscore = p * (*dscore - mean) * scale;
                    }
                }
            });
            let dscores = MatRef::row_major(&dscores, n, n);
            small_product(dscores, part.view(&saved.key, width), dquery);
            small_product(dscores.t(), part.view(&saved.query, width), dkey);
        });
        let merge = |by_head: Vec<T>| Tensor::from_vec(&[x.rows(), d], self.merge_heads(by_head, offsets, d));
        let packed = Packed::of(x);
        let mut dx = Tensor::unset(x.shape());
        self.query.backward_into(&merge(dquery), &packed, &mut grads.query, &mut dx, Start::Zero);
        self.key.backward_into(&merge(dkey), &packed, &mut grads.key, &mut dx, Start::Keep);
        self.value.backward_into(&merge(dvalue), &packed, &mut grads.value, &mut dx, Start::Keep);
        dx
    }

    fn parts(&self, offsets: &[usize]) -> Vec<Part> {
        let mut square = 0;
        let mut parts = Vec::with_capacity((offsets.len() - 1) * self.heads);
        for window in offsets.windows(2) {
            let length = window[1] - window[0];
            for head in 0..self.heads {
                parts.push(Part { first: window[0], length, head, square });
                square += length * length;
            }
        }
        parts
    }

    /// From `[sequence][head][row][width]` to `[row][head][width]`.
    fn merge_heads(&self, by_head: Vec<T>, offsets: &[usize], d: usize) -> Vec<T> {
        let width = d / self.heads;
        let mut merged = buffers::take(by_head.len());
        let ends: Vec<usize> = offsets[1..].iter().map(|end| end * d).collect();
        team::pieces_of([(&mut merged[..], &ends[..])], |i, [to]| {
            let (from, n) = (&by_head[offsets[i] * d..], to.len() / d);
            for (i, row) in to.chunks_exact_mut(d).enumerate() {
                for (head, out) in row.chunks_exact_mut(width).enumerate() {
                    out.copy_from_slice(&from[(head * n + i) * width..][..width]);
                }
            }
        });
        buffers::give(by_head);
        merged
    }
}

impl Part {
    /// This sequence's rows and this head's columns of a `[n, d]` matrix.
    fn view<T: Scalar>(self, x: &Tensor<T>, width: usize) -> MatRef<'_, T> {
        let d = x.cols();
        MatRef::new(&x.data()[self.first * d + self.head * width..], self.length, width, d, 1)
    }
}

/// Where each part's piece of a buffer ends.
fn ends(parts: &[Part], size: impl Fn(&Part) -> usize) -> Vec<usize> {
    let mut end = 0;
    let next = |part| {
        end += size(part);
        end
    };
    parts.iter().map(next).collect()
}
