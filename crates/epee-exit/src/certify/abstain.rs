//! Abstention: answering only if the confidence is high enough, with a certified error rate.

use serde::{Deserialize, Serialize};

use super::certificate::{MOST_SAMPLES, near};
use super::procedure::{check_labels, check_shares};
use super::samples::Draw;
use super::{Caveat, CertificateScope, CertifyError, RuntimeIdentity, Sealed, Signature, VoidReason};
use crate::policy::CheckedPolicy;
use crate::replay::answers;
use crate::statistics::{binomial_upper, exact_binomial_p, fixed_sequence, smallest_certifiable_n};
use crate::trace::Trace;

/// A confidence below which a model abstains, and the guarantee for the answers above it. Part of `exits.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Abstention {
    /// The form of this record: 2. Version 0.1 of epee wrote none.
    #[serde(default)]
    pub format: u32,
    /// The model, the setting and the samples it was given for.
    #[serde(alias = "grounds")]
    pub scope: CertificateScope,
    /// Abstain if the greatest probability of the answer is below this.
    pub below: f64,
    /// The tolerated share of wrong answers among those given.
    pub target: f64,
    /// δ: the guarantee fails with at most this probability.
    pub delta: f64,
    /// The share of the test's samples that are answered.
    pub coverage: f64,
    /// The number of them that are answered.
    pub answered: usize,
    /// The number of these that are wrong.
    pub errors: u64,
    /// The upper bound of the share of wrong ones, at confidence 1 − δ.
    pub upper: f64,
    /// The p-value of "the share of wrong ones is above the target".
    #[serde(default)]
    pub p: f64,
    /// Samples of the test.
    pub tested: usize,
    /// Seed of the split.
    pub seed: u64,
    /// Reasons to trust it less, found when it was made.
    #[serde(default)]
    pub caveats: Vec<Caveat>,
    /// The digest of all of the above.
    #[serde(default)]
    pub seal: String,
    /// Somebody's signature of all of the above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

/// An abstention rule to find: at most a share of the given answers is wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AbstentionRequest {
    /// The tolerated share of wrong answers among those given, in (0, 1).
    pub risk: f64,
    /// δ: the promise fails with at most this probability, in (0, 1).
    pub delta: f64,
    /// Seed of the split into halves; if `None`, the samples fix it.
    pub seed: Option<u64>,
    /// Certify even if samples repeat others; the rule says so.
    pub allow_repeats: bool,
}

impl AbstentionRequest {
    /// At most a share `risk` of the given answers is wrong, with probability 1 − δ.
    pub fn new(risk: f64, delta: f64) -> AbstentionRequest {
        AbstentionRequest { risk, delta, seed: None, allow_repeats: false }
    }
}

impl Abstention {
    /// The rule with more caveats, sealed anew.
    #[must_use]
    pub fn with_caveats(mut self, caveats: impl IntoIterator<Item = Caveat>) -> Abstention {
        self.caveats.extend(caveats);
        self.sealed()
    }

    /// The reason why the guarantee does not hold for a model that runs like this: a record that contradicts itself, or
    /// another model or setting. `None` if it holds.
    pub fn void(&self, runs: &RuntimeIdentity<'_>) -> Option<VoidReason> {
        if self.format != FORMAT {
            return Some(VoidReason::Outdated);
        }
        self.scope.void(runs).or_else(|| self.contradiction())
    }

    fn contradiction(&self) -> Option<VoidReason> {
        let Abstention { below, target, delta, coverage, answered, errors, upper, p, tested, .. } = *self;
        let share = |value: f64| value > 0.0 && value < 1.0;
        let counts = |field: &str| Some(VoidReason::counts(field));
        let (n, size) = (answered as u64, 1..=MOST_SAMPLES);
        if !share(target) || !share(delta) || !(0.0..=1.0).contains(&below) {
            return counts("a level");
        }
        if !size.contains(&tested) || !(1..=tested).contains(&answered) || errors > n {
            return counts("the number of samples");
        }
        if !near(coverage, answered as f64 / tested as f64) {
            return counts("the coverage");
        }
        if !near(upper, binomial_upper(errors, n, delta)) {
            return counts("the upper bound");
        }
        if !near(p, exact_binomial_p(errors, n, target)) {
            return counts("the p-value");
        }
        if p > delta {
            return Some(VoidReason::Unsupported { risk: "error".to_owned() });
        }
        (!self.is_sealed()).then_some(VoidReason::Edited)
    }
}

/// The form of the records that are written.
const FORMAT: u32 = 2;

/// The most confidences tried.
const MOST: usize = 200;

/// The largest coverage whose selective risk, `P(wrong | answered)`, is at most the target with probability 1 − δ.
///
/// One half of the labelled samples finds the confidence at which a test is likeliest to pass; from there the other half
/// tests ever lower confidences by the exact binomial p-value, and stops before the first that fails.
///
/// # Errors
/// A target or δ outside (0, 1); no labels, or of one class; too few samples, or some that repeat others; no confidence that
/// passes.
pub fn abstain(
    trace: &Trace,
    policy: &CheckedPolicy,
    request: &AbstentionRequest,
    trace_digest: String,
) -> Result<Abstention, CertifyError> {
    let AbstentionRequest { risk: target, delta, .. } = *request;
    check_shares([("abstain", target), ("confidence", 1.0 - delta)])?;
    check_labels(trace, "error")?;
    let answers = answers(policy, trace)?;
    let Draw { order, seed, caveats } = Draw::new(trace, request.seed, request.allow_repeats)?;
    let outcome = |sample: usize| {
        let (answer, label) = (&answers[sample], trace.labels()[sample]);
        let confidence = answer.probabilities.iter().copied().fold(0.0, f32::max);
        (label >= 0).then_some((f64::from(confidence), answer.label as i64 != label))
    };
    let outcomes: Vec<(f64, bool)> = order.into_iter().filter_map(outcome).collect();
    let needs = smallest_certifiable_n(target, delta).unwrap_or(1 << 53);
    if (outcomes.len() as u64 / 2) < needs {
        let hint = format!(
            "with no error seen, {needs} answers in the half that tests are the fewest for this share and confidence"
        );
        return Err(CertifyError::TooFew { risk: "error".to_owned(), n: outcomes.len() / 2, needs, hint });
    }
    let (finder, tester) = outcomes.split_at(outcomes.len() / 2);
    let mut candidates: Vec<f64> = finder.iter().map(|(confidence, _)| *confidence).collect();
    candidates.sort_unstable_by(|a, b| b.total_cmp(a));
    candidates.dedup();
    let last = candidates.len().saturating_sub(1);
    let steps = last.min(MOST - 1);
    let mut list: Vec<f64> = (0..=steps).map(|i| candidates[i * last / steps.max(1)]).collect();
    // Everything is answered.
    list.push(0.0);
    // By upper bounds, which still tell settings apart if all p-values are near 0 or 1.
    let bound = |below: f64| {
        let (answered, errors) = count(finder, below);
        binomial_upper(errors, answered, delta)
    };
    let likeliest = (0..list.len()).min_by(|&a, &b| bound(list[a]).total_cmp(&bound(list[b]))).unwrap_or(0);
    let path = &list[likeliest..];
    let p = |&below: &f64| {
        let (answered, errors) = count(tester, below);
        exact_binomial_p(errors, answered, target)
    };
    let p_values: Vec<f64> = path.iter().map(p).collect();
    let passed = fixed_sequence(&p_values, delta);
    let (answered, errors) = count(tester, path[passed.saturating_sub(1)]);
    let upper = binomial_upper(errors, answered, delta);
    if passed == 0 {
        return Err(CertifyError::Abstain { target, answered: answered as usize, errors, upper });
    }
    let rule = Abstention {
        format: FORMAT,
        scope: CertificateScope::new(policy.policy(), policy.temperatures(), trace, trace_digest),
        below: path[passed - 1],
        target,
        delta,
        coverage: answered as f64 / tester.len() as f64,
        answered: answered as usize,
        errors,
        upper,
        p: p_values[passed - 1],
        tested: tester.len(),
        seed,
        caveats,
        seal: String::new(),
        signature: None,
    };
    Ok(rule.sealed())
}

/// The number of samples answered, and of wrong ones among them.
fn count(samples: &[(f64, bool)], below: f64) -> (u64, u64) {
    let answered = samples.iter().filter(|(confidence, _)| *confidence >= below);
    answered.fold((0, 0), |(n, errors), (_, wrong)| (n + 1, errors + u64::from(*wrong)))
}
