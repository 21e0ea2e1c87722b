//! Attention for inference, one head at a time: scores, softmax and the weighted sum of values stay in the caches.

use super::gemm::DEPTH;
use super::isa::isa;
use super::micro::{self, Initial, MOST_ROWS, Tile};
use super::rows;
use super::thread_pool::{self, Shared};
use super::{grow, vectorised};

/// Query rows of one sequence, and the sequence's keys and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Index of its first query row, among all query rows and in the result.
    pub query: usize,
    /// The number of query rows.
    pub rows: usize,
    /// Index of the sequence's first row among all keys and values.
    pub first: usize,
    /// The sequence's length.
    pub length: usize,
    /// Position of the first query row in the sequence.
    pub position: usize,
}

/// Buffers of one thread: a head's keys and values in panels, and the scores of a few rows.
#[derive(Debug, Default)]
struct Scratch {
    keys: Vec<f32>,
    values: Vec<f32>,
    scores: Vec<f32>,
}

std::thread_local! {
    static SCRATCH: std::cell::RefCell<Scratch> = std::cell::RefCell::default();
}

/// Multi-head attention: `out[i] = concat_h softmax(q_h k_hᵀ / √width) v_h`.
///
/// `queries` and `out` are `[n, heads · width]`, `keys_values` `[tokens, 2 · heads · width]`, keys first. A causal row
/// sees itself and the rows before it. The buffers are a head's keys and values, and the scores of [`MOST_ROWS`] rows.
pub(crate) fn attend(
    queries: &[f32],
    keys_values: &[f32],
    spans: &[Span],
    heads: usize,
    causal: bool,
    out: &mut [f32],
) {
    let rows: usize = spans.iter().map(|span| span.rows).sum();
    if rows == 0 {
        return;
    }
    let d = queries.len() / rows;
    let mut next = 0;
    assert!(heads > 0 && d.is_multiple_of(heads) && out.len() == queries.len(), "{heads} heads of width {d}");
    assert_eq!(queries.len(), rows * d, "queries of the spans");
    for span in spans {
        assert!((span.first + span.length) * 2 * d <= keys_values.len(), "keys of a span");
        assert!(span.query == next && span.position + span.rows <= span.length, "spans one after the other");
        next += span.rows;
    }
    let out = Shared::new(out);
    thread_pool::run(spans.len() * heads, |t| {
        let (span, head) = (spans[t / heads], t % heads);
        SCRATCH.with_borrow_mut(|scratch| {
            // SAFETY: no two tasks share a span and a head, and spans do not overlap in `out`.
            unsafe { one_head(queries, keys_values, span, (head, d / heads, d), causal, out, scratch) };
        });
    });
}

/// # Safety
/// `out` must have as many values as `queries`, and no other task may touch the span's rows in this head's columns.
unsafe fn one_head(
    queries: &[f32],
    keys_values: &[f32],
    span: Span,
    (head, width, d): (usize, usize, usize),
    causal: bool,
    out: Shared<f32>,
    scratch: &mut Scratch,
) {
    let kernel = micro::f32_kernel(isa());
    let n = span.length;
    let (key_panels, value_panels) = (n.div_ceil(kernel.width), width.div_ceil(kernel.width));
    grow(&mut scratch.keys, key_panels * kernel.width * width);
    grow(&mut scratch.values, value_panels * kernel.width * n);
    grow(&mut scratch.scores, MOST_ROWS * n);
    let rows_of = |part: usize, i: usize| &keys_values[(span.first + i) * 2 * d + part * d + head * width..][..width];
    // K transposed: panel p holds columns p · width.. of Kᵀ [head width, n].
    for (p, panel) in scratch.keys.chunks_exact_mut(kernel.width * width).take(key_panels).enumerate() {
        for c in 0..kernel.width {
            if p * kernel.width + c < n {
                let key = rows_of(0, p * kernel.width + c);
                for (k, &x) in key.iter().enumerate() {
                    panel[k * kernel.width + c] = x;
                }
            }
        }
    }
    // V in panels of columns. Missing columns keep old values, which are not written out.
    for i in 0..n {
        let value = rows_of(1, i);
        for (p, part) in value.chunks(kernel.width).enumerate() {
            scratch.values[(p * n + i) * kernel.width..][..part.len()].copy_from_slice(part);
        }
    }
    let scale = 1.0 / (width as f32).sqrt();
    for (first, count) in super::gemm::tiles((0, span.rows), kernel.rows) {
        let seen = |r: usize| if causal { span.position + first + r + 1 } else { n };
        let most = seen(count - 1);
        let query = queries[(span.query + first) * d + head * width..].as_ptr();
        let scores = &mut scratch.scores[..count * n];
        for (p, j) in (0..most).step_by(kernel.width).enumerate() {
            // A head wider than a block of the inner dimension is summed block by block, like every product.
            for k in (0..width).step_by(DEPTH) {
                let depth = DEPTH.min(width - k);
                let panel = scratch.keys[(p * width + k) * kernel.width..].as_ptr();
                let cols = kernel.width.min(most - j);
                // SAFETY: `count` query rows have `depth` values from here, the panel `depth` rows, and scores `count` rows
                // of n values of which these columns are the first `most`.
                unsafe {
                    let c = scores.as_mut_ptr().add(j);
                    let (a, start) = (query.add(k), so_far(c, n, k));
                    let tile = Tile { steps: depth, a, row_stride: d, b: panel, c, ldc: n, cols, start };
                    (kernel.run)(count, &tile);
                }
            }
        }
        vectorised!({
            for (r, row) in scores.chunks_exact_mut(n).enumerate() {
                let (row, unseen) = row[..most].split_at_mut(seen(r));
                for x in row.iter_mut() {
                    *x *= scale;
                }
                rows::softmax::<f32, FUSED>(row);
                unseen.fill(0.0);
            }
        });
        for p in 0..value_panels {
            let cols = kernel.width.min(width - p * kernel.width);
            for k in (0..most).step_by(DEPTH) {
                let depth = DEPTH.min(most - k);
                let panel = scratch.values[(p * n + k) * kernel.width..].as_ptr();
                // SAFETY: scores have `count` rows of `depth` values from here, the panel as many rows, and these rows and
                // columns of `out` are this task's own.
                unsafe {
                    let c = out.get().add((span.query + first) * d + head * width + p * kernel.width);
                    let (a, start) = (scores.as_ptr().add(k), so_far(c, d, k));
                    let tile = Tile { steps: depth, a, row_stride: n, b: panel, c, ldc: d, cols, start };
                    (kernel.run)(count, &tile);
                }
            }
        }
    }
}

/// The sum over the blocks of the inner dimension before k.
fn so_far(c: *const f32, stride: usize, k: usize) -> Initial<f32> {
    if k == 0 { Initial::NOTHING } else { Initial { values: c, stride } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::in_pool;
    use crate::kernels::testing::{pool, values};

    /// The definition, in f64.
    fn naive(q: &[f32], kv: &[f32], span: Span, heads: usize, d: usize, causal: bool, r: usize) -> Vec<f64> {
        let width = d / heads;
        let seen = if causal { span.position + r + 1 } else { span.length };
        let mut out = Vec::new();
        for head in 0..heads {
            let q = &q[(span.query + r) * d + head * width..][..width];
            let row = |part: usize, i: usize| &kv[(span.first + i) * 2 * d + part * d + head * width..][..width];
            let dot = |k: &[f32]| q.iter().zip(k).map(|(a, b)| f64::from(a * b)).sum::<f64>() / (width as f64).sqrt();
            let weights: Vec<f64> = (0..seen).map(|i| dot(row(0, i)).exp()).collect();
            let norm: f64 = weights.iter().sum();
            for c in 0..width {
                out.push((0..seen).map(|i| weights[i] * f64::from(row(1, i)[c])).sum::<f64>() / norm);
            }
        }
        out
    }

    #[test]
    fn attention_is_its_definition_for_any_length_head_and_span() {
        for (lengths, heads, width) in
            [(vec![1], 1, 4), (vec![5, 17, 33], 3, 20), (vec![64, 2], 2, 32), (vec![401], 1, 64), (vec![9], 2, 400)]
        {
            let d = heads * width;
            let tokens: usize = lengths.iter().sum();
            let kv = values(tokens * 2 * d, 3);
            for (causal, single) in [(false, false), (true, false), (false, true), (true, true)] {
                let mut spans = Vec::new();
                let (mut first, mut query) = (0, 0);
                for &length in &lengths {
                    // One row in the middle, or all.
                    let (position, rows) = if single { (length / 2, 1) } else { (0, length) };
                    spans.push(Span { query, rows, first, length, position });
                    first += length;
                    query += rows;
                }
                let q = values(query * d, 11);
                let mut out = vec![7.0; q.len()];
                attend(&q, &kv, &spans, heads, causal, &mut out);
                for span in &spans {
                    for r in 0..span.rows {
                        let expected = naive(&q, &kv, *span, heads, d, causal, r);
                        for (got, expected) in out[(span.query + r) * d..].iter().zip(expected) {
                            assert!(
                                (f64::from(*got) - expected).abs() < 2e-5,
                                "{lengths:?}, causal {causal}: {got} {expected}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_row_has_the_same_bits_alone_and_among_others() {
        let (heads, d, length) = (2, 48, 37);
        let (q, kv) = (values(length * d, 1), values(length * 2 * d, 5));
        for causal in [false, true] {
            let run = |position: usize, rows: usize| {
                let mut out = vec![0.0; rows * d];
                let span = Span { query: 0, rows, first: 0, length, position };
                attend(&q[position * d..(position + rows) * d], &kv, &[span], heads, causal, &mut out);
                out
            };
            let all = run(0, length);
            assert_eq!(pool(3).install(|| in_pool(|| run(0, length))), all);
            for position in 0..length {
                assert_eq!(run(position, 1), all[position * d..(position + 1) * d]);
            }
            assert_eq!(run(5, 8), all[5 * d..13 * d]);
        }
    }
}
