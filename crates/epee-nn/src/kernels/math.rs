//! Exponential, error function and hyperbolic tangent in `f32`, without branches, so that loops over them vectorize.

/// `a b + c`, rounded once if `FUSED`.
#[inline(always)]
fn add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// `e^x`, relative error below 2e-7 on [−87, 88]; clamped outside.
///
/// `x = n ln 2 + r`, `e^x = 2^n e^r`, with Cephes' polynomial for `e^r` on `|r| <= ln 2 / 2`.
#[inline(always)]
pub(crate) fn exp<const FUSED: bool>(x: f32) -> f32 {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LN2_HI: f32 = 0.693_359_4;
    const LN2_LO: f32 = -2.121_944_4e-4;
    // Adding 1.5 · 2^23 rounds to an integer in the low bits.
    const MAGIC: f32 = 12_582_912.0;
    // Written so that NaN stays NaN.
    let x = if x > 88.0 { 88.0 } else { x };
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = add::<FUSED>(x, LOG2_E, MAGIC);
    let n = shifted - MAGIC;
    let r = add::<FUSED>(n, -LN2_LO, add::<FUSED>(n, -LN2_HI, x));
    let p = 1.987_569_1e-4;
    let p = add::<FUSED>(p, r, 1.398_199_9e-3);
    let p = add::<FUSED>(p, r, 8.333_452e-3);
    let p = add::<FUSED>(p, r, 4.166_579_6e-2);
    let p = add::<FUSED>(p, r, 1.666_666_5e-1);
    let p = add::<FUSED>(p, r, 5.000_000_3e-1);
    let e = add::<FUSED>(p, r * r, r) + 1.0;
    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    e * scale
}

/// `erf(x)`, absolute error below 4e-7: the rational approximation used by Eigen and XLA, on `|x| <= 4`.
#[inline(always)]
pub(crate) fn erf<const FUSED: bool>(x: f32) -> f32 {
    let x = if x > 4.0 { 4.0 } else { x };
    let x = if x < -4.0 { -4.0 } else { x };
    let s = x * x;
    let p = -2.726_142e-10;
    let p = add::<FUSED>(p, s, 2.770_681_4e-8);
    let p = add::<FUSED>(p, s, -2.101_024_1e-6);
    let p = add::<FUSED>(p, s, -5.692_506_4e-5);
    let p = add::<FUSED>(p, s, -7.349_906_4e-4);
    let p = add::<FUSED>(p, s, -2.954_6e-3);
    let p = add::<FUSED>(p, s, -1.609_603_3e-2);
    let q = -1.456_607_2e-5;
    let q = add::<FUSED>(q, s, -2.133_740_6e-4);
    let q = add::<FUSED>(q, s, -1.682_827e-3);
    let q = add::<FUSED>(q, s, -7.373_329e-3);
    let q = add::<FUSED>(q, s, -1.426_473_9e-2);
    x * p / q
}

/// `tanh(x)`, absolute error below 4e-7: Eigen's rational approximation on `|x| <= 7.9`. Beyond, the result is ±1 to the last bit.
#[inline(always)]
pub(crate) fn tanh<const FUSED: bool>(x: f32) -> f32 {
    let x = if x > 7.905_311 { 7.905_311 } else { x };
    let x = if x < -7.905_311 { -7.905_311 } else { x };
    let s = x * x;
    let p = -2.760_768_5e-16;
    let p = add::<FUSED>(p, s, 2.000_188e-13);
    let p = add::<FUSED>(p, s, -8.604_672e-11);
    let p = add::<FUSED>(p, s, 5.122_297e-8);
    let p = add::<FUSED>(p, s, 1.485_722_4e-5);
    let p = add::<FUSED>(p, s, 6.372_619e-4);
    let p = add::<FUSED>(p, s, 4.893_524_6e-3);
    let q = 1.198_258_4e-6;
    let q = add::<FUSED>(q, s, 1.185_347e-4);
    let q = add::<FUSED>(q, s, 2.268_434_6e-3);
    let q = add::<FUSED>(q, s, 4.893_525e-3);
    x * p / q
}

#[cfg(test)]
mod tests {
    /// Checks the error of both ways of rounding at thousandths.
    fn agree(functions: [fn(f32) -> f32; 2], range: std::ops::Range<i32>, error: impl Fn(f64, f64) -> f64, bound: f64) {
        for (i, f) in range.flat_map(|i| functions.map(|f| (i, f))) {
            let x = i as f32 / 1000.0;
            let error = error(f64::from(x), f64::from(f(x)));
            assert!(error < bound, "at {x}: error {error}");
        }
    }

    #[test]
    fn the_functions_agree_with_the_standard_library_and_libm() {
        let exp = [super::exp::<true>, super::exp::<false>];
        agree(exp, -87_000..88_000, |x, got| (got - x.exp()).abs() / x.exp(), 2e-7);
        let erf = [super::erf::<true>, super::erf::<false>];
        agree(erf, -8000..8001, |x, got| (got - libm::erf(x)).abs(), 4e-7);
        let tanh = [super::tanh::<true>, super::tanh::<false>];
        agree(tanh, -20_000..20_001, |x, got| (got - libm::tanh(x)).abs(), 4e-7);
        for (exp, tanh) in exp.into_iter().zip(tanh) {
            assert_eq!(exp(0.0), 1.0);
            assert!(exp(f32::NEG_INFINITY) < 1e-37);
            assert!(exp(f32::NAN).is_nan() && tanh(f32::NAN).is_nan());
        }
    }
}
