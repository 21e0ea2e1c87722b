//! Numeric precision of inference: f32, bf16 or int8.

use std::fmt;
use std::str::FromStr;

use crate::kernels::isa::isa;
use crate::kernels::micro::{self, MOST_INPUTS_INT8};

/// The numeric precision of stored weights and of matrix products. Sums (except in `int8`), norms, softmax and embeddings are always
/// `f32`.
///
/// ```
/// use epee_nn::Precision;
/// assert_eq!("bf16".parse(), Ok(Precision::Bf16));
/// assert_eq!(Precision::ALL.map(Precision::name), ["f32", "bf16", "int8"]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// 32-bit floating point.
    #[default]
    F32,
    /// bfloat16 weights and activations, sums in `f32`.
    Bf16,
    /// 8-bit integers. Weights have a symmetric scale per output (−64 to 64), activations a scale and zero point per row, computed at
    /// run time. Sums are in `i32`.
    Int8,
}

impl Precision {
    /// All precisions, the most exact first.
    pub const ALL: [Precision; 3] = [Precision::F32, Precision::Bf16, Precision::Int8];

    /// Its name: `f32`, `bf16` or `int8`.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
            Precision::Int8 => "int8",
        }
    }

    /// The numeric class of this precision on this machine: how its kernels round, and the revision of that.
    ///
    /// Machines, and versions of this crate, whose class is the same compute the same bits. Logits of two classes differ by
    /// rounding: in the last digits in `f32`, by up to a step of a byte anywhere in `int8`, which an exit or a label near its
    /// threshold may feel.
    ///
    /// | class | instruction sets | rounding |
    /// |---|---|---|
    /// | `fused-1` | AVX2, AVX-512 and NEON; `bf16` without AVX-512 BF16 | a product and a sum once |
    /// | `avx512-bf16-1` | `bf16` with AVX-512 BF16 | as fused, but pairs in the other order, numbers below 10⁻³⁸ to 0 |
    /// | `portable-1` | any other | a product, then a sum |
    ///
    /// ```
    /// use epee_nn::{Precision, isa};
    /// let class = Precision::Int8.numeric_class();
    /// assert_eq!(class == "portable-1", isa().name() == "portable");
    /// assert_eq!(class, Precision::F32.numeric_class());
    /// ```
    pub fn numeric_class(self) -> &'static str {
        micro::numeric_class(isa(), self)
    }

    /// Checks that sums over a row of this many values cannot overflow.
    ///
    /// ```
    /// use epee_nn::Precision;
    /// assert!(Precision::Int8.check_width(131_000).is_ok() && Precision::F32.check_width(1 << 24).is_ok());
    /// let error = Precision::Int8.check_width(131_001).unwrap_err();
    /// assert_eq!(error.to_string(), "expected rows of at most 131000 values in int8, got 131001");
    /// ```
    ///
    /// # Errors
    /// In `int8`, a row of more than 131,000 values.
    pub fn check_width(self, inputs: usize) -> Result<(), WidthError> {
        let most = if self == Precision::Int8 { MOST_INPUTS_INT8 } else { usize::MAX };
        if inputs > most { Err(WidthError { precision: self, most, got: inputs }) } else { Ok(()) }
    }
}

/// Rows that are too wide for a precision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected rows of at most {most} values in {precision}, got {got}")]
pub struct WidthError {
    precision: Precision,
    most: usize,
    got: usize,
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no precision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected f32, bf16 or int8 (every machine has all three), got `{got}`")]
pub struct PrecisionError {
    got: String,
}

impl FromStr for Precision {
    type Err = PrecisionError;
    fn from_str(text: &str) -> Result<Precision, PrecisionError> {
        let named = Precision::ALL.into_iter().find(|precision| precision.name() == text);
        named.ok_or_else(|| PrecisionError { got: text.to_owned() })
    }
}

#[cfg(test)]
mod tests;
