//! Multi-head self-attention on packed sequences.

use crate::kernels::gemm::{MatRef, Start, small_product};
use crate::kernels::thread_pool::Block;
use crate::kernels::{rows, thread_pool, vectorised};
use crate::linear::Packed;
use crate::{Dropout, Linear, Scalar, Tensor, buffers, parameters};

/// Multi-head self-attention (Vaswani et al., 2017): `output(concat_h softmax(Q_h K_hᵀ / √d_h) V_h)`, separately for each sequence.
/// In causal attention a row sees only itself and the rows before it.
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
    pub(crate) heads: usize,
    pub(crate) causal: bool,
}

parameters!(Attention { query, key, value, output });

/// Values that [`Attention::backward`] needs.
#[derive(Debug)]
pub struct SavedAttention<T: Scalar> {
    pub(crate) query_rows: Option<Vec<usize>>,
    query: Tensor<T>,
    key: Tensor<T>,
    value: Tensor<T>,
    /// For each sequence and head, `[query rows, length]`, before dropout.
    probabilities: Tensor<T>,
    context: Tensor<T>,
}

#[derive(Clone, Copy)]
struct Part {
    head: usize,
    /// The sequence's first row, and its length.
    first: usize,
    length: usize,
    /// Its first row among all query rows, its number of query rows, and the position of the first one in the sequence.
    query: usize,
    rows: usize,
    position: usize,
    /// The start of its `[rows, length]` matrix.
    scores: usize,
}

impl<T: Scalar> Attention<T> {
    /// All weights zero. A head has width d / heads.
    ///
    /// # Panics
    /// If the number of heads does not divide the width.
    pub fn zeros(width: usize, heads: usize, causal: bool) -> Attention<T> {
        assert!(heads > 0 && width.is_multiple_of(heads), "{heads} heads of width {width}");
        let square = || Linear::zeros(width, width);
        Attention { query: square(), key: square(), value: square(), output: square(), heads, causal }
    }

    /// `[n, d] → [n, d]`. Sequence i is rows `offsets[i]..offsets[i + 1]`. With `query_rows`, one row of each sequence, the result has
    /// only those rows, `[sequences, d]`, with the same bits if there is no dropout.
    pub fn forward(
        &self,
        x: &Tensor<T>,
        offsets: &[usize],
        query_rows: Option<&[usize]>,
        dropout: Dropout,
    ) -> (Tensor<T>, SavedAttention<T>) {
        let query = self.query.forward(&x.rows_of(query_rows));
        let key = self.key.forward(x);
        let value = self.value.forward(x);
        let (d, width) = (query.cols(), query.cols() / self.heads);
        let scale = T::ONE / T::of(width as f64).sqrt();
        let (parts, ends) = self.parts(offsets, query_rows);
        let queries = query_offsets(offsets, query_rows);
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
                small_product(part.queries(&query, width), part.view(&key, width).t(), Block::whole(probabilities, n));
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
        (y, SavedAttention { query_rows: query_rows.map(<[usize]>::to_vec), query, key, value, probabilities, context })
    }

    /// The gradient at the input. `x` and `dropout` must be the same as in the forward pass.
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
        let query_rows = saved.query_rows.as_deref();
        let (parts, ends) = self.parts(offsets, query_rows);
        let queries = query_offsets(offsets, query_rows);
        let mut scores = buffers::take(saved.probabilities.len());
        let mut dquery = Tensor::unset(saved.query.shape());
        let mut dkey = Tensor::unset(saved.key.shape());
        let mut dvalue = Tensor::unset(saved.value.shape());
        let gradients = [(dquery.data_mut(), &queries[..]), (dkey.data_mut(), offsets), (dvalue.data_mut(), offsets)];
        thread_pool::heads_of((&mut scores, &ends), gradients, (d, self.heads), |i, scores, [dquery, dkey, dvalue]| {
            let part = &parts[i];
            let n = part.length;
            let probabilities = &saved.probabilities.data()[part.scores..][..part.rows * n];
            let dcontext = part.queries(&dcontext, width);
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
            small_product(dscores.t(), part.queries(&saved.query, width), dkey);
        });
        buffers::give(scores);
        let packed = Packed::of(x);
        let mut dx = Tensor::unset(x.shape());
        self.key.backward_into(&dkey, &packed, &mut grads.key, &mut dx, Start::Zero);
        self.value.backward_into(&dvalue, &packed, &mut grads.value, &mut dx, Start::Keep);
        match query_rows {
            None => self.query.backward_into(&dquery, &packed, &mut grads.query, &mut dx, Start::Keep),
            Some(rows) => dx.scatter_add(rows, &self.query.backward(&dquery, &x.gather(rows), &mut grads.query)),
        }
        dx
    }

    /// All parts, and the end of each part's matrix.
    fn parts(&self, offsets: &[usize], query_rows: Option<&[usize]>) -> (Vec<Part>, Vec<usize>) {
        let mut scores = 0;
        let (mut parts, mut ends) = (Vec::new(), Vec::new());
        for (i, window) in offsets.windows(2).enumerate() {
            let (first, length) = (window[0], window[1] - window[0]);
            let (query, rows, position) = match query_rows {
                None => (first, length, 0),
                Some(query_rows) => (i, 1, query_rows[i] - first),
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

    /// As `view`, of a matrix that has only the query rows.
    fn queries<T: Scalar>(self, x: &Tensor<T>, width: usize) -> MatRef<'_, T> {
        self.columns(x, self.query, self.rows, width)
    }

    fn columns<T: Scalar>(self, x: &Tensor<T>, first: usize, rows: usize, width: usize) -> MatRef<'_, T> {
        let d = x.cols();
        MatRef::new(&x.data()[first * d + self.head * width..], rows, width, d, 1)
    }
}

/// The first query row of each sequence.
fn query_offsets(offsets: &[usize], query_rows: Option<&[usize]>) -> Vec<usize> {
    query_rows.map_or_else(|| offsets.to_vec(), |query_rows| (0..=query_rows.len()).collect())
}
