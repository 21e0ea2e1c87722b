//! The losses of an exit with their gradients, computed in `f64`.

use crate::{Scalar, Tensor, sigmoid};

/// The loss of a batch, and its gradient.
#[derive(Debug)]
pub struct Loss<T: Scalar> {
    /// The weighted mean over the rows of the batch.
    pub loss: f64,
    /// The derivative with respect to every input, `[n, K]`.
    pub gradient: Tensor<T>,
}

/// The target distributions and the weights of the rows of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Targets {
    classes: usize,
    /// For each row a distribution over the classes, `[n, K]`.
    probabilities: Vec<f64>,
    /// The weight of each row.
    weights: Vec<f64>,
}

impl Targets {
    /// One class for each row, with weight 1.
    ///
    /// # Panics
    /// If a label is not below `classes`.
    pub fn of(labels: &[usize], classes: usize) -> Targets {
        let mut probabilities = vec![0.0; labels.len() * classes];
        for (row, &label) in probabilities.chunks_exact_mut(classes).zip(labels) {
            row[label] = 1.0;
        }
        Targets { classes, probabilities, weights: vec![1.0; labels.len()] }
    }

    /// Weights each row by its class; a row of several classes gets their average: `Σ_k t_k c_k`.
    ///
    /// # Panics
    /// If the number of weights is not the number of classes.
    pub fn weighted(mut self, by_class: &[f64]) -> Targets {
        assert_eq!(by_class.len(), self.classes, "a weight for each class");
        for (weight, row) in self.weights.iter_mut().zip(self.probabilities.chunks_exact(self.classes)) {
            *weight = row.iter().zip(by_class).map(|(t, c)| t * c).sum();
        }
        self
    }

    /// Label smoothing (Szegedy et al., 2016): `(1 − ε) t + ε / K`.
    pub fn smoothed(mut self, epsilon: f64) -> Targets {
        let share = epsilon / self.classes as f64;
        self.probabilities.iter_mut().for_each(|t| *t = (1.0 - epsilon) * *t + share);
        self
    }

    /// Mixup (Zhang et al., 2018): row i becomes `λ t_i + (1 − λ) t_partner(i)`.
    ///
    /// # Panics
    /// If the number of partners is not the number of rows.
    pub fn mixed(mut self, lambda: f64, partners: &[usize]) -> Targets {
        assert_eq!(partners.len(), self.weights.len(), "a partner for each row");
        let before = self.probabilities.clone();
        for (row, &partner) in self.probabilities.chunks_exact_mut(self.classes).zip(partners) {
            for (t, other) in row.iter_mut().zip(&before[partner * self.classes..]) {
                *t = lambda * *t + (1.0 - lambda) * other;
            }
        }
        self
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// True if there are no rows.
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// Each row's share of the loss.
    fn shares(&self) -> impl Iterator<Item = f64> + '_ {
        // At least the smallest positive number, so that it can be a divisor.
        let total = self.weights.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        self.weights.iter().map(move |weight| weight / total)
    }
}

/// `softmax(z / T)` and `ln Σ exp(z / T)` of a row.
fn softmax<T: Scalar>(row: &[T], temperature: f64) -> (Vec<f64>, f64) {
    let max = row.iter().map(|x| x.f64() / temperature).fold(f64::NEG_INFINITY, f64::max);
    let mut p: Vec<f64> = row.iter().map(|x| (x.f64() / temperature - max).exp()).collect();
    let norm: f64 = p.iter().sum();
    p.iter_mut().for_each(|p| *p /= norm);
    (p, max + norm.ln())
}

/// `−Σ_i w_i Σ_k t_ik ln softmax(z_i)_k / Σ_i w_i` of logits `[n, K]`, in nats.
///
/// ```
/// use epee_nn::{Targets, Tensor, cross_entropy};
/// let logits = Tensor::from_vec(&[1, 2], vec![0.0f32, 0.0]);
/// let ce = cross_entropy(&logits, &Targets::of(&[1], 2));
/// assert!((ce.loss - 2f64.ln()).abs() < 1e-12);
/// assert_eq!(ce.gradient.data(), [0.5, -0.5]);
/// ```
///
/// # Panics
/// If logits and targets differ in rows or classes.
pub fn cross_entropy<T: Scalar>(logits: &Tensor<T>, targets: &Targets) -> Loss<T> {
    assert_eq!((logits.rows(), logits.cols()), (targets.len(), targets.classes), "rows and classes");
    let mut loss = 0.0;
    let mut gradient = Tensor::zeros_like(logits);
    for ((i, t), share) in targets.probabilities.chunks_exact(targets.classes).enumerate().zip(targets.shares()) {
        let (p, log_norm) = softmax(logits.row(i), 1.0);
        for (k, d) in gradient.row_mut(i).iter_mut().enumerate() {
            // A class with target 0 adds nothing, even if its logit is not finite.
            if t[k] > 0.0 {
                loss -= share * t[k] * (logits.row(i)[k].f64() - log_norm);
            }
            *d = T::of(share * (p[k] - t[k]));
        }
    }
    Loss { loss, gradient }
}

/// Distillation (Hinton et al., 2015): `T² Σ_i w_i KL(softmax(teacher_i / T) ‖ softmax(z_i / T)) / Σ_i w_i`; the teacher
/// gets no gradient.
///
/// ```
/// use epee_nn::{Targets, Tensor, distillation};
/// let (student, teacher) = ([0.0f32, 0.0], [2.0 * 3f32.ln(), 0.0]);
/// let tensor = |row: [f32; 2]| Tensor::from_vec(&[1, 2], row.to_vec());
/// let loss = distillation(&tensor(student), &tensor(teacher), 2.0, &Targets::of(&[0], 2)).loss;
/// let kl = 0.75 * (0.75f64 / 0.5).ln() + 0.25 * (0.25f64 / 0.5).ln();
/// assert!((loss - 4.0 * kl).abs() < 1e-6);
/// ```
///
/// # Panics
/// If the sizes differ.
pub fn distillation<T: Scalar>(
    logits: &Tensor<T>,
    teacher: &Tensor<T>,
    temperature: f64,
    targets: &Targets,
) -> Loss<T> {
    assert_eq!(logits.shape(), teacher.shape(), "logits of student and teacher");
    assert_eq!(logits.rows(), targets.len(), "rows");
    let mut loss = 0.0;
    let mut gradient = Tensor::zeros_like(logits);
    for (i, share) in targets.shares().enumerate() {
        let (p, p_norm) = softmax(logits.row(i), temperature);
        let (q, q_norm) = softmax(teacher.row(i), temperature);
        for (k, d) in gradient.row_mut(i).iter_mut().enumerate() {
            if q[k] > 0.0 {
                let ln_q = teacher.row(i)[k].f64() / temperature - q_norm;
                let ln_p = logits.row(i)[k].f64() / temperature - p_norm;
                loss += share * temperature * temperature * q[k] * (ln_q - ln_p);
            }
            *d = T::of(share * temperature * (p[k] - q[k]));
        }
    }
    Loss { loss, gradient }
}

/// The loss of a learned exit head (BERxiT, Xin et al., 2021): `Σ_i w_i (σ(u_i) − wrong_i)² / Σ_i w_i`, with its outputs u `[n, 1]`
/// before the sigmoid. `wrong_i` is 1 if the exit's answer is wrong and 0 if it is correct.
///
/// ```
/// use epee_nn::{Targets, Tensor, exit_head_loss};
/// let u = Tensor::from_vec(&[2, 1], vec![0.0f32, 0.0]);
/// let loss = exit_head_loss(&u, &[true, false], &Targets::of(&[0, 0], 2));
/// assert_eq!(loss.loss, 0.25);
/// assert_eq!(loss.gradient.data(), [-0.125, 0.125]);
/// ```
///
/// # Panics
/// If the numbers of rows differ.
pub fn exit_head_loss<T: Scalar>(scores: &Tensor<T>, wrong: &[bool], targets: &Targets) -> Loss<T> {
    assert_eq!((scores.len(), wrong.len()), (targets.len(), targets.len()), "rows");
    let mut loss = 0.0;
    let mut gradient = Tensor::zeros_like(scores);
    let rows = gradient.data_mut().iter_mut().zip(scores.data()).zip(wrong).zip(targets.shares());
    for (((d, u), &wrong), share) in rows {
        let sigmoid = sigmoid(u.f64());
        let error = sigmoid - f64::from(u8::from(wrong));
        loss += share * error * error;
        *d = T::of(share * 2.0 * error * sigmoid * (1.0 - sigmoid));
    }
    Loss { loss, gradient }
}
