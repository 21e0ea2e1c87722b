//! Dense row-major array.

use std::borrow::Cow;
use std::ops::Range;

use crate::{Scalar, buffers};

/// The device that holds a tensor's values and runs the operations on it. The CPU is the only one today.
///
/// Other devices fit in here: a block is a struct of [`Tensor`]s, and its passes call a dozen functions on whole
/// tensors (product and its two gradients, attention, norm, activation, dropout, gather and scatter, sums, the AdamW step). Another
/// device is another branch in these functions. Blocks and models stay as they are. `ARCHITECTURE.md` has the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Device {
    /// The processor's cores, with the kernels of this crate.
    #[default]
    Cpu,
}

/// A dense row-major array. Parameters have any shape, activations are matrices.
///
/// ```
/// let x = epee_nn::Tensor::from_vec(&[2, 3], vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
/// assert_eq!((x.rows(), x.cols()), (2, 3));
/// assert_eq!(x.row(1), [4.0, 5.0, 6.0]);
/// ```
#[derive(Debug, PartialEq)]
pub struct Tensor<T: Scalar> {
    shape: Vec<usize>,
    data: Vec<T>,
}

impl<T: Scalar> Clone for Tensor<T> {
    fn clone(&self) -> Tensor<T> {
        let mut data = buffers::take(self.data.len());
        crate::kernels::rows::copy(&self.data, &mut data);
        Tensor { shape: self.shape.clone(), data }
    }
}

impl<T: Scalar> Drop for Tensor<T> {
    fn drop(&mut self) {
        buffers::give(std::mem::take(&mut self.data));
    }
}

impl<T: Scalar> Tensor<T> {
    /// All values zero.
    pub fn zeros(shape: &[usize]) -> Tensor<T> {
        Tensor { shape: shape.to_vec(), data: buffers::zeros(shape.iter().product()) }
    }

    /// Arbitrary values. The caller must set all of them.
    pub(crate) fn unset(shape: &[usize]) -> Tensor<T> {
        Tensor { shape: shape.to_vec(), data: buffers::take(shape.iter().product()) }
    }

    /// All values equal.
    pub fn full(shape: &[usize], value: T) -> Tensor<T> {
        Tensor { shape: shape.to_vec(), data: vec![value; shape.iter().product()] }
    }

    /// The values of `data` in the given shape.
    ///
    /// # Panics
    /// If the number of values is not the product of the shape.
    pub fn from_vec(shape: &[usize], data: Vec<T>) -> Tensor<T> {
        assert_eq!(shape.iter().product::<usize>(), data.len(), "values for shape {shape:?}");
        Tensor { shape: shape.to_vec(), data }
    }

    /// Zeros in the shape of another tensor.
    pub fn zeros_like(other: &Tensor<T>) -> Tensor<T> {
        Tensor::zeros(&other.shape)
    }

    /// The device that holds the values.
    pub fn device(&self) -> Device {
        Device::Cpu
    }

    /// The shape.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// True if there are no values.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The length of the last dimension.
    pub fn cols(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    /// The product of all dimensions but the last.
    pub fn rows(&self) -> usize {
        self.data.len().checked_div(self.cols()).unwrap_or(0)
    }

    /// All values.
    pub fn data(&self) -> &[T] {
        &self.data
    }

    /// All values, mutable.
    pub fn data_mut(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// The values, without the shape.
    pub fn into_vec(mut self) -> Vec<T> {
        std::mem::take(&mut self.data)
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[T] {
        let cols = self.cols();
        &self.data[i * cols..(i + 1) * cols]
    }

    /// Row `i`, mutable.
    pub fn row_mut(&mut self, i: usize) -> &mut [T] {
        let cols = self.cols();
        &mut self.data[i * cols..(i + 1) * cols]
    }

    /// The given rows, in the given order: `[rows.len(), cols]`.
    pub fn gather(&self, rows: &[usize]) -> Tensor<T> {
        let mut gathered = Tensor::unset(&[rows.len(), self.cols()]);
        for (i, &row) in rows.iter().enumerate() {
            gathered.row_mut(i).copy_from_slice(self.row(row));
        }
        gathered
    }

    /// The given rows, or all rows.
    pub(crate) fn rows_of(&self, rows: Option<&[usize]>) -> Cow<'_, Tensor<T>> {
        rows.map_or(Cow::Borrowed(self), |rows| Cow::Owned(self.gather(rows)))
    }

    /// Adds `other` to the given rows, or to all rows.
    pub(crate) fn add_rows(&mut self, rows: Option<&[usize]>, other: &Tensor<T>) {
        match rows {
            Some(rows) => self.scatter_add(rows, other),
            None => self.add(other),
        }
    }

    /// Adds row `i` of `other` to row `rows[i]` of this tensor: the transpose of [`Tensor::gather`].
    pub fn scatter_add(&mut self, rows: &[usize], other: &Tensor<T>) {
        for (i, &row) in rows.iter().enumerate() {
            for (x, &y) in self.row_mut(row).iter_mut().zip(other.row(i)) {
                *x += y;
            }
        }
    }

    /// The means of rows `offsets[i]..offsets[i + 1]`: `[offsets.len() - 1, cols]`.
    pub fn mean_spans(&self, offsets: &[usize]) -> Tensor<T> {
        let mut means = Tensor::zeros(&[offsets.len() - 1, self.cols()]);
        for (i, (span, share)) in spans(offsets).enumerate() {
            for row in span {
                for (mean, &x) in means.row_mut(i).iter_mut().zip(self.row(row)) {
                    *mean += x * share;
                }
            }
        }
        means
    }

    /// Adds row `i` of `other`, divided by the span's length, to each of rows `offsets[i]..offsets[i + 1]`: the transpose of
    /// [`Tensor::mean_spans`].
    pub fn scatter_mean_spans(&mut self, offsets: &[usize], other: &Tensor<T>) {
        for (i, (span, share)) in spans(offsets).enumerate() {
            for row in span {
                for (x, &y) in self.row_mut(row).iter_mut().zip(other.row(i)) {
                    *x += y * share;
                }
            }
        }
    }

    /// Multiplies every value.
    pub fn scale(&mut self, factor: T) {
        self.data.iter_mut().for_each(|x| *x *= factor);
    }

    /// `√Σ x²`, summed in `f64` in a fixed order.
    pub fn norm(&self) -> f64 {
        self.data.iter().map(|x| x.f64() * x.f64()).sum::<f64>().sqrt()
    }

    /// Adds another tensor of the same shape.
    pub fn add(&mut self, other: &Tensor<T>) {
        assert_eq!(self.shape, other.shape);
        crate::kernels::rows::zip(
            &mut self.data,
            &other.data,
            #[inline(always)]
            |x, y| *x += y,
        );
    }
}

/// The rows of each span, and 1 over their number.
fn spans<T: Scalar>(offsets: &[usize]) -> impl Iterator<Item = (Range<usize>, T)> + '_ {
    offsets.windows(2).map(|window| (window[0]..window[1], T::of(1.0 / (window[1] - window[0]) as f64)))
}
