//! BERT's pooler: a linear map and a hyperbolic tangent.

use crate::kernels::vectorised;
use crate::{Linear, Scalar, Tensor, parameters};

/// `y = tanh(dense(x))`, applied to the rows that exits read.
#[derive(Clone, Debug)]
pub struct Pooler<T: Scalar> {
    /// d → d
    pub dense: Linear<T>,
}

parameters!(Pooler { dense });

/// Values that [`Pooler::backward`] needs: input and output.
#[derive(Debug)]
pub struct SavedPooler<T: Scalar> {
    x: Tensor<T>,
    y: Tensor<T>,
}

/// The hyperbolic tangent of every value.
pub fn tanh<T: Scalar>(x: &mut [T]) {
    vectorised!(x.iter_mut().for_each(|x| *x = x.tanh::<FUSED>()));
}

impl<T: Scalar> Pooler<T> {
    /// `[n, d] → [n, d]`
    pub fn forward(&self, x: Tensor<T>) -> (Tensor<T>, SavedPooler<T>) {
        let mut y = self.dense.forward(&x);
        tanh(y.data_mut());
        (y.clone(), SavedPooler { x, y })
    }

    /// `dx = (dy (1 − y²)) W`
    pub fn backward(&self, dy: &Tensor<T>, saved: &SavedPooler<T>, grads: &mut Pooler<T>) -> Tensor<T> {
        let mut d = dy.clone();
        for (d, &y) in d.data_mut().iter_mut().zip(saved.y.data()) {
            *d *= T::ONE - y * y;
        }
        self.dense.backward(&d, &saved.x, &mut grads.dense)
    }
}
