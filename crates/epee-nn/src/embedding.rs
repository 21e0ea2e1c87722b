//! Embedding table: a vector per id.

use crate::{Scalar, Tensor, parameters};

/// A table `[entries, d]`. Id i is row i.
#[derive(Clone, Debug)]
pub struct Embedding<T: Scalar> {
    weight: Tensor<T>,
}

parameters!(Embedding { weight });

impl<T: Scalar> Embedding<T> {
    /// All weights zero.
    pub fn zeros(entries: usize, width: usize) -> Embedding<T> {
        Embedding { weight: Tensor::zeros(&[entries, width]) }
    }

    /// d, the length of a vector.
    pub fn width(&self) -> usize {
        self.weight.cols()
    }

    /// The vector of an id.
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn row(&self, id: u32) -> &[T] {
        self.weight.row(id as usize)
    }

    /// Adds row `ids[i]` of the table to row i of `x`.
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn add_to(&self, ids: &[u32], x: &mut Tensor<T>) {
        for (i, &id) in ids.iter().enumerate() {
            for (x, &w) in x.row_mut(i).iter_mut().zip(self.weight.row(id as usize)) {
                *x += w;
            }
        }
    }

    /// Adds row i of `dy` to row `ids[i]` of the gradient.
    pub fn backward(dy: &Tensor<T>, ids: &[u32], grads: &mut Embedding<T>) {
        for (i, &id) in ids.iter().enumerate() {
            for (g, &d) in grads.weight.row_mut(id as usize).iter_mut().zip(dy.row(i)) {
                *g += d;
            }
        }
    }
}
