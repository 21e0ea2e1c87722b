//! Risks: the losses that an early exit may cause, sample by sample.

use serde::{Deserialize, Serialize};

use super::LossCounts;
use crate::named::{Named, named};
use crate::policy::CheckedPolicy;
use crate::replay::{ReplayError, replay};
use crate::statistics::{betting_p, exact_binomial_p, hoeffding_bentkus_p};
use crate::trace::Trace;

/// A risk: the mean of a loss over the samples that it counts. `ŷ_m` is the answer at the exit taken, `ŷ_M` that of full
/// depth, `y` the label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Risk {
    /// `P(ŷ_m ≠ ŷ_M)`: the early exit changes the answer. Needs no labels.
    Consistency,
    /// `P(ŷ_m ≠ y) − P(ŷ_M ≠ y)`: errors that the early exit adds, less those it corrects. The exact and the Hoeffding–Bentkus bound
    /// count those it adds alone.
    Gap,
    /// `P(ŷ_m ≠ y)`: the answer is wrong.
    Error,
    /// `P(ŷ_m ≠ c | ŷ_M = c)`: the early exit loses a finding of this class. Needs no labels.
    Class(usize),
}

impl Risk {
    /// The loss of one sample, or `None` if the risk does not count it.
    pub(crate) fn loss(self, answer: u32, full: u32, label: i64) -> Option<i8> {
        let wrong = |answer: u32| i8::from(i64::from(answer) != label);
        match self {
            Risk::Consistency => Some(i8::from(answer != full)),
            Risk::Gap => (label >= 0).then(|| wrong(answer) - wrong(full)),
            Risk::Error => (label >= 0).then(|| wrong(answer)),
            Risk::Class(class) => (full as usize == class).then(|| i8::from(answer != full)),
        }
    }

    /// True for a risk that counts labelled samples alone.
    pub fn needs_labels(self) -> bool {
        matches!(self, Risk::Gap | Risk::Error)
    }

    /// The bound that is used if none is named: exact for losses of 0 and 1, betting for the gap.
    pub fn default_bound(self) -> Bound {
        if self == Risk::Gap { Bound::Betting } else { Bound::Exact }
    }

    /// Its name in files: `consistency`, `gap`, `error` or `class:NAME`.
    pub fn name(self, class_name: impl Fn(usize) -> String) -> String {
        match self {
            Risk::Consistency => "consistency".to_owned(),
            Risk::Gap => "gap".to_owned(),
            Risk::Error => "error".to_owned(),
            Risk::Class(class) => format!("class:{}", class_name(class)),
        }
    }
}

impl Risk {
    /// The risk of a name, as [`Risk::name`] gives it, of a model with these classes.
    pub(super) fn named(name: &str, classes: &[String]) -> Option<Risk> {
        match name {
            "consistency" => Some(Risk::Consistency),
            "gap" => Some(Risk::Gap),
            "error" => Some(Risk::Error),
            other => {
                let class = other.strip_prefix("class:")?;
                classes.iter().position(|label| label == class).map(Risk::Class)
            }
        }
    }
}

/// A risk measured on a trace.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MeasuredRisk {
    /// The number of samples that the risk counts.
    pub n: usize,
    /// The sum of their losses.
    pub losses: i64,
    /// Their mean; NaN without samples.
    pub mean: f64,
}

/// Measures the risk of a policy on a trace, as a check of its certificate on other samples.
///
/// # Errors
/// As [`replay()`](crate::replay()).
///
/// ```
/// # use epee_exit::{Policy, Risk, Trace, measure_risk};
/// // Exit 1 says class 1 for both samples, exit 2 tells them apart.
/// let logits = vec![0.0, 1.0, 2.0, 0.0, 0.0, 1.0, 0.0, 2.0];
/// let trace = Trace::from_logits(2, 2, logits, vec![0, 1])?;
/// let risk = measure_risk(&trace, &Policy::fixed(1).check(2, 2)?, Risk::Consistency)?;
/// assert_eq!((risk.n, risk.losses, risk.mean), (2, 1, 0.5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn measure_risk(trace: &Trace, policy: &CheckedPolicy, risk: Risk) -> Result<MeasuredRisk, ReplayError> {
    let answers = replay(policy, trace)?.labels;
    let full = replay(&policy.full_depth(), trace)?.labels;
    let losses: Vec<i64> = answers
        .iter()
        .zip(&full)
        .zip(trace.labels())
        .filter_map(|((&answer, &full), &label)| risk.loss(answer, full, label).map(i64::from))
        .collect();
    let sum: i64 = losses.iter().sum();
    Ok(MeasuredRisk { n: losses.len(), losses: sum, mean: sum as f64 / losses.len() as f64 })
}

/// The way a p-value of "the risk is above ε" is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// The exact binomial tail, for losses of 0 and 1.
    Exact,
    /// Hoeffding and Bentkus, for losses in [0, 1].
    HoeffdingBentkus,
    /// Betting on the losses in a recorded order, for losses in [−1, 1].
    Betting,
}

impl Bound {
    pub(super) fn named(name: &str) -> Option<Bound> {
        Named::read(name).ok()
    }
}

named!(Bound { Exact = "exact", HoeffdingBentkus = "hoeffding-bentkus", Betting = "betting" });

/// The losses of one setting over the samples that the risk counts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Losses {
    counts: LossCounts,
    /// In order, for a bound that depends on it.
    values: Vec<f64>,
    bound: Bound,
}

impl Losses {
    /// Losses in the order of the test.
    pub(super) fn new(values: impl Iterator<Item = i8>, bound: Bound) -> Self {
        let betting = bound == Bound::Betting;
        let (mut counts, mut ordered) = (LossCounts::default(), Vec::new());
        for loss in values {
            // The two bounds for [0, 1] count the errors that are added, not those that are corrected.
            let loss = if betting { loss } else { loss.max(0) };
            if betting {
                ordered.push(f64::from(loss));
                counts.in_order.extend((loss != 0).then_some((counts.n, loss)));
            }
            counts.n += 1;
            counts.sum += i64::from(loss);
        }
        Losses { counts, values: ordered, bound }
    }

    /// Losses of which only the sum counts.
    pub(super) fn counted(n: u64, sum: i64, bound: Bound) -> Self {
        Losses { counts: LossCounts { n, sum, in_order: Vec::new() }, values: Vec::new(), bound }
    }

    pub(super) fn into_counts(self) -> LossCounts {
        self.counts
    }

    pub(super) fn len(&self) -> usize {
        self.counts.n as usize
    }

    pub(super) fn sum(&self) -> f64 {
        self.counts.sum as f64
    }

    pub(super) fn mean(&self) -> f64 {
        self.sum() / self.counts.n as f64
    }

    /// The p-value of "the risk is above ε".
    pub(super) fn p(&self, epsilon: f64, delta: f64) -> f64 {
        let LossCounts { n, sum, .. } = self.counts;
        match self.bound {
            Bound::Exact => exact_binomial_p(sum as u64, n, epsilon),
            Bound::HoeffdingBentkus => hoeffding_bentkus_p(self.sum(), n, epsilon),
            Bound::Betting => betting_p(&self.values, epsilon, delta),
        }
    }

    /// The least ε whose p-value is at most δ: the upper bound of the risk, to within 1e-6.
    pub(super) fn upper(&self, delta: f64) -> f64 {
        let (mut low, mut high) = (self.mean().max(0.0), 1.0);
        while high - low > 1e-6 {
            let middle = (low + high) / 2.0;
            if self.p(middle, delta) <= delta { high = middle } else { low = middle }
        }
        high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_as_defined() {
        // Answer, full depth, label.
        for (case, consistency, gap, error, class) in [
            ((1, 1, 1), Some(0), Some(0), Some(0), Some(0)),
            ((0, 1, 1), Some(1), Some(1), Some(1), Some(1)),
            ((1, 0, 1), Some(1), Some(-1), Some(0), None),
            ((2, 0, 1), Some(1), Some(0), Some(1), None),
            ((0, 1, -1), Some(1), None, None, Some(1)),
        ] {
            let loss = |risk: Risk| risk.loss(case.0, case.1, case.2);
            let got = [Risk::Consistency, Risk::Gap, Risk::Error, Risk::Class(1)].map(loss);
            assert_eq!(got, [consistency, gap, error, class], "{case:?}");
        }
    }

    #[test]
    fn the_upper_bound_is_where_the_p_value_is_delta() {
        for bound in [Bound::Exact, Bound::HoeffdingBentkus, Bound::Betting] {
            let losses = Losses::new((0..400).map(|i| i8::from(i % 40 == 0)), bound);
            let upper = losses.upper(0.05);
            assert!(upper > 0.025 && losses.p(upper, 0.05) <= 0.05 && losses.p(upper - 1e-5, 0.05) > 0.05, "{bound:?}");
        }
    }
}
