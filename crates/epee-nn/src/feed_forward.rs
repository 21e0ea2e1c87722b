//! The position-wise feed-forward block and its activation.

use crate::kernels::{rows, team, vectorised};
use crate::{Linear, Scalar, Tensor, parameters};

pub use crate::kernels::packed::Activation;

/// `y = down(activation(up(x)))`
#[derive(Clone, Debug)]
pub struct FeedForward<T: Scalar> {
    /// d → intermediate
    pub up: Linear<T>,
    /// intermediate → d
    pub down: Linear<T>,
    /// Between the two.
    pub activation: Activation,
}

parameters!(FeedForward { up, down });

/// What [`FeedForward::backward`] needs.
#[derive(Debug)]
pub struct SavedFeedForward<T: Scalar> {
    before: Tensor<T>,
    after: Tensor<T>,
}

impl<T: Scalar> FeedForward<T> {
    /// `[n, d] → [n, d]`
    pub fn forward(&self, x: &Tensor<T>) -> (Tensor<T>, SavedFeedForward<T>) {
        let before = self.up.forward(x);
        let after = self.activation.forward(&before);
        (self.down.forward(&after), SavedFeedForward { before, after })
    }

    /// The gradient at the input, given the input.
    pub fn backward(
        &self,
        dy: &Tensor<T>,
        x: &Tensor<T>,
        saved: &SavedFeedForward<T>,
        grads: &mut FeedForward<T>,
    ) -> Tensor<T> {
        let mut d = self.down.backward(dy, &saved.after, &mut grads.down);
        self.activation.backward(&mut d, &saved.before);
        self.up.backward(&d, x, &mut grads.up)
    }
}

impl Activation {
    /// Of every value.
    fn forward<T: Scalar>(self, x: &Tensor<T>) -> Tensor<T> {
        let mut y = Tensor::unset(x.shape());
        team::chunks(y.data_mut(), rows::TASK, |i, y| {
            y.copy_from_slice(&x.data()[i * rows::TASK..][..y.len()]);
            vectorised!(self.apply::<T, FUSED>(y));
        });
        y
    }

    /// Multiplies the gradient at the output with the derivative at the input.
    fn backward<T: Scalar>(self, dy: &mut Tensor<T>, x: &Tensor<T>) {
        team::chunks(dy.data_mut(), rows::TASK, |i, dy| {
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
