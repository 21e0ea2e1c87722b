//! What stands between the feed-forward block's two maps.

use crate::kernels::{rows, thread_pool, vectorised};
use crate::{Scalar, Tensor};

/// What is applied to a product before the residual is added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// `x Φ(x)`, Φ by the error function.
    Gelu,
    /// `x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))`: GPT-2's and ALBERT's form.
    GeluTanh,
}

impl Activation {
    /// Of every value.
    pub(crate) fn forward<T: Scalar>(self, x: &Tensor<T>) -> Tensor<T> {
        let mut y = Tensor::unset(x.shape());
        thread_pool::chunks(y.data_mut(), rows::TASK, |i, y| {
            y.copy_from_slice(&x.data()[i * rows::TASK..][..y.len()]);
            vectorised!(self.apply::<T, FUSED>(y));
        });
        y
    }

    /// Multiplies the gradient at the output with the derivative at the input.
    pub(crate) fn backward<T: Scalar>(self, dy: &mut Tensor<T>, x: &Tensor<T>) {
        thread_pool::chunks(dy.data_mut(), rows::TASK, |i, dy| {
            let pairs = dy.iter_mut().zip(&x.data()[i * rows::TASK..]);
            match self {
                Activation::None => {}
                Activation::Gelu => vectorised!(pairs.for_each(|(dy, &x)| *dy *= rows::gelu_slope::<T, FUSED>(x))),
                Activation::GeluTanh => {
                    vectorised!(pairs.for_each(|(dy, &x)| *dy *= rows::gelu_tanh_slope::<T, FUSED>(x)));
                }
            }
        });
    }

    /// In place.
    #[inline(always)]
    pub(crate) fn apply<T: Scalar, const FUSED: bool>(self, x: &mut [T]) {
        match self {
            Activation::None => {}
            Activation::Gelu => x.iter_mut().for_each(|x| *x = rows::gelu::<T, FUSED>(*x)),
            Activation::GeluTanh => x.iter_mut().for_each(|x| *x = rows::gelu_tanh::<T, FUSED>(*x)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of PyTorch's `torch.nn.functional.gelu`, in both its forms.
    #[test]
    fn gelu_has_its_published_values() {
        let x = Tensor::from_vec(&[1, 4], vec![-2.0f32, -0.5, 0.5, 3.0]);
        let published = [
            (Activation::Gelu, [-0.045_500_264, -0.154_268_77, 0.345_731_23, 2.995_950_3]),
            (Activation::GeluTanh, [-0.045_402_348, -0.154_286, 0.345_714, 2.996_362_7]),
        ];
        for (activation, expected) in published {
            for (got, expected) in activation.forward(&x).data().iter().zip(expected) {
                assert!((got - expected).abs() < 1e-6, "{activation:?}: {got}, expected {expected}");
            }
        }
    }
}
