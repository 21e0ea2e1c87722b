//! The matrix product of training and attention: any layout, any number type, panels packed on demand.
//!
//! `C[i, j] = Σ_k A[i, k] B[k, j]`. The inner dimension is cut into blocks of [`DEPTH`]. Each block is summed in ascending order and
//! added to C in ascending order. The order depends on k alone. So the bits of an element depend only on its row of A and its
//! column of B, not on the number of rows, columns or threads.

use super::micro::{Initial, MicroKernel, Tile};
use super::thread_pool::{self, Block, Shared};
use super::transpose::transpose;
use crate::{Scalar, buffers};

/// The block of the inner dimension. A panel of B with this depth stays in the first-level cache.
pub(super) const DEPTH: usize = 384;
/// Rows of A per task. This many times [`DEPTH`] values stay in the second-level cache.
pub(super) const ROWS: usize = 96;
/// If rows are a multiple of this many bytes apart, a tile's rows evict each other from the first-level cache. Such a block of A
/// is copied first.
const CROWDED: usize = 4096;
/// A product with fewer multiplications stays on its thread.
const SERIAL: usize = 1 << 19;

/// A matrix view: `data[i · row_stride + k · col_stride]`. One of the strides is 1.
#[derive(Clone, Copy)]
pub(crate) struct MatRef<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a, T> MatRef<'a, T> {
    /// A matrix with the given strides.
    pub(crate) fn new(data: &'a [T], rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> Self {
        assert!(row_stride == 1 || col_stride == 1, "strides {row_stride} and {col_stride}");
        if rows > 0 && cols > 0 {
            let last = (rows - 1) * row_stride + (cols - 1) * col_stride;
            assert!(last < data.len(), "{rows} × {cols} matrix in {} values", data.len());
        }
        MatRef { data, rows, cols, row_stride, col_stride }
    }

    pub(crate) fn row_major(data: &'a [T], rows: usize, cols: usize) -> Self {
        MatRef::new(data, rows, cols, cols, 1)
    }

    /// The transpose, of the same memory.
    pub(crate) fn t(self) -> Self {
        MatRef {
            data: self.data,
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
        }
    }
}

/// B packed for products: for every block of [`DEPTH`] rows, panel after panel, each `[depth, width]`.
#[derive(Clone, Debug)]
pub(crate) struct PackedMatrix<T: Scalar> {
    rows: usize,
    cols: usize,
    panels: Vec<T>,
}

impl<T: Scalar> Drop for PackedMatrix<T> {
    fn drop(&mut self) {
        buffers::give(std::mem::take(&mut self.panels));
    }
}

impl<T: Scalar> PackedMatrix<T> {
    /// Packs B `[k, n]`.
    pub(crate) fn new(b: MatRef<'_, T>) -> PackedMatrix<T> {
        let width = T::micro_kernel().width;
        let stripe = b.cols.next_multiple_of(width);
        let mut panels = buffers::take(b.rows * stripe);
        for (block, panels) in panels.chunks_mut((DEPTH * stripe).max(1)).enumerate() {
            let k = block * DEPTH;
            let depth = DEPTH.min(b.rows - k);
            // Four panels per task.
            thread_pool::chunks(panels, 4 * depth * width, |four, panels| {
                for (panel, out) in panels.chunks_mut(depth * width).enumerate() {
                    pack_panel(b, k, (4 * four + panel) * width, width, out);
                }
            });
        }
        PackedMatrix { rows: b.rows, cols: b.cols, panels }
    }
}

/// Writes rows `k..` and columns `j..j + width` of B into one panel, with zeros for missing columns.
fn pack_panel<T: Scalar>(b: MatRef<'_, T>, k: usize, j: usize, width: usize, out: &mut [T]) {
    let cols = width.min(b.cols - j);
    if b.col_stride == 1 && cols == width && width.is_multiple_of(8) {
        // Eight values at a time: a copy of unknown length would be a call.
        for (p, out) in out.chunks_exact_mut(width).enumerate() {
            let row = &b.data[(k + p) * b.row_stride + j..][..width];
            for (out, x) in out.as_chunks_mut::<8>().0.iter_mut().zip(row.as_chunks::<8>().0) {
                *out = *x;
            }
        }
        return;
    }
    if b.col_stride == 1 {
        for (p, out) in out.chunks_exact_mut(width).enumerate() {
            let start = (k + p) * b.row_stride + j;
            out[..cols].copy_from_slice(&b.data[start..start + cols]);
        }
    } else {
        let depth = out.len() / width;
        transpose(&b.data[k + j * b.col_stride..], b.col_stride, out, width, (cols, depth));
    }
    if cols < width {
        for out in out.chunks_exact_mut(width) {
            out[cols..].fill(T::ZERO);
        }
    }
}

/// The value of C before the product is added.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a, T> {
    /// Zero: C is overwritten.
    Zero,
    /// Its current value.
    Keep,
    /// The same row for every row of C: a bias.
    Row(&'a [T]),
}

/// `C = start + A · B` with C row-major `[m, n]`, on all threads if the product is large enough.
pub(crate) fn product<T: Scalar>(a: MatRef<'_, T>, b: &PackedMatrix<T>, start: Start<'_, T>, c: &mut [T]) {
    assert_eq!(a.cols, b.rows, "inner dimensions");
    assert_eq!(c.len(), a.rows * b.cols, "values of C");
    if let Start::Row(row) = start {
        assert_eq!(row.len(), b.cols, "values of the bias");
    }
    let (m, n) = (a.rows, b.cols);
    if m == 0 || n == 0 {
        return;
    }
    let out = Shared::new(c);
    let MicroKernel { rows: most, width, .. } = T::micro_kernel();
    // Blocks of about equal height: 128 rows are cut into 66 and 62, not into 96 and 32.
    let block = m.div_ceil(m.div_ceil(ROWS)).next_multiple_of(most);
    let row_tasks = m.div_ceil(block);
    let threads = thread_pool::threads();
    if threads == 1 || m * n * a.cols < SERIAL {
        for i in 0..row_tasks {
            let rows = (i * block, m.min((i + 1) * block));
            // SAFETY: C has m rows of n values.
            unsafe { task(a, b, start, out, n, rows, (0, n)) };
        }
        return;
    }
    // Cut by rows if there are enough of them, else also by columns. A transposed A is copied for each column task, so it is cut by
    // rows only, as soon as every thread has a task.
    let enough = if a.col_stride == 1 { 8 * threads } else { 2 * threads };
    let wanted = if row_tasks >= enough { 1 } else { (4 * threads).div_ceil(row_tasks) };
    let stripe = n.div_ceil(wanted).next_multiple_of(width);
    let col_tasks = n.div_ceil(stripe);
    thread_pool::run(row_tasks * col_tasks, |t| {
        let (i, j) = (t / col_tasks, t % col_tasks);
        let rows = (i * block, m.min((i + 1) * block));
        let cols = (j * stripe, n.min((j + 1) * stripe));
        // SAFETY: C has m rows of n values, and no two tasks share a row and a column.
        unsafe { task(a, b, start, out, n, rows, cols) };
    });
}

/// `C = A · B` on this thread, for the small products of attention.
pub(crate) fn small_product<T: Scalar>(a: MatRef<'_, T>, b: MatRef<'_, T>, c: Block<'_, T>) {
    assert_eq!(a.cols, b.rows, "inner dimensions");
    assert_eq!((c.rows, c.cols), (a.rows, b.cols), "shape of C");
    // Inside a task, packing stays on its thread.
    let packed = PackedMatrix::new(b);
    for first in (0..a.rows).step_by(ROWS) {
        // SAFETY: C has as many rows as A and as many columns as B, and it is this call's own.
        unsafe {
            task(a, &packed, Start::Zero, c.first, c.stride, (first, a.rows.min(first + ROWS)), (0, b.cols));
        }
    }
}

/// Rows `rows.0..rows.1` and columns `cols.0..cols.1` of the product.
///
/// # Safety
/// `c` must point to `a.rows` rows of `b.cols` values, `ldc` apart. No other task may touch these rows and columns meanwhile.
/// `cols.0` must be a multiple of the kernel's width.
unsafe fn task<T: Scalar>(
    a: MatRef<'_, T>,
    b: &PackedMatrix<T>,
    start: Start<'_, T>,
    c: Shared<T>,
    ldc: usize,
    rows: (usize, usize),
    cols: (usize, usize),
) {
    let kernel = T::micro_kernel();
    let stripe = b.cols.next_multiple_of(kernel.width);
    let as_it_is = a.col_stride == 1 && !(a.row_stride * size_of::<T>()).is_multiple_of(CROWDED);
    let mut scratch = buffers::take(if as_it_is { 0 } else { (rows.1 - rows.0) * DEPTH.min(b.rows) });
    for k in (0..b.rows).step_by(DEPTH) {
        let depth = DEPTH.min(b.rows - k);
        let (base, row_stride) = if as_it_is {
            (&a.data[rows.0 * a.row_stride + k..], a.row_stride)
        } else {
            copy_block(a, rows, (k, depth), &mut scratch);
            (&scratch[..], depth)
        };
        for j in (cols.0..cols.1).step_by(kernel.width) {
            let panel = &b.panels[k * stripe + j * depth..][..depth * kernel.width];
            let width = kernel.width.min(cols.1 - j);
            for (i, count) in tiles(rows, kernel.rows) {
                // SAFETY: A has `count` rows of `depth` values from here (`MatRef::new` checked the last element, and
                // `copy_block` wrote them all), the panel has `depth` rows of the kernel's width, and C's rows and columns are
                // this task's own.
                unsafe {
                    let c = c.get().add(i * ldc + j);
                    let start = match start {
                        Start::Row(row) if k == 0 => Initial { values: row.as_ptr().add(j), stride: 0 },
                        Start::Zero if k == 0 => Initial::NOTHING,
                        _ => Initial { values: c.cast_const(), stride: ldc },
                    };
                    let (a, b) = (base.as_ptr().add((i - rows.0) * row_stride), panel.as_ptr());
                    (kernel.run)(count, &Tile { steps: depth, a, row_stride, b, c, ldc, cols: width, start });
                }
            }
        }
    }
    if b.rows == 0 {
        for i in rows.0..rows.1 {
            // SAFETY: row i and these columns lie inside C and are this task's own.
            let out = unsafe { std::slice::from_raw_parts_mut(c.get().add(i * ldc + cols.0), cols.1 - cols.0) };
            match start {
                Start::Zero => out.fill(T::ZERO),
                Start::Row(row) => out.copy_from_slice(&row[cols.0..cols.1]),
                Start::Keep => {}
            }
        }
    }
    buffers::give(scratch);
}

/// Rows `rows.0..rows.1` in as few tiles of at most `most` rows as possible, all of about the same height. A low tile leaves the
/// arithmetic units idle.
#[inline(always)]
pub(super) fn tiles(rows: (usize, usize), most: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut tiles = (rows.1 - rows.0).div_ceil(most);
    let mut first = rows.0;
    std::iter::from_fn(move || {
        let count = (rows.1 - first).checked_div(tiles)?;
        let tile = (first, count);
        first += count;
        tiles -= 1;
        Some(tile)
    })
}

/// Copies rows `rows.0..rows.1` and columns `k..k + depth` of A, row after row.
fn copy_block<T: Scalar>(a: MatRef<'_, T>, rows: (usize, usize), (k, depth): (usize, usize), out: &mut [T]) {
    if a.col_stride == 1 {
        for (i, out) in (rows.0..rows.1).zip(out.chunks_exact_mut(depth)) {
            out.copy_from_slice(&a.data[i * a.row_stride + k..][..depth]);
        }
    } else {
        transpose(&a.data[rows.0 + k * a.col_stride..], a.col_stride, out, depth, (depth, rows.1 - rows.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::in_pool;
    use crate::kernels::testing::{pool, values};
    use proptest::prelude::*;

    /// The definition, in f64.
    fn naive(a: MatRef<'_, f32>, b: MatRef<'_, f32>) -> Vec<f64> {
        let mut c = vec![0.0; a.rows * b.cols];
        for i in 0..a.rows {
            for j in 0..b.cols {
                for k in 0..a.cols {
                    let x = f64::from(a.data[i * a.row_stride + k * a.col_stride]);
                    c[i * b.cols + j] += x * f64::from(b.data[k * b.row_stride + j * b.col_stride]);
                }
            }
        }
        c
    }

    fn close(got: &[f32], expected: &[f64], k: usize) -> bool {
        got.iter().zip(expected).all(|(&g, &e)| (f64::from(g) - e).abs() <= 1e-6 * (k as f64 + 1.0))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_shape_and_layout_agrees_with_the_definition(
            m in 1usize..120, n in 1usize..70, k in 1usize..900, ta: bool, tb: bool, seed: u64,
        ) {
            let (a, b) = (values(m * k, seed), values(k * n, !seed));
            let a = if ta { MatRef::row_major(&a, k, m).t() } else { MatRef::row_major(&a, m, k) };
            let b = if tb { MatRef::row_major(&b, n, k).t() } else { MatRef::row_major(&b, k, n) };
            let expected = naive(a, b);
            let packed = PackedMatrix::new(b);
            let mut c = vec![7.0; m * n];
            product(a, &packed, Start::Zero, &mut c);
            prop_assert!(close(&c, &expected, k));
            let once = c.clone();
            let mut small = vec![7.0; m * n];
            small_product(a, b, Block::whole(&mut small, n));
            prop_assert_eq!(&small, &once);
            product(a, &packed, Start::Keep, &mut c);
            let twice: Vec<f64> = expected.iter().map(|x| 2.0 * x).collect();
            prop_assert!(close(&c, &twice, 2 * k));
            let bias = values(n, seed ^ 5);
            product(a, &packed, Start::Row(&bias), &mut c);
            let shifted: Vec<f64> =
                expected.iter().enumerate().map(|(i, x)| x + f64::from(bias[i % n])).collect();
            prop_assert!(close(&c, &shifted, k));
        }

        #[test]
        fn a_row_has_the_same_bits_in_any_product(m in 2usize..300, seed: u64) {
            let (k, n) = (500, 72);
            let (a, b) = (values(m * k, seed), values(k * n, !seed));
            let packed = PackedMatrix::new(MatRef::row_major(&b, k, n));
            let run = |a: &[f32]| {
                let mut c = vec![0.0; a.len() / k * n];
                in_pool(|| product(MatRef::row_major(a, a.len() / k, k), &packed, Start::Zero, &mut c));
                c
            };
            let all = pool(1).install(|| run(&a));
            prop_assert_eq!(&pool(3).install(|| run(&a)), &all);
            let i = m / 2;
            prop_assert_eq!(&run(&a[i * k..(i + 1) * k])[..], &all[i * n..(i + 1) * n]);
            prop_assert_eq!(&run(&a[i * k..])[..], &all[i * n..]);
        }
    }
}
