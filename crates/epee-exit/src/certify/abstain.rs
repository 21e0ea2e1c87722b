//! Abstention: answering only if the confidence is high enough, with a certified error rate.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::procedure::{check_labels, check_shares};
use super::{CertificateScope, CertifyError};
use crate::policy::CheckedPolicy;
use crate::replay::answers;
use crate::statistics::{binomial_upper, exact_binomial_p, fixed_sequence, smallest_certifiable_n};
use crate::trace::Trace;

/// A confidence below which a model abstains, and the guarantee for the answers above it. Part of `exits.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Abstention {
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
    /// Samples of the test.
    pub tested: usize,
    /// Seed of the split.
    pub seed: u64,
}

/// The most confidences tried.
const MOST: usize = 200;

/// The largest coverage whose selective risk, `P(wrong | answered)`, is at most the target with probability 1 − δ.
///
/// One half of the labelled samples finds the confidence at which a test is likeliest to pass; from there the other half
/// tests ever lower confidences by the exact binomial p-value, and stops before the first that fails.
///
/// # Errors
/// A target or δ outside (0, 1); no labels, or of one class; too few samples; no confidence that passes.
pub fn abstain(
    trace: &Trace,
    policy: &CheckedPolicy,
    target: f64,
    delta: f64,
    seed: u64,
    trace_digest: String,
) -> Result<Abstention, CertifyError> {
    check_shares([("abstain", target), ("confidence", 1.0 - delta)])?;
    let mut outcomes: Vec<(f64, bool)> = answers(policy, trace)?
        .iter()
        .zip(trace.labels())
        .filter(|(_, label)| **label >= 0)
        .map(|(answer, &label)| {
            let confidence = answer.probabilities.iter().copied().fold(0.0, f32::max);
            (f64::from(confidence), answer.label as i64 != label)
        })
        .collect();
    check_labels(trace, "error")?;
    let needs = smallest_certifiable_n(target, delta).unwrap_or(1 << 53);
    if (outcomes.len() as u64 / 2) < needs {
        let hint = format!(
            "with no error seen, {needs} answers in the half that tests are the fewest for this share and confidence"
        );
        return Err(CertifyError::TooFew { risk: "error".to_owned(), n: outcomes.len() / 2, needs, hint });
    }
    outcomes.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
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
    Ok(Abstention {
        scope: CertificateScope::new(policy.policy(), policy.temperatures(), trace, trace_digest),
        below: path[passed - 1],
        target,
        delta,
        coverage: answered as f64 / tester.len() as f64,
        answered: answered as usize,
        errors,
        upper,
        tested: tester.len(),
        seed,
    })
}

/// The number of samples answered, and of wrong ones among them.
fn count(samples: &[(f64, bool)], below: f64) -> (u64, u64) {
    let answered = samples.iter().filter(|(confidence, _)| *confidence >= below);
    answered.fold((0, 0), |(n, errors), (_, wrong)| (n + 1, errors + u64::from(*wrong)))
}
