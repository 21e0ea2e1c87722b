//! The logistic function.

use crate::Scalar;

/// `σ(x) = 1 / (1 + e^−x)`, from 0 to 1; not a number where x is not finite, so that nothing is hidden.
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
