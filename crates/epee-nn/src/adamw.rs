//! The AdamW optimizer, and gradient clipping by the global norm.

use crate::kernels::{rows, thread_pool, vectorised};
use crate::{Parameters, Scalar, Tensor};

/// Values per task.
const TASK: usize = 1 << 16;
/// Values per block that can be skipped: a page of memory.
const BLOCK: usize = 1 << 10;

/// AdamW (Loshchilov and Hutter, 2019), in PyTorch's form:
/// `p ← p (1 − η λ)`, `m ← β₁ m + (1 − β₁) g`, `v ← β₂ v + (1 − β₂) g²`,
/// `p ← p − η m̂ / (√v̂ + ε)` with `m̂ = m / (1 − β₁ᵗ)`, `v̂ = v / (1 − β₂ᵗ)`.
#[derive(Clone, Debug)]
pub struct AdamW<P> {
    /// β₁, β₂
    pub betas: (f64, f64),
    /// ε
    pub eps: f64,
    /// λ
    pub weight_decay: f64,
    /// t, the number of steps so far.
    pub steps: u64,
    /// m, the first moments.
    pub m: P,
    /// v, the second moments.
    pub v: P,
}

impl<P: Clone> AdamW<P> {
    /// β = (0.9, 0.999), ε = 1e-8, moments zero.
    pub fn new<T: Scalar>(parameters: &P, weight_decay: f64) -> AdamW<P>
    where
        P: Parameters<T>,
    {
        let zero = parameters.zeros_like();
        AdamW { betas: (0.9, 0.999), eps: 1e-8, weight_decay, steps: 0, m: zero.clone(), v: zero }
    }

    /// One step. `g` is the gradient times `scale`. `rate` returns the learning rate η of a parameter by its name, or `None` to freeze the
    /// parameter and its moments. A rate of 0 (the start of a warm-up) still updates the moments.
    ///
    /// Without weight decay, blocks whose gradient and moments are all zero do not change, so they are skipped. Most words of a
    /// vocabulary never occur in a dataset: this saves time, and memory that was never written.
    pub fn step<T: Scalar>(&mut self, parameters: &mut P, grads: &P, scale: f64, rate: impl Fn(&str) -> Option<f64>)
    where
        P: Parameters<T>,
    {
        self.steps += 1;
        let (b1, b2) = self.betas;
        let t = self.steps as f64;
        let bias = 1.0 - b1.powf(t);
        let root = T::of(1.0 / (1.0 - b2.powf(t)).sqrt());
        let (scale, eps) = (T::of(scale), T::of(self.eps));
        let (b1, c1, b2, c2) = (T::of(b1), T::of(1.0 - b1), T::of(b2), T::of(1.0 - b2));
        let all = parameters.parameters_mut().into_iter().zip(grads.parameters());
        let moments = self.m.parameters_mut().into_iter().zip(self.v.parameters_mut());
        for (((name, p), (_, g)), ((_, m), (_, v))) in all.zip(moments) {
            let Some(rate) = rate(&name) else { continue };
            let (decay, size) = (T::of(1.0 - rate * self.weight_decay), T::of(rate / bias));
            let (g, decays) = (g.data(), self.weight_decay != 0.0);
            thread_pool::row_blocks(
                [(p.data_mut(), 1), (m.data_mut(), 1), (v.data_mut(), 1)],
                TASK,
                |first, [p, m, v]| {
                    vectorised!({
                        let g = g[first..].chunks(BLOCK);
                        let blocks = p.chunks_mut(BLOCK).zip(g).zip(m.chunks_mut(BLOCK)).zip(v.chunks_mut(BLOCK));
                        for (((p, g), m), v) in blocks {
                            if !decays && rows::is_zero(&g[..p.len()]) && rows::is_zero(m) && rows::is_zero(v) {
                                continue;
                            }
                            for (((p, &g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
                                let g = g * scale;
                                *m = b1 * *m + c1 * g;
                                *v = b2 * *v + c2 * g * g;
                                *p = *p * decay - size * *m / (v.sqrt() * root + eps);
                            }
                        }
                    });
                },
            );
        }
    }

    /// Sets moments and steps to zero, as a second stage of training needs.
    pub fn reset<T: Scalar>(&mut self)
    where
        P: Parameters<T>,
    {
        self.steps = 0;
        self.m.set_zero();
        self.v.set_zero();
    }
}

/// `Σ x²` in `f64`, in a fixed order of eight interleaved sums.
#[inline(always)]
fn square_sum<T: Scalar>(x: &[T]) -> f64 {
    let (whole, rest) = x.as_chunks::<8>();
    let mut lanes = [0.0; 8];
    for chunk in whole {
        for (sum, x) in lanes.iter_mut().zip(chunk) {
            *sum += x.f64() * x.f64();
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|x| x.f64() * x.f64()).sum::<f64>()
}

/// `‖g‖₂` over all parameters, summed in `f64` in a fixed order.
pub fn grad_norm<T: Scalar, P: Parameters<T>>(grads: &P) -> f64 {
    let square = |tensor: &Tensor<T>| -> f64 {
        let mut parts = vec![0.0; tensor.len().div_ceil(TASK)];
        thread_pool::chunks(&mut parts, 1, |i, sum| {
            let part = &tensor.data()[i * TASK..tensor.len().min((i + 1) * TASK)];
            sum[0] = vectorised!(square_sum(part));
        });
        parts.iter().sum()
    };
    grads.parameters().iter().map(|(_, tensor)| square(tensor)).sum::<f64>().sqrt()
}

/// The factor that scales a gradient of norm `norm` down to `max_norm`: `min(1, max_norm / norm)`.
///
/// ```
/// assert_eq!(epee_nn::clip_grad_norm(4.0, 1.0), 0.25);
/// assert_eq!(epee_nn::clip_grad_norm(0.5, 1.0), 1.0);
/// ```
pub fn clip_grad_norm(norm: f64, max_norm: f64) -> f64 {
    if norm > max_norm { max_norm / norm } else { 1.0 }
}
