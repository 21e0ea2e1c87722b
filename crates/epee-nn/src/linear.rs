//! Linear map with bias: [`Linear`] for training, [`PackedLinear`] for inference.

use crate::kernels::gemm::{MatRef, PackedMatrix, Start, product};
use crate::kernels::packed::{self, Converted};
use crate::kernels::rows;
use crate::{Activation, Precision, Scalar, Tensor, Workspace, parameters};

/// `y = x Wᵀ + b`, with W `[out, in]` as in Hugging Face files.
///
/// Each pass packs the weights for the kernels again, because they change between training steps.
///
/// ```
/// use epee_nn::{Linear, Tensor};
/// let weight = Tensor::from_vec(&[1, 2], vec![2.0f32, -1.0]);
/// let linear = Linear::new(weight, Tensor::from_vec(&[1], vec![0.5]));
/// let y = linear.forward(&Tensor::from_vec(&[1, 2], vec![3.0, 4.0]));
/// assert_eq!(y.data(), [2.5]);
/// ```
#[derive(Clone, Debug)]
pub struct Linear<T: Scalar> {
    pub(crate) weight: Tensor<T>,
    pub(crate) bias: Tensor<T>,
}

parameters!(Linear { weight, bias });

impl<T: Scalar> Linear<T> {
    /// From weights `[out, in]` and a bias `[out]`.
    pub fn new(weight: Tensor<T>, bias: Tensor<T>) -> Linear<T> {
        assert_eq!(weight.rows(), bias.len(), "outputs of weight and bias");
        Linear { weight, bias }
    }

    /// All weights zero.
    pub fn zeros(outputs: usize, inputs: usize) -> Linear<T> {
        Linear::new(Tensor::zeros(&[outputs, inputs]), Tensor::zeros(&[outputs]))
    }

    /// Inputs per row.
    pub fn inputs(&self) -> usize {
        self.weight.cols()
    }

    /// Outputs per row.
    pub fn outputs(&self) -> usize {
        self.weight.rows()
    }

    /// `[n, in] → [n, out]`
    ///
    /// # Panics
    /// If the width of x is not [`Linear::inputs`].
    pub fn forward(&self, x: &Tensor<T>) -> Tensor<T> {
        assert_eq!(x.cols(), self.inputs(), "width of the input");
        let weight = PackedMatrix::new(MatRef::row_major(self.weight.data(), self.outputs(), self.inputs()).t());
        let mut y = Tensor::unset(&[x.rows(), self.outputs()]);
        product(
            MatRef::row_major(x.data(), x.rows(), self.inputs()),
            &weight,
            Start::Row(self.bias.data()),
            y.data_mut(),
        );
        y
    }

    /// Adds `dyᵀ x` and the column sums of `dy` to the gradients. Returns `dx = dy W`.
    pub fn backward(&self, dy: &Tensor<T>, x: &Tensor<T>, grads: &mut Linear<T>) -> Tensor<T> {
        let mut dx = Tensor::unset(&[x.rows(), self.inputs()]);
        self.backward_into(dy, &Packed::of(x), grads, &mut dx, Start::Zero);
        dx
    }

    /// As [`Linear::backward`], with a packed input that several maps can share. `dx` starts from `start`.
    pub(crate) fn backward_into(
        &self,
        dy: &Tensor<T>,
        x: &Packed<T>,
        grads: &mut Linear<T>,
        dx: &mut Tensor<T>,
        start: Start<'_, T>,
    ) {
        let (n, outputs, inputs) = (dy.rows(), self.outputs(), self.inputs());
        assert_eq!(dy.cols(), outputs, "width of the gradient");
        let dy_matrix = MatRef::row_major(dy.data(), n, outputs);
        product(dy_matrix.t(), &x.0, Start::Keep, grads.weight.data_mut());
        rows::add_columns(dy.data(), grads.bias.data_mut());
        let weight = PackedMatrix::new(MatRef::row_major(self.weight.data(), outputs, inputs));
        product(dy_matrix, &weight, start, dx.data_mut());
    }
}

/// An input packed for the products of backward passes.
pub(crate) struct Packed<T: Scalar>(PackedMatrix<T>);

impl<T: Scalar> Packed<T> {
    pub(crate) fn of(x: &Tensor<T>) -> Packed<T> {
        Packed(PackedMatrix::new(MatRef::row_major(x.data(), x.rows(), x.cols())))
    }
}

/// `y = x Wᵀ + b` with weights packed once, at a precision: [`Linear`] for inference.
///
/// In `f32` it gives the same bits as [`Linear::forward`].
pub struct PackedLinear(pub(crate) packed::Packed);

impl PackedLinear {
    /// Joins several maps of the same input. Their outputs are side by side.
    pub(crate) fn join(maps: &[&Linear<f32>], precision: Precision) -> PackedLinear {
        let inputs = maps[0].inputs();
        let weights = maps.iter().flat_map(|map| map.weight.data().chunks_exact(inputs)).collect();
        let bias = maps.iter().flat_map(|map| map.bias.data()).copied().collect();
        PackedLinear(packed::Packed::new(weights, bias, inputs, precision))
    }

    /// Outputs per row.
    pub fn outputs(&self) -> usize {
        self.0.outputs
    }

    /// Memory in bytes.
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// `[n, in] → [n, out]`. Reuses the memory of `work` and `y`.
    ///
    /// # Panics
    /// If x does not have whole rows.
    pub fn forward(&self, x: &[f32], work: &mut Workspace, y: &mut Vec<f32>) {
        self.apply(x, Activation::None, None, &mut work.converted, y);
    }

    /// `activation(x Wᵀ + b) + residual`
    pub(crate) fn apply(
        &self,
        x: &[f32],
        activation: Activation,
        residual: Option<&[f32]>,
        converted: &mut Converted,
        y: &mut Vec<f32>,
    ) {
        y.resize(x.len() / self.0.inputs * self.0.outputs, 0.0);
        self.0.product(self.0.convert(x, converted), activation, residual, y);
    }
}

impl Linear<f32> {
    /// The same map with its weights packed, in `f32`.
    pub fn pack(&self) -> PackedLinear {
        PackedLinear::join(&[self], Precision::F32)
    }
}
