//! Activation functions: GELU in two forms, and the logistic function.

use crate::kernels::{rows, thread_pool, vectorised};
use crate::{Scalar, Tensor};

/// The function applied to a linear map's output, before a residual is added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// None: `y = x`.
    #[default]
    None,
    /// GELU (Hendrycks and Gimpel, 2016): `x Φ(x)`, with Φ from the error function.
    Gelu,
    /// GELU's tanh form, `x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))`: used by GPT-2 and ALBERT.
    GeluTanh,
}

impl Activation {
    pub(crate) fn forward<T: Scalar>(self, x: &Tensor<T>) -> Tensor<T> {
        let mut y = Tensor::unset(x.shape());
        thread_pool::chunks(y.data_mut(), rows::TASK, |i, y| {
            y.copy_from_slice(&x.data()[i * rows::TASK..][..y.len()]);
            vectorised!(self.apply::<T, FUSED>(y));
        });
        y
    }

    /// Multiplies the gradient at the output by the derivative at the input.
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

    #[inline(always)]
    pub(crate) fn apply<T: Scalar, const FUSED: bool>(self, x: &mut [T]) {
        match self {
            Activation::None => {}
            Activation::Gelu => x.iter_mut().for_each(|x| *x = rows::gelu::<T, FUSED>(*x)),
            Activation::GeluTanh => x.iter_mut().for_each(|x| *x = rows::gelu_tanh::<T, FUSED>(*x)),
        }
    }
}

/// `σ(x) = 1 / (1 + e^−x)`, from 0 to 1. NaN if x is not finite, so that errors stay visible.
///
/// ```
/// use epee_nn::sigmoid;
/// assert_eq!(sigmoid(0.0f32), 0.5);
/// assert!((sigmoid(2.0f64) - 0.880_797_077_977_882).abs() < 1e-12);
/// assert!(sigmoid(f32::INFINITY).is_nan());
/// ```
pub fn sigmoid<T: Scalar>(x: T) -> T {
    if !x.f64().is_finite() {
        return T::of(f64::NAN);
    }
    T::ONE / (T::ONE + (-x).exp::<false>())
}
