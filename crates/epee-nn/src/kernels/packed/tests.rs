//! Tests: the product of inference against its definition, at every precision and on every instruction set of this machine.

use super::*;
use crate::in_pool;
use crate::kernels::gemm::{MatRef, PackedMatrix, Start, product};
use crate::kernels::testing::{pool, values};
use proptest::prelude::*;

fn pack(isa: Isa, w: &[f32], bias: &[f32], k: usize, precision: Precision) -> Packed {
    Packed::for_isa(isa, w.chunks_exact(k).collect(), bias.to_vec(), k, precision)
}

fn run(packed: &Packed, x: &[f32], activation: Activation, residual: Option<&[f32]>) -> Vec<f32> {
    let mut out = vec![7.0; x.len() / packed.inputs * packed.outputs];
    let mut converted = Converted::default();
    packed.product(packed.convert(x, &mut converted), activation, residual, &mut out);
    out
}

/// The definition, in f64, on the rounded values of x and W at a precision.
fn expected(x: &[f32], w: &[f32], bias: &[f32], k: usize, precision: Precision) -> Vec<f64> {
    let wide = |x: f32| f64::from(f32::from_bits(u32::from(bf16(x)) << 16));
    // To the nearest of 255 steps over the row's range and 0.
    let bytes = |row: &[f32]| -> Vec<f64> {
        let (low, high) = row.iter().fold((0.0f32, 0.0f32), |(low, high), &x| (low.min(x), high.max(x)));
        let step = f64::from((high - low) / 255.0);
        let zero = (-f64::from(low) / step).round();
        row.iter().map(|&x| ((f64::from(x) / step + zero).round() - zero) * step).collect()
    };
    let weights = |row: &[f32]| -> Vec<f64> {
        let step = f64::from(row.iter().fold(0.0f32, |most, x| most.max(x.abs()))) / 64.0;
        row.iter().map(|&w| (f64::from(w) / step).round() * step).collect()
    };
    let rows = |x: &[f32], bytes: &dyn Fn(&[f32]) -> Vec<f64>| -> Vec<Vec<f64>> {
        x.chunks_exact(k)
            .map(|row| match precision {
                Precision::F32 => row.iter().map(|&x| f64::from(x)).collect(),
                Precision::Bf16 => row.iter().map(|&x| wide(x)).collect(),
                Precision::Int8 => bytes(row),
            })
            .collect()
    };
    let (x, w) = (rows(x, &bytes), rows(w, &weights));
    x.iter()
        .flat_map(|x| {
            w.iter().zip(bias).map(move |(w, &b)| x.iter().zip(w).map(|(x, w)| x * w).sum::<f64>() + f64::from(b))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_shape_is_the_definition_on_every_instruction_set(
        m in 1usize..40, n in 1usize..70, k in 1usize..900, seed: u64,
    ) {
        let (x, w, bias) = (values(m * k, seed), values(n * k, !seed), values(n, seed ^ 5));
        for isa in Isa::here() {
            for precision in Precision::ALL {
                let packed = pack(isa, &w, &bias, k, precision);
                let got = run(&packed, &x, Activation::None, None);
                // A value that lies between two steps may fall to either side: int8 is allowed two steps of a weight.
                let bound = 1e-6 * (k as f64 + 1.0) + if precision == Precision::Int8 { 2.0 / 64.0 } else { 0.0 };
                for (got, expected) in got.iter().zip(expected(&x, &w, &bias, k, precision)) {
                    prop_assert!((f64::from(*got) - expected).abs() <= bound, "{isa} {precision}: {got} {expected}");
                }
            }
        }
    }

    #[test]
    fn a_row_has_the_same_bits_in_any_product(m in 2usize..200, n in 1usize..70, seed: u64) {
        let k = 500;
        let (x, w, bias) = (values(m * k, seed), values(n * k, !seed), values(n, seed ^ 5));
        for isa in Isa::here() {
            for precision in Precision::ALL {
                let packed = pack(isa, &w, &bias, k, precision);
                let all = run(&packed, &x, Activation::Gelu, None);
                let shared = pool(3).install(|| in_pool(|| run(&packed, &x, Activation::Gelu, None)));
                prop_assert_eq!(&shared, &all);
                let i = m / 2;
                prop_assert_eq!(&run(&packed, &x[i * k..(i + 1) * k], Activation::Gelu, None)[..], &all[i * n..(i + 1) * n]);
            }
        }
    }

    #[test]
    fn integers_are_the_same_on_every_instruction_set(m in 1usize..20, n in 1usize..70, k in 1usize..300, seed: u64) {
        let (x, w, bias) = (values(m * k, seed), values(n * k, !seed), values(n, seed ^ 5));
        let of = |isa| run(&pack(isa, &w, &bias, k, Precision::Int8), &x, Activation::None, None);
        let portable = of(Isa::Portable);
        for isa in Isa::here() {
            prop_assert_eq!(&of(isa), &portable, "{}", isa);
        }
    }

    #[test]
    fn in_f32_it_is_training_s_product(m in 1usize..30, n in 1usize..70, k in 1usize..900, seed: u64) {
        let (x, w, bias) = (values(m * k, seed), values(n * k, !seed), values(n, seed ^ 5));
        let packed = run(&pack(isa(), &w, &bias, k, Precision::F32), &x, Activation::None, None);
        let mut plain = vec![0.0; m * n];
        let b = PackedMatrix::new(MatRef::row_major(&w, n, k).t());
        product(MatRef::row_major(&x, m, k), &b, Start::Row(&bias), &mut plain);
        prop_assert_eq!(packed, plain);
    }
}

#[test]
fn what_follows_a_product_is_applied_in_order() {
    let (m, n, k) = (5, 40, 30);
    let (x, w, bias, residual) = (values(m * k, 1), values(n * k, 2), values(n, 3), values(m * n, 4));
    for precision in Precision::ALL {
        let packed = pack(isa(), &w, &bias, k, precision);
        let plain = run(&packed, &x, Activation::None, None);
        for activation in [Activation::None, Activation::Gelu, Activation::GeluTanh] {
            let got = run(&packed, &x, activation, Some(&residual));
            for ((got, &x), &r) in got.iter().zip(&plain).zip(&residual) {
                let x64 = f64::from(x);
                let root = (2.0 / std::f64::consts::PI).sqrt();
                let active = match activation {
                    Activation::None => x64,
                    Activation::Gelu => 0.5 * x64 * (1.0 + libm::erf(x64 / 2f64.sqrt())),
                    Activation::GeluTanh => 0.5 * x64 * (1.0 + (root * (x64 + 0.044715 * x64.powi(3))).tanh()),
                };
                assert!((f64::from(*got) - active - f64::from(r)).abs() < 2e-6, "{activation:?} {precision}");
            }
        }
    }
}

#[test]
fn a_row_that_is_not_finite_is_not_hidden() {
    let (w, bias) = (values(3 * 20, 1), values(3, 2));
    for precision in Precision::ALL {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut x = values(2 * 20, 3);
            x[7] = bad;
            let got = run(&pack(isa(), &w, &bias, 20, precision), &x, Activation::None, None);
            assert!(got[..3].iter().all(|x| !x.is_finite()) && got[3..].iter().all(|x| x.is_finite()), "{got:?}");
        }
    }
}

#[test]
fn rows_at_the_ends_of_the_byte_s_range_do_not_wrap() {
    // Ranges whose zero point lies half-way between two integers.
    for zero in 0..=255 {
        let low = -(f32::from(zero as u8) + 0.5) / 255.0;
        let x = [low, low + 1.0, 0.0, 0.3];
        let mut out = [0u8; 8];
        let (scale, zero) = quantise(&x, &mut out, |q| q as u8);
        for (&x, &q) in x.iter().zip(&out) {
            let back = scale * (f32::from(q) - zero);
            assert!((back - x).abs() <= 1.01 * scale, "{x} became {back}");
        }
    }
}
