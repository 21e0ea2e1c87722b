//! Layer normalisation.

use crate::kernels::rows;
use crate::{Scalar, Tensor, parameters};

/// `y = γ (x − mean) / sqrt(var + ε) + β` along each row, with the biased variance.
#[derive(Clone, Debug)]
pub struct LayerNorm<T: Scalar> {
    weight: Tensor<T>,
    bias: Tensor<T>,
    eps: f64,
}

parameters!(LayerNorm { weight, bias });

/// What [`LayerNorm::backward`] needs: the normalised rows and one over each row's deviation.
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

    pub(crate) fn weight(&self) -> &Tensor<T> {
        &self.weight
    }

    pub(crate) fn bias(&self) -> &Tensor<T> {
        &self.bias
    }

    pub(crate) fn eps(&self) -> f64 {
        self.eps
    }

    /// `[n, d] → [n, d]`; consumes its input.
    pub fn forward(&self, mut x: Tensor<T>) -> (Tensor<T>, SavedNorm<T>) {
        let d = x.cols();
        assert_eq!(d, self.weight.len(), "width of the input");
        let mut inverse = vec![T::ZERO; x.rows()];
        let eps = T::of(self.eps);
        let scale = T::ONE / T::of(d as f64);
        // Row statistics first, so that the row loop below writes one buffer only.
        let mut means = vec![T::ZERO; x.rows()];
        {
            let data = x.data();
            let statistics = |i: usize| {
                let row = &data[i * d..(i + 1) * d];
                let mean = rows::sum(row, |x| x) * scale;
                let variance = rows::sum(row, |x| (x - mean) * (x - mean)) * scale;
                (mean, T::ONE / (variance + eps).sqrt())
            };
            rows::per_row(&mut means, &mut inverse, d, statistics);
        }
        rows::blocks(
            x.data_mut(),
            d,
            #[inline(always)]
            |first, block| {
                for (i, row) in block.chunks_exact_mut(d).enumerate() {
                    let (mean, inverse) = (means[first + i], inverse[first + i]);
                    for x in row {
                        *x = (*x - mean) * inverse;
                    }
                }
            },
        );
        let normalised = x;
        let mut y = Tensor::unset(normalised.shape());
        let (weight, bias) = (self.weight.data(), self.bias.data());
        rows::blocks(
            y.data_mut(),
            d,
            #[inline(always)]
            |first, block| {
                for (i, row) in block.chunks_exact_mut(d).enumerate() {
                    let x = &normalised.data()[(first + i) * d..][..d];
                    for (((y, &x), &weight), &bias) in row.iter_mut().zip(x).zip(weight).zip(bias) {
                        *y = x * weight + bias;
                    }
                }
            },
        );
        (y, SavedNorm { normalised, inverse })
    }

    /// With `g = γ dy`: `dx = (g − mean(g) − x̂ mean(g x̂)) / deviation`.
    pub fn backward(&self, dy: &Tensor<T>, saved: &SavedNorm<T>, grads: &mut LayerNorm<T>) -> Tensor<T> {
        let d = dy.cols();
        assert_eq!(dy.shape(), saved.normalised.shape(), "the forward pass's shape");
        let normalised = saved.normalised.data();
        let mut products = dy.clone();
        rows::zip(
            products.data_mut(),
            normalised,
            #[inline(always)]
            |x, y| *x *= y,
        );
        rows::add_columns(products.data(), grads.weight.data_mut());
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
