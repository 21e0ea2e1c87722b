//! Multi-head self-attention on packed sequences.

use crate::kernels::gemm::{MatRef, Start, small_product};
use crate::kernels::thread_pool::Block;
use crate::kernels::{rows, thread_pool, vectorised};
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
    pub(crate) asked: Option<Vec<usize>>,
    query: Tensor<T>,
    key: Tensor<T>,
    value: Tensor<T>,
    /// For each sequence and head, `[rows that ask, length]` before dropout.
    probabilities: Tensor<T>,
    context: Tensor<T>,
}

/// One sequence and head.
#[derive(Clone, Copy)]
struct Part {
    head: usize,
    /// The sequence's first row, and its length.
    first: usize,
    length: usize,
    /// Its first row among those that ask, how many ask, and where in the sequence the first of them stands.
    query: usize,
    rows: usize,
    position: usize,
    /// Where its `[rows, length]` matrix begins.
    scores: usize,
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

    /// `[n, d] → [n, d]`; sequence i is rows `offsets[i]..offsets[i + 1]`. Where rows are asked for, one of each sequence, the
    /// result holds those alone: `[sequences, d]`, of the same bits where nothing is dropped.
    pub fn forward(
        &self,
        x: &Tensor<T>,
        offsets: &[usize],
        asked: Option<&[usize]>,
        dropout: Dropout,
    ) -> (Tensor<T>, SavedAttention<T>) {
        let query = self.query.forward(&x.rows_of(asked));
        let key = self.key.forward(x);
        let value = self.value.forward(x);
        let (d, width) = (query.cols(), query.cols() / self.heads);
        let scale = T::ONE / T::of(width as f64).sqrt();
        let (parts, ends) = self.parts(offsets, asked);
        let queries = query_offsets(offsets, asked);
        let mut probabilities = Tensor::unset(&[ends.last().copied().unwrap_or(0)]);
        let mut context = Tensor::unset(query.shape());
        let contexts = [(context.data_mut(), &queries[..])];
        thread_pool::heads_of(
            (probabilities.data_mut(), &ends),
            contexts,
            (d, self.heads),
            |i, probabilities, [context]| {
                let part = &parts[i];
                let n = part.length;
                small_product(part.asking(&query, width), part.view(&key, width).t(), Block::whole(probabilities, n));
                vectorised!({
                    for (i, row) in probabilities.chunks_exact_mut(n).enumerate() {
                        let (seen, unseen) = row.split_at_mut(if self.causal { part.position + i + 1 } else { n });
                        for x in seen.iter_mut() {
                            *x *= scale;
                        }
                        rows::softmax::<T, FUSED>(seen);
                        unseen.fill(T::ZERO);
                    }
                });
                let values = part.view(&value, width);
                if dropout.is_off() {
                    small_product(MatRef::row_major(probabilities, part.rows, n), values, context);
                } else {
                    let mut kept = probabilities.to_vec();
                    vectorised!(dropout.apply_from(part.scores, &mut kept));
                    small_product(MatRef::row_major(&kept, part.rows, n), values, context);
                }
            },
        );
        let y = self.output.forward(&context);
        (y, SavedAttention { asked: asked.map(<[usize]>::to_vec), query, key, value, probabilities, context })
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
        let asked = saved.asked.as_deref();
        let (parts, ends) = self.parts(offsets, asked);
        let queries = query_offsets(offsets, asked);
        let mut scores = buffers::take(saved.probabilities.len());
        let mut dquery = Tensor::unset(saved.query.shape());
        let mut dkey = Tensor::unset(saved.key.shape());
        let mut dvalue = Tensor::unset(saved.value.shape());
        let gradients = [(dquery.data_mut(), &queries[..]), (dkey.data_mut(), offsets), (dvalue.data_mut(), offsets)];
        thread_pool::heads_of((&mut scores, &ends), gradients, (d, self.heads), |i, scores, [dquery, dkey, dvalue]| {
            let part = &parts[i];
            let n = part.length;
            let probabilities = &saved.probabilities.data()[part.scores..][..part.rows * n];
            let dcontext = part.asking(&dcontext, width);
            scores.copy_from_slice(probabilities);
            vectorised!(dropout.apply_from(part.scores, scores));
            small_product(MatRef::row_major(scores, part.rows, n).t(), dcontext, dvalue);
            small_product(dcontext, part.view(&saved.value, width).t(), Block::whole(scores, n));
            vectorised!({
                dropout.apply_from(part.scores, scores);
                for (dscores, p) in scores.chunks_exact_mut(n).zip(probabilities.chunks_exact(n)) {
                    let mean = rows::dot(dscores, p);
                    for (dscore, &p) in dscores.iter_mut().zip(p) {
                        *dscore = p * (*dscore - mean) * scale;
                    }
                }
            });
            let dscores = MatRef::row_major(scores, part.rows, n);
            small_product(dscores, part.view(&saved.key, width), dquery);
            small_product(dscores.t(), part.asking(&saved.query, width), dkey);
        });
        buffers::give(scores);
        let packed = Packed::of(x);
        let mut dx = Tensor::unset(x.shape());
        self.key.backward_into(&dkey, &packed, &mut grads.key, &mut dx, Start::Zero);
        self.value.backward_into(&dvalue, &packed, &mut grads.value, &mut dx, Start::Keep);
        match asked {
            None => self.query.backward_into(&dquery, &packed, &mut grads.query, &mut dx, Start::Keep),
            Some(rows) => dx.scatter_add(rows, &self.query.backward(&dquery, &x.gather(rows), &mut grads.query)),
        }
        dx
    }

    /// All parts, and where the matrix of each ends.
    fn parts(&self, offsets: &[usize], asked: Option<&[usize]>) -> (Vec<Part>, Vec<usize>) {
        let mut scores = 0;
        let (mut parts, mut ends) = (Vec::new(), Vec::new());
        for (i, window) in offsets.windows(2).enumerate() {
            let (first, length) = (window[0], window[1] - window[0]);
            let (query, rows, position) = match asked {
                None => (first, length, 0),
                Some(asked) => (i, 1, asked[i] - first),
            };
            for head in 0..self.heads {
                parts.push(Part { head, first, length, query, rows, position, scores });
                scores += rows * length;
                ends.push(scores);
            }
        }
        (parts, ends)
    }
}

impl Part {
    /// This sequence's rows and this head's columns of a `[n, d]` matrix.
    fn view<T: Scalar>(self, x: &Tensor<T>, width: usize) -> MatRef<'_, T> {
        self.columns(x, self.first, self.length, width)
    }

    /// The same of a matrix that holds only rows that ask.
    fn asking<T: Scalar>(self, x: &Tensor<T>, width: usize) -> MatRef<'_, T> {
        self.columns(x, self.query, self.rows, width)
    }

    fn columns<T: Scalar>(self, x: &Tensor<T>, first: usize, rows: usize, width: usize) -> MatRef<'_, T> {
        let d = x.cols();
        MatRef::new(&x.data()[first * d + self.head * width..], rows, width, d, 1)
    }
}

/// Where each sequence's rows begin among those that ask.
fn query_offsets(offsets: &[usize], asked: Option<&[usize]>) -> Vec<usize> {
    asked.map_or_else(|| offsets.to_vec(), |asked| (0..=asked.len()).collect())
}
