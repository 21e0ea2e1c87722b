//! Layer normalization.

use crate::kernels::{rows, thread_pool, vectorised};
use crate::{Scalar, Tensor, parameters};

/// Layer normalization (Ba et al., 2016): `y = γ (x − mean) / sqrt(var + ε) + β` for each row, with the biased variance.
#[derive(Clone, Debug)]
pub struct LayerNorm<T: Scalar> {
    pub(crate) weight: Tensor<T>,
    pub(crate) bias: Tensor<T>,
    pub(crate) eps: f64,
}

parameters!(LayerNorm { weight, bias });

/// Values that [`LayerNorm::backward`] needs: the normalized rows, and `1 / sqrt(var + ε)` of each row.
#[derive(Debug)]
pub struct SavedNorm<T: Scalar> {
    normalised: Tensor<T>,
    inverse: Vec<T>,
}

impl<T: Scalar> LayerNorm<T> {
    /// γ = 1, β = 0.
    pub fn identity(width: usize, eps: f64) -> LayerNorm<T> {
        LayerNorm { weight: Tensor::full(&[width], T::ONE), bias: Tensor::zeros(&[width]), eps }
    }

    /// `[n, d] → [n, d]`
    pub fn forward(&self, mut x: Tensor<T>) -> (Tensor<T>, SavedNorm<T>) {
        let d = x.cols();
        assert_eq!(d, self.weight.len(), "width of the input");
        let mut inverse = vec![T::ZERO; x.rows()];
        let mut y = Tensor::unset(x.shape());
        let (weight, bias) = (self.weight.data(), self.bias.data());
        let eps = T::of(self.eps);
        let matrices = [(x.data_mut(), d), (y.data_mut(), d), (&mut inverse[..], 1)];
        thread_pool::row_blocks(matrices, rows::block(d), |_, [x, y, inverse]| {
            vectorised!({
                for ((x, y), inverse) in x.chunks_exact_mut(d).zip(y.chunks_exact_mut(d)).zip(inverse) {
                    let mean;
                    (mean, *inverse) = rows::statistics(x, eps);
                    for (((x, y), &weight), &bias) in x.iter_mut().zip(y).zip(weight).zip(bias) {
                        *x = (*x - mean) * *inverse;
                        *y = *x * weight + bias;
                    }
                }
            })
        });
        (y, SavedNorm { normalised: x, inverse })
    }

    /// With `g = γ dy`: `dx = (g − mean(g) − x̂ mean(g x̂)) / deviation`.
    pub fn backward(&self, dy: &Tensor<T>, saved: &SavedNorm<T>, grads: &mut LayerNorm<T>) -> Tensor<T> {
        let d = dy.cols();
        assert_eq!(dy.shape(), saved.normalised.shape(), "the forward pass's shape");
        let normalised = saved.normalised.data();
        rows::add_columns_of(
            [dy.data(), normalised],
            grads.weight.data_mut(),
            #[inline(always)]
            |[dy, x]| dy * x,
        );
        rows::add_columns(dy.data(), grads.bias.data_mut());
        let mut dx = dy.clone();
        let weight = self.weight.data();
        let scale = T::ONE / T::of(d as f64);
        rows::blocks(
            dx.data_mut(),
            d,
            #[inline(always)]
            |first, block| {
                for (i, row) in block.chunks_exact_mut(d).enumerate() {
                    let x = &normalised[(first + i) * d..][..d];
                    let inverse = saved.inverse[first + i];
                    for (g, &weight) in row.iter_mut().zip(weight) {
                        *g *= weight;
                    }
                    let mean = rows::sum(row, |x| x) * scale;
                    let slope = rows::dot(row, x) * scale;
                    for (g, &x) in row.iter_mut().zip(x) {
                        *g = (*g - mean - x * slope) * inverse;
                    }
                }
            },
        );
        dx
    }
}
