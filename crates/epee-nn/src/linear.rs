//! The affine map.

use std::sync::OnceLock;

use crate::kernels::gemm::{MatRef, PackedMatrix, Start, product};
use crate::kernels::rows;
use crate::parameters::join;
use crate::{Parameters, Scalar, Tensor};

/// `y = x Wᵀ + b`, with W `[out, in]` as Hugging Face stores it.
///
/// The weights are packed for the kernels at the first forward pass and again after a change.
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
    weight: Tensor<T>,
    bias: Tensor<T>,
    packed: OnceLock<PackedMatrix<T>>,
}

impl<T: Scalar> Linear<T> {
    /// From weights `[out, in]` and bias `[out]`.
    pub fn new(weight: Tensor<T>, bias: Tensor<T>) -> Linear<T> {
        assert_eq!(weight.rows(), bias.len(), "outputs of weight and bias");
        Linear { weight, bias, packed: OnceLock::new() }
    }

    /// All zeros.
    pub fn zeros(outputs: usize, inputs: usize) -> Linear<T> {
        Linear::new(Tensor::zeros(&[outputs, inputs]), Tensor::zeros(&[outputs]))
    }

    pub(crate) fn weight(&self) -> &Tensor<T> {
        &self.weight
    }

    pub(crate) fn bias(&self) -> &Tensor<T> {
        &self.bias
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
    /// Where x has another width.
    pub fn forward(&self, x: &Tensor<T>) -> Tensor<T> {
        assert_eq!(x.cols(), self.inputs(), "width of the input");
        let packed = self.packed.get_or_init(|| {
            PackedMatrix::new(MatRef::row_major(self.weight.data(), self.outputs(), self.inputs()).t())
        });
        let mut y = Tensor::unset(&[x.rows(), self.outputs()]);
        product(
            MatRef::row_major(x.data(), x.rows(), self.inputs()),
            packed,
            Start::Row(self.bias.data()),
            y.data_mut(),
        );
        y
    }

    /// Adds `dyᵀ x` and the column sums of `dy` to the gradients and returns `dx = dy W`.
    pub fn backward(&self, dy: &Tensor<T>, x: &Tensor<T>, grads: &mut Linear<T>) -> Tensor<T> {
        let (n, outputs, inputs) = (x.rows(), self.outputs(), self.inputs());
        assert_eq!((x.cols(), dy.rows(), dy.cols()), (inputs, n, outputs), "widths and rows");
        let dy_matrix = MatRef::row_major(dy.data(), n, outputs);
        let x_packed = PackedMatrix::new(MatRef::row_major(x.data(), n, inputs));
        product(dy_matrix.t(), &x_packed, Start::Keep, grads.weight.data_mut());
        rows::add_columns(dy.data(), grads.bias.data_mut());
        let weight = PackedMatrix::new(MatRef::row_major(self.weight.data(), outputs, inputs));
        let mut dx = Tensor::unset(&[n, inputs]);
        product(dy_matrix, &weight, Start::Zero, dx.data_mut());
        dx
    }
}

impl<T: Scalar> Parameters<T> for Linear<T> {
    fn visit<'a>(&'a self, prefix: &str, f: &mut dyn FnMut(String, &'a Tensor<T>)) {
        f(join(prefix, "weight"), &self.weight);
        f(join(prefix, "bias"), &self.bias);
    }
    fn visit_mut<'a>(&'a mut self, prefix: &str, f: &mut dyn FnMut(String, &'a mut Tensor<T>)) {
        self.packed = OnceLock::new();
        f(join(prefix, "weight"), &mut self.weight);
        f(join(prefix, "bias"), &mut self.bias);
    }
}
