//! Visiting a block's parameters by name.

use crate::{Scalar, Tensor};

/// A block whose parameters can be visited, always in the same order.
///
/// Names follow the structure (`attention.query.weight`). An architecture maps them to the names in its checkpoints.
pub trait Parameters<T: Scalar> {
    /// Calls `f` with every parameter. Names start with `prefix`.
    fn visit<'a>(&'a self, prefix: &str, f: &mut dyn FnMut(String, &'a Tensor<T>));

    /// As [`Parameters::visit`], with mutable access.
    fn visit_mut<'a>(&'a mut self, prefix: &str, f: &mut dyn FnMut(String, &'a mut Tensor<T>));

    /// Every parameter by name.
    fn parameters(&self) -> Vec<(String, &Tensor<T>)> {
        let mut all = Vec::new();
        self.visit("", &mut |name, tensor| all.push((name, tensor)));
        all
    }

    /// As [`Parameters::parameters`], with mutable access.
    fn parameters_mut(&mut self) -> Vec<(String, &mut Tensor<T>)> {
        let mut all = Vec::new();
        self.visit_mut("", &mut |name, tensor| all.push((name, tensor)));
        all
    }

    /// The number of values in all parameters.
    fn count(&self) -> usize {
        self.parameters().iter().map(|(_, tensor)| tensor.len()).sum()
    }

    /// The same block with every parameter zero, to accumulate gradients.
    fn zeros_like(&self) -> Self
    where
        Self: Clone,
    {
        let mut zero = self.clone();
        // Fresh memory: the system provides pages only when they are written.
        zero.visit_mut("", &mut |_, tensor| {
            let zeros = Tensor::from_vec(tensor.shape(), vec![T::ZERO; tensor.len()]);
            drop(std::mem::replace(tensor, zeros).into_vec());
        });
        zero
    }

    /// Sets every parameter to zero.
    fn set_zero(&mut self) {
        self.visit_mut("", &mut |_, tensor| crate::kernels::rows::clear(tensor.data_mut()));
    }
}

/// `prefix.name`, or `name` if there is no prefix.
#[doc(hidden)]
pub fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

impl<T: Scalar> Parameters<T> for Tensor<T> {
    fn visit<'a>(&'a self, prefix: &str, f: &mut dyn FnMut(String, &'a Tensor<T>)) {
        f(prefix.to_owned(), self);
    }
    fn visit_mut<'a>(&'a mut self, prefix: &str, f: &mut dyn FnMut(String, &'a mut Tensor<T>)) {
        f(prefix.to_owned(), self);
    }
}

impl<T: Scalar, P: Parameters<T>> Parameters<T> for Vec<P> {
    fn visit<'a>(&'a self, prefix: &str, f: &mut dyn FnMut(String, &'a Tensor<T>)) {
        for (i, part) in self.iter().enumerate() {
            part.visit(&join(prefix, &i.to_string()), f);
        }
    }
    fn visit_mut<'a>(&'a mut self, prefix: &str, f: &mut dyn FnMut(String, &'a mut Tensor<T>)) {
        for (i, part) in self.iter_mut().enumerate() {
            part.visit_mut(&join(prefix, &i.to_string()), f);
        }
    }
}

impl<T: Scalar, P: Parameters<T>> Parameters<T> for Option<P> {
    fn visit<'a>(&'a self, prefix: &str, f: &mut dyn FnMut(String, &'a Tensor<T>)) {
        if let Some(part) = self {
            part.visit(prefix, f);
        }
    }
    fn visit_mut<'a>(&'a mut self, prefix: &str, f: &mut dyn FnMut(String, &'a mut Tensor<T>)) {
        if let Some(part) = self {
            part.visit_mut(prefix, f);
        }
    }
}

/// Implements [`Parameters`] for a struct, given its fields that have parameters.
#[macro_export]
macro_rules! parameters {
    ($block:ident { $($field:ident),* $(,)? }) => {
        impl<T: $crate::Scalar> $crate::Parameters<T> for $block<T> {
            fn visit<'a>(&'a self, prefix: &str, f: &mut dyn FnMut(String, &'a $crate::Tensor<T>)) {
                $( $crate::Parameters::visit(&self.$field, &$crate::join(prefix, stringify!($field)), f); )*
            }
            fn visit_mut<'a>(&'a mut self, prefix: &str, f: &mut dyn FnMut(String, &'a mut $crate::Tensor<T>)) {
                $( $crate::Parameters::visit_mut(&mut self.$field, &$crate::join(prefix, stringify!($field)), f); )*
            }
        }
    };
}
