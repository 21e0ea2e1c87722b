//! Tests: every backward pass against central differences of its forward pass, in `f64`.

use crate::*;

/// A reproducible stream of numbers in (−1, 1).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
    fn tensor(&mut self, shape: &[usize]) -> Tensor<f64> {
        let n = shape.iter().product();
        Tensor::from_vec(shape, (0..n).map(|_| self.next()).collect())
    }
    fn fill(&mut self, block: &mut impl Parameters<f64>) {
        block.visit_mut("", &mut |_, tensor| tensor.data_mut().iter_mut().for_each(|x| *x += self.next()));
    }
}

fn dot(a: &Tensor<f64>, b: &Tensor<f64>) -> f64 {
    a.data().iter().zip(b.data()).map(|(a, b)| a * b).sum()
}

fn difference(name: &str, got: f64, mut at: impl FnMut(f64) -> f64) {
    let h = 1e-5;
    let expected = (at(h) - at(-h)) / (2.0 * h);
    let error = (got - expected).abs();
    assert!(error <= 1e-7 * (1.0 + expected.abs()), "{name}: got {got}, finite differences say {expected}");
}

/// Checks `backward` on `Σ y · dy`, at every parameter and every input value.
fn check<P: Parameters<f64> + Clone>(
    block: P,
    x: Tensor<f64>,
    forward: impl Fn(&P, &Tensor<f64>) -> Tensor<f64>,
    backward: impl Fn(&P, &Tensor<f64>, &Tensor<f64>, &mut P) -> Tensor<f64>,
) {
    let y = forward(&block, &x);
    let dy = Numbers(99).tensor(y.shape());
    let mut grads = block.zeros_like();
    let dx = backward(&block, &x, &dy, &mut grads);
    for i in 0..x.len() {
        difference(&format!("input {i}"), dx.data()[i], |h| {
            let mut moved = x.clone();
            moved.data_mut()[i] += h;
            dot(&forward(&block, &moved), &dy)
        });
    }
    for (p, (name, grad)) in grads.parameters().into_iter().enumerate() {
        for i in 0..grad.len() {
            difference(&format!("{name}[{i}]"), grad.data()[i], |h| {
                let mut moved = block.clone();
                moved.parameters_mut()[p].1.data_mut()[i] += h;
                dot(&forward(&moved, &x), &dy)
            });
        }
    }
}

fn linear(inputs: usize, outputs: usize) -> Linear<f64> {
    Linear::zeros(outputs, inputs)
}

#[test]
fn linear_map() {
    let mut numbers = Numbers(1);
    let mut block = linear(5, 3);
    numbers.fill(&mut block);
    check(block, numbers.tensor(&[4, 5]), |b, x| b.forward(x), |b, x, dy, g| b.backward(dy, x, g));
}

#[test]
fn layer_norm() {
    let mut numbers = Numbers(2);
    let mut block = LayerNorm::identity(6, 1e-12);
    numbers.fill(&mut block);
    check(
        block,
        numbers.tensor(&[3, 6]),
        |b, x| b.forward(x.clone()).0,
        |b, x, dy, g| b.backward(dy, &b.forward(x.clone()).1, g),
    );
}

#[test]
fn feed_forward() {
    for activation in [Activation::None, Activation::Gelu, Activation::GeluTanh] {
        let mut numbers = Numbers(3);
        let mut block = FeedForward { up: linear(4, 9), down: linear(9, 4), activation };
        numbers.fill(&mut block);
        let x = numbers.tensor(&[3, 4]);
        check(block, x, |b, x| b.forward(x).0, |b, x, dy, g| b.backward(dy, x, &b.forward(x).1, g));
    }
}

#[test]
fn pooler() {
    let mut numbers = Numbers(4);
    let mut block = Pooler { dense: linear(5, 5) };
    numbers.fill(&mut block);
    check(
        block,
        numbers.tensor(&[3, 5]),
        |b, x| b.forward(x.clone()).0,
        |b, x, dy, g| b.backward(dy, &b.forward(x.clone()).1, g),
    );
}

const OFFSETS: [usize; 4] = [0, 1, 5, 7];

/// All rows, or one of each sequence.
const QUERY_ROWS: [Option<&[usize]>; 2] = [None, Some(&[0, 3, 6])];

#[test]
fn attention_with_dropout() {
    for (causal, query_rows) in
        [false, true].into_iter().flat_map(|causal| QUERY_ROWS.map(|query_rows| (causal, query_rows)))
    {
        let mut numbers = Numbers(5);
        let mut block = Attention::zeros(6, 2, causal);
        numbers.fill(&mut block);
        let dropout = Dropout::new(0.3, 17);
        check(
            block,
            numbers.tensor(&[7, 6]),
            |b, x| b.forward(x, &OFFSETS, query_rows, dropout).0,
            |b, x, dy, g| b.backward(dy, x, &OFFSETS, dropout, &b.forward(x, &OFFSETS, query_rows, dropout).1, g),
        );
    }
}

#[test]
fn whole_layer_with_dropout() {
    for (norm_first, query_rows) in
        [false, true].into_iter().flat_map(|first| QUERY_ROWS.map(|query_rows| (first, query_rows)))
    {
        let mut numbers = Numbers(6);
        let mut block = TransformerLayer {
            attention: Attention::zeros(4, 2, norm_first),
            attention_norm: LayerNorm::identity(4, 1e-12),
            feed_forward: FeedForward { up: linear(4, 8), down: linear(8, 4), activation: Activation::Gelu },
            feed_forward_norm: LayerNorm::identity(4, 1e-12),
            norm_first,
        };
        numbers.fill(&mut block);
        let dropout = LayerDropout {
            probabilities: Dropout::new(0.2, 3),
            attention: Dropout::new(0.2, 4),
            feed_forward: Dropout::new(0.3, 5),
        };
        check(
            block.clone(),
            numbers.tensor(&[7, 4]),
            |b, x| b.forward(x.clone(), &OFFSETS, query_rows, dropout).0,
            |b, x, dy, g| b.backward(dy, &OFFSETS, dropout, &b.forward(x.clone(), &OFFSETS, query_rows, dropout).1, g),
        );
        let (x, off) = (numbers.tensor(&[7, 4]), LayerDropout::off());
        let (all, _) = block.forward(x.clone(), &OFFSETS, None, off);
        assert_eq!(block.forward(x, &OFFSETS, query_rows, off).0, *all.rows_of(query_rows), "the query rows");
    }
}

#[test]
fn patches() {
    let mut numbers = Numbers(9);
    let mut block = PatchEmbedding::zeros(3, [2, 4, 6], [2, 3]);
    numbers.fill(&mut block);
    // Two images. Pixels have no gradient, so the inputs are not checked.
    let pixels = numbers.tensor(&[2, 2 * 4 * 6]);
    let pixels: Vec<f32> = pixels.data().iter().map(|&x| x as f32).collect();
    let none = Tensor::zeros(&[0, 1]);
    check(
        block,
        none,
        |b, _| b.forward(&pixels).0,
        |b, x, dy, g| {
            b.backward(dy, &b.forward(&pixels).1, g);
            x.clone()
        },
    );
}

#[test]
fn embedding() {
    let mut numbers = Numbers(7);
    let mut block = Embedding::zeros(5, 3);
    numbers.fill(&mut block);
    let ids = [4, 0, 4];
    check(
        block,
        numbers.tensor(&[3, 3]),
        |b, x| {
            let mut y = x.clone();
            b.add_to(&ids, &mut y);
            y
        },
        |_, _, dy, g| {
            Embedding::backward(dy, &ids, g);
            dy.clone()
        },
    );
}

#[test]
fn losses() {
    let mut numbers = Numbers(8);
    let (logits, teacher) = (numbers.tensor(&[3, 4]), numbers.tensor(&[3, 4]));
    let scores = numbers.tensor(&[3, 1]);
    let plain = Targets::of(&[2, 0, 3], 4);
    let shaped = plain.clone().mixed(0.3, &[1, 2, 0]).weighted(&[0.5, 1.0, 2.0, 3.0]).smoothed(0.2);
    for targets in [plain, shaped] {
        check_loss("cross-entropy", &logits, &|z| cross_entropy(z, &targets));
        check_loss("distillation", &logits, &|z| distillation(z, &teacher, 3.0, &targets));
        check_loss("exit head", &scores, &|u| exit_head_loss(u, &[true, false, true], &targets));
    }
}

fn check_loss(name: &str, x: &Tensor<f64>, loss: &dyn Fn(&Tensor<f64>) -> Loss<f64>) {
    let gradient = loss(x).gradient;
    assert!(gradient.data().iter().any(|d| d.abs() > 1e-2), "{name}: no gradient");
    for i in 0..x.len() {
        difference(&format!("{name}, input {i}"), gradient.data()[i], |h| {
            let mut moved = x.clone();
            moved.data_mut()[i] += h;
            loss(&moved).loss
        });
    }
}

/// Skipped blocks have the values that the formula gives.
#[test]
fn adamw_of_a_table_of_which_few_rows_are_used() {
    let (rows, d) = (64, 160);
    let table = Numbers(3).tensor(&[rows, d]);
    let (mut sparse, mut dense) = (table.clone(), table.clone());
    let (mut a, mut b) = (AdamW::new(&table, 0.0), AdamW::new(&table, 0.0));
    for step in 0..4 {
        let mut g = Tensor::zeros(&[rows, d]);
        g.row_mut(20 + step % 2).copy_from_slice(Numbers(step as u64).tensor(&[d]).data());
        a.step(&mut sparse, &g, 1.0, |_| Some(0.1));
        // With a decay, however small, every value goes through the formula.
        b.weight_decay = f64::MIN_POSITIVE;
        b.step(&mut dense, &g, 1.0, |_| Some(0.1));
    }
    assert_eq!(sparse, dense);
    assert_eq!((a.m, a.v), (b.m, b.v));
    assert!(sparse.row(20) != table.row(20) && sparse.row(21) != table.row(21) && sparse.row(40) == table.row(40));
}

/// Three steps of `torch.optim.AdamW([tensor([1.0, -2.0])], lr=0.1, weight_decay=0.01)` on gradients (0.5, −1), (0.25, 3), (−1, 0); before
/// them one at a rate of 0, which moves the moments alone, and after them one that finds the parameter frozen.
#[test]
fn adamw_against_its_definition() {
    let mut p = Tensor::from_vec(&[2], vec![1.0f64, -2.0]);
    let mut adam = AdamW::new(&p, 0.01);
    let mut expected = [(1.0f64, 0.0f64, 0.0f64), (-2.0, 0.0, 0.0)];
    for (t, g) in [[2.0, 0.5], [0.5, -1.0], [0.25, 3.0], [-1.0, 0.0]].into_iter().enumerate() {
        let rate = if t == 0 { 0.0 } else { 0.1 };
        adam.step(&mut p, &Tensor::from_vec(&[2], g.to_vec()), 1.0, |_| Some(rate));
        for ((x, m, v), g) in expected.iter_mut().zip(g) {
            let t = t as i32 + 1;
            *x -= rate * 0.01 * *x;
            *m = 0.9 * *m + 0.1 * g;
            *v = 0.999 * *v + 0.001 * g * g;
            *x -= rate * (*m / (1.0 - 0.9f64.powi(t))) / ((*v / (1.0 - 0.999f64.powi(t))).sqrt() + 1e-8);
        }
    }
    for (got, (x, ..)) in p.data().iter().zip(expected) {
        assert!((got - x).abs() < 1e-12, "{got}, expected {x}");
    }
    let before = (p.clone(), adam.m.clone(), adam.v.clone());
    adam.step(&mut p, &Tensor::from_vec(&[2], vec![1.0, 1.0]), 1.0, |_| None);
    assert_eq!((p, adam.m, adam.v), before);
}
