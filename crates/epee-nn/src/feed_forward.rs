//! The position-wise feed-forward block and its activation.

use crate::kernels::rows;
use crate::{Linear, Scalar, Tensor, parameters};

/// `y = down(GELU(up(x)))`, with GELU in its erf form: `x Φ(x) = x/2 (1 + erf(x / √2))`.
#[derive(Clone, Debug)]
pub struct FeedForward<T: Scalar> {
    /// d → intermediate
    pub up: Linear<T>,
    /// intermediate → d
    pub down: Linear<T>,
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
        let after = gelu(&before);
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
        gelu_backward(&mut d, &saved.before);
        self.up.backward(&d, x, &mut grads.up)
    }
}

fn gelu<T: Scalar>(x: &Tensor<T>) -> Tensor<T> {
    let mut y = Tensor::unset(x.shape());
    let (half, root) = (T::of(0.5), T::of(std::f64::consts::FRAC_1_SQRT_2));
    rows::zip(y.data_mut(), x.data(), |y, x| *y = half * x * (T::ONE + (x * root).erf()));
    y
}

/// `dx = dy (Φ(x) + x φ(x))`
fn gelu_backward<T: Scalar>(dy: &mut Tensor<T>, x: &Tensor<T>) {
    let (half, root) = (T::of(0.5), T::of(std::f64::consts::FRAC_1_SQRT_2));
    let density = T::of(1.0 / (2.0 * std::f64::consts::PI).sqrt());
    rows::zip(dy.data_mut(), x.data(), |dy, x| {
        let cumulative = half * (T::ONE + (x * root).erf());
        *dy *= cumulative + x * density * (-half * x * x).exp();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of PyTorch's `torch.nn.functional.gelu`.
    #[test]
    fn gelu_has_its_published_values() {
        let y = gelu(&Tensor::from_vec(&[1, 4], vec![-2.0f32, -0.5, 0.5, 3.0]));
        for (got, expected) in y.data().iter().zip([-0.045_500_264, -0.154_268_77, 0.345_731_23, 2.995_950_3]) {
            assert!((got - expected).abs() < 1e-6, "{got}, expected {expected}");
        }
    }
}
