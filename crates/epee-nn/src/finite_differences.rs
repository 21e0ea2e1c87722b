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

/// Fills a block and an input of a shape with numbers, and checks `backward` on `Σ y · dy` at every parameter and every input
/// value. `forward` also returns what `backward` needs. Returns block and input.
fn check<P: Parameters<f64> + Clone, S>(
    seed: u64,
    mut block: P,
    shape: &[usize],
    forward: impl Fn(&P, &Tensor<f64>) -> (Tensor<f64>, S),
    backward: impl Fn(&P, &Tensor<f64>, &Tensor<f64>, &S, &mut P) -> Tensor<f64>,
) -> (P, Tensor<f64>) {
    let mut numbers = Numbers(seed);
    numbers.fill(&mut block);
    let x = numbers.tensor(shape);
    let (y, saved) = forward(&block, &x);
    let dy = Numbers(99).tensor(y.shape());
    let mut grads = block.zeros_like();
    let dx = backward(&block, &dy, &x, &saved, &mut grads);
    for i in 0..x.len() {
        difference(&format!("input {i}"), dx.data()[i], |h| {
            let mut moved = x.clone();
            moved.data_mut()[i] += h;
            dot(&forward(&block, &moved).0, &dy)
        });
    }
    for (p, (name, grad)) in grads.parameters().into_iter().enumerate() {
        for i in 0..grad.len() {
            difference(&format!("{name}[{i}]"), grad.data()[i], |h| {
                let mut moved = block.clone();
                moved.parameters_mut()[p].1.data_mut()[i] += h;
                dot(&forward(&moved, &x).0, &dy)
            });
        }
    }
    (block, x)
}

fn linear(inputs: usize, outputs: usize) -> Linear<f64> {
    Linear::zeros(outputs, inputs)
}

#[test]
fn blocks() {
    check(1, linear(5, 3), &[4, 5], |b, x| (b.forward(x), ()), |b, dy, x, (), g| b.backward(dy, x, g));
    let norm = LayerNorm::identity(6, 1e-12);
    check(2, norm, &[3, 6], |b, x| b.forward(x.clone()), |b, dy, _, saved, g| b.backward(dy, saved, g));
    for activation in [Activation::None, Activation::Gelu, Activation::GeluTanh] {
        let block = FeedForward { up: linear(4, 9), down: linear(9, 4), activation };
        check(3, block, &[3, 4], |b, x| b.forward(x), |b, dy, x, saved, g| b.backward(dy, x, saved, g));
    }
    let pooler = Pooler { dense: linear(5, 5) };
    check(4, pooler, &[3, 5], |b, x| b.forward(x.clone()), |b, dy, _, saved, g| b.backward(dy, saved, g));
}

const OFFSETS: [usize; 4] = [0, 1, 5, 7];

/// True or false, with all query rows, or one of each sequence.
const CASES: [(bool, Option<&[usize]>); 4] =
    [(false, None), (true, None), (false, Some(&[0, 3, 6])), (true, Some(&[0, 3, 6]))];

#[test]
fn attention_with_dropout() {
    let dropout = Dropout::new(0.3, 17);
    for (causal, query_rows) in CASES {
        check(
            5,
            Attention::zeros(6, 2, causal),
            &[7, 6],
            |b, x| b.forward(x, &OFFSETS, query_rows, dropout),
            |b, dy, x, saved, g| b.backward(dy, x, &OFFSETS, dropout, saved, g),
        );
    }
}

#[test]
fn whole_layer_with_dropout() {
    for (norm_first, query_rows) in CASES {
        let block = TransformerLayer {
            attention: Attention::zeros(4, 2, norm_first),
            attention_norm: LayerNorm::identity(4, 1e-12),
            feed_forward: FeedForward { up: linear(4, 8), down: linear(8, 4), activation: Activation::Gelu },
            feed_forward_norm: LayerNorm::identity(4, 1e-12),
            norm_first,
        };
        let dropout = LayerDropout {
            probabilities: Dropout::new(0.2, 3),
            attention: Dropout::new(0.2, 4),
            feed_forward: Dropout::new(0.3, 5),
        };
        let (block, x) = check(
            6,
            block,
            &[7, 4],
            |b, x| b.forward(x.clone(), &OFFSETS, query_rows, dropout),
            |b, dy, _, saved, g| b.backward(dy, &OFFSETS, dropout, saved, g),
        );
        let off = LayerDropout::off();
        let (all, _) = block.forward(x.clone(), &OFFSETS, None, off);
        assert_eq!(block.forward(x, &OFFSETS, query_rows, off).0, *all.rows_of(query_rows), "the query rows");
    }
}

#[test]
fn embeddings() {
    // Two images. Pixels have no gradient, so the inputs are not checked.
    let pixels: Vec<f32> = Numbers(9).tensor(&[2, 2 * 4 * 6]).data().iter().map(|&x| x as f32).collect();
    let backward = |b: &PatchEmbedding<f64>, dy: &_, x: &Tensor<f64>, saved: &_, g: &mut _| {
        b.backward(dy, saved, g);
        x.clone()
    };
    check(9, PatchEmbedding::zeros(3, [2, 4, 6], [2, 3]), &[0, 1], |b, _| b.forward(&pixels), backward);
    let ids = [4, 0, 4];
    let forward = |b: &Embedding<f64>, x: &Tensor<f64>| {
        let mut y = x.clone();
        b.add_to(&ids, &mut y);
        (y, ())
    };
    let backward = |_: &_, dy: &Tensor<f64>, _: &_, (): &(), g: &mut _| {
        Embedding::backward(dy, &ids, g);
        dy.clone()
    };
    check(7, Embedding::zeros(5, 3), &[3, 3], forward, backward);
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
