//! Weights of exits and of classes in the loss.

use crate::named::named_enum;

named_enum! {
    /// Weights of the exits' losses: `L = Σ_m w_m L_m / Σ_m w_m`.
    #[derive(Default)]
    pub enum ExitWeights ("exit_weights") {
        /// w_m = m, the cost of exit m: Eq. 4 of the paper.
        #[default]
        Depth = "depth",
        /// w_m = 1.
        Uniform = "uniform",
        /// w_m = m²: deeper exits have a larger weight.
        Late = "late",
    }
}

impl ExitWeights {
    /// `w_m / Σ w` for so many exits.
    ///
    /// ```
    /// use epee_train::ExitWeights;
    /// assert_eq!(ExitWeights::Depth.of(4), [0.1, 0.2, 0.3, 0.4]);
    /// assert_eq!(ExitWeights::Uniform.of(4), [0.25; 4]);
    /// assert_eq!(ExitWeights::Late.of(3), [1.0 / 14.0, 4.0 / 14.0, 9.0 / 14.0]);
    /// ```
    pub fn of(self, exits: usize) -> Vec<f64> {
        normalised(exits, |m| match self {
            ExitWeights::Depth => m as f64,
            ExitWeights::Uniform => 1.0,
            ExitWeights::Late => (m * m) as f64,
        })
    }
}

pub(super) fn last(exits: usize) -> Vec<f64> {
    normalised(exits, |m| f64::from(u8::from(m == exits)))
}

/// All exits but the last, with equal weights. A model with one exit has no others: then it is that one.
pub(super) fn others(exits: usize) -> Vec<f64> {
    normalised(exits, |m| f64::from(u8::from(m < exits || exits == 1)))
}

/// Weights of the exits 1 to M that add up to 1.
fn normalised(exits: usize, weight: impl Fn(usize) -> f64) -> Vec<f64> {
    let total: f64 = (1..=exits).map(&weight).sum();
    (1..=exits).map(|m| weight(m) / total).collect()
}

named_enum! {
    /// Weights of the classes. A class without an example has the weight of a class with one.
    #[derive(Default)]
    pub enum ClassWeights ("class_weights") {
        /// Equal weights.
        #[default]
        None = "none",
        /// N / (K n_k): all classes together have equal weights (scikit-learn's `balanced`).
        Balanced = "balanced",
        /// √(N / (K n_k)): half way between the two.
        Sqrt = "sqrt",
    }
}

impl ClassWeights {
    /// The weight of each of `classes`, from the training labels.
    ///
    /// ```
    /// use epee_train::ClassWeights;
    /// let labels = [0, 0, 0, 1];
    /// assert_eq!(ClassWeights::Balanced.of(&labels, 2), [4.0 / 6.0, 4.0 / 2.0]);
    /// assert_eq!(ClassWeights::None.of(&labels, 2), [1.0, 1.0]);
    /// ```
    pub fn of(self, labels: &[usize], classes: usize) -> Vec<f64> {
        let mut counts = vec![0usize; classes];
        labels.iter().for_each(|&label| counts[label] += 1);
        let balanced = |n: usize| labels.len() as f64 / (classes * n.max(1)) as f64;
        let weight = |n: usize| match self {
            ClassWeights::None => 1.0,
            ClassWeights::Balanced => balanced(n),
            ClassWeights::Sqrt => balanced(n).sqrt(),
        };
        counts.into_iter().map(weight).collect()
    }
}
