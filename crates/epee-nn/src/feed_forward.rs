//! The position-wise feed-forward block.

use crate::{Activation, Linear, Scalar, Tensor, parameters};

/// `y = down(activation(up(x)))`
#[derive(Clone, Debug)]
pub struct FeedForward<T: Scalar> {
    /// d → intermediate
    pub up: Linear<T>,
    /// intermediate → d
    pub down: Linear<T>,
    /// Between the two maps.
    pub activation: Activation,
}

parameters!(FeedForward { up, down });

/// Values that [`FeedForward::backward`] needs: before and after the activation.
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

    /// The gradient at the input. `x` must be the forward pass's input.
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
