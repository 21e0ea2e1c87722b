//! Tests: a numeric class computes the same bits on every machine. `just emulate neon` and `just emulate avx512` run them too.

use super::*;
use crate::kernels::isa::Isa;
use crate::kernels::testing::values;
use crate::{
    Activation, Attention, FeedForward, LayerNorm, Linear, Parameters, Span, TransformerLayer, Workspace, sigmoid, tanh,
};

/// The output of two layers for two sequences, as a hash of 64 bits: for each precision, and the class that computes it.
const LAYERS: [(Precision, &str, u64); 7] = [
    (Precision::F32, "fused-1", 0xe1db_3274_5982_2e1b),
    (Precision::F32, "portable-1", 0x0642_f909_d23c_b5c6),
    (Precision::Bf16, "fused-1", 0x8c29_1f0a_3471_e5ea),
    (Precision::Bf16, "avx512-bf16-1", 0x40a5_f7e0_1209_95c0),
    (Precision::Bf16, "portable-1", 0x827f_d6a9_84af_e138),
    (Precision::Int8, "fused-1", 0x3ba2_e4ce_d0ab_a29f),
    (Precision::Int8, "portable-1", 0xddbd_21c6_5f11_8901),
];

/// Widths beyond a block of the inner dimension, and no multiple of any panel.
const WIDTH: usize = 420;

/// A layer whose weights are the same on every machine: no function of a C library makes them.
fn layer(norm_first: bool, activation: Activation) -> TransformerLayer<f32> {
    let wide = 2 * WIDTH + 50;
    let mut layer = TransformerLayer {
        attention: Attention::zeros(WIDTH, 3, norm_first),
        attention_norm: LayerNorm::identity(WIDTH, 1e-12),
        feed_forward: FeedForward { up: Linear::zeros(wide, WIDTH), down: Linear::zeros(WIDTH, wide), activation },
        feed_forward_norm: LayerNorm::identity(WIDTH, 1e-5),
        norm_first,
    };
    for (seed, (_, tensor)) in layer.parameters_mut().into_iter().enumerate() {
        let random = values(tensor.len(), seed as u64);
        tensor.data_mut().iter_mut().zip(random).for_each(|(x, random)| *x += 0.25 * random);
    }
    layer
}

/// A hash (FNV-1a) of all that an inference computes: packed layers of both orders, the pooler's and the exit head's functions.
fn digest(precision: Precision) -> u64 {
    let lengths = [3, 500];
    let mut x = values(WIDTH * lengths.iter().sum::<usize>(), 99);
    let mut work = Workspace::default();
    let mut first = 0;
    let spans = lengths.map(|length| {
        let span = Span { query: first, rows: length, first, length, position: 0 };
        first += length;
        span
    });
    for (norm_first, activation) in [(false, Activation::Gelu), (true, Activation::GeluTanh)] {
        let layer = layer(norm_first, activation).pack(precision).unwrap();
        let mut y = Vec::new();
        layer.keys_values(&x, &mut work);
        layer.rows(&x, &spans, &mut work, &mut y);
        x = y;
    }
    tanh(&mut x[..WIDTH]);
    x[WIDTH..2 * WIDTH].iter_mut().for_each(|x| *x = sigmoid(*x));
    assert!(x.iter().all(|x| x.is_finite()));
    let bytes = x.iter().flat_map(|x| x.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// If this fails because the kernels changed on purpose: give the class the next number, and the table its new bits.
#[test]
fn a_numeric_class_computes_the_same_bits_everywhere() {
    for precision in Precision::ALL {
        let got = (precision, precision.numeric_class(), digest(precision));
        assert!(LAYERS.contains(&got), "{} gave ({precision}, {}, {:#018x})", isa(), got.1, got.2);
    }
}

#[test]
fn a_class_is_no_finer_than_its_bits() {
    for (i, a) in LAYERS.iter().enumerate() {
        assert!(LAYERS[..i].iter().all(|b| a.2 != b.2), "{a:?}");
    }
}

#[test]
fn every_precision_has_a_class_on_every_instruction_set() {
    for isa in Isa::here() {
        for precision in Precision::ALL {
            let class = micro::numeric_class(isa, precision);
            assert!(LAYERS.iter().any(|row| (row.0, row.1) == (precision, class)), "{precision} on {isa}: {class}");
        }
    }
}

#[test]
fn a_layer_whose_integer_sums_could_overflow_is_refused() {
    let layer = |wide: usize| TransformerLayer {
        attention: Attention::zeros(1, 1, false),
        attention_norm: LayerNorm::identity(1, 1e-5),
        feed_forward: FeedForward {
            up: Linear::zeros(wide, 1),
            down: Linear::zeros(1, wide),
            activation: Activation::Gelu,
        },
        feed_forward_norm: LayerNorm::identity(1, 1e-5),
        norm_first: false,
    };
    assert!(layer(MOST_INPUTS_INT8).pack(Precision::Int8).is_ok());
    let wide = layer(MOST_INPUTS_INT8 + 1);
    assert!(wide.pack(Precision::F32).is_ok() && wide.pack(Precision::Bf16).is_ok());
    let Err(error) = wide.pack(Precision::Int8) else { panic!("a row of 131,001 values was packed") };
    assert_eq!(error, WidthError { precision: Precision::Int8, most: 131_000, got: 131_001 });
}
