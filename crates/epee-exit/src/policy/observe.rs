//! Running a policy: evidence in, decision out.

use serde::{Deserialize, Serialize};

use super::{EvidenceError, Policy};
use crate::confidence::{argmax, first_non_finite, ln_classes, read, softmax};

/// What one exit says about one sample.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The exit, from 1 to M.
    pub exit: usize,
    /// Its K logits.
    pub logits: &'a [f32],
    /// The output of a learned exit score, where the model has one.
    pub score: Option<f32>,
}

/// Which part of a policy ended a sample. Where several would, the first of them in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// The entropy fell below the threshold.
    Threshold,
    /// Enough exits in a row agreed.
    Patience,
    /// Nothing fired before the last exit.
    Last,
    /// The exit was fixed beforehand.
    Fixed,
}

impl Reason {
    /// Its name, as in files: `threshold`, `patience`, `last` or `fixed`.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Threshold => "threshold",
            Reason::Patience => "patience",
            Reason::Last => "last",
            Reason::Fixed => "fixed",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The answer for one sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// The class, from 0.
    pub label: usize,
    /// The K probabilities.
    pub probabilities: Vec<f32>,
    /// The exit that answered, from 1.
    pub exit: usize,
    /// The normalised entropy at that exit, in [0, 1].
    pub entropy: f64,
    /// What ended the sample.
    pub reason: Reason,
}

/// Go on, or stop here.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// The next exit is needed.
    Continue,
    /// The sample is done.
    Exit(Answer),
}

/// A rule that watches the exits of one sample in order and says when to stop.
///
/// ```
/// # use epee_exit::{Decision, Evidence, ExitPolicy, Policy};
/// let policy = Policy::Patience { patience: 2 }.check(3, 2)?;
/// let mut state = policy.start();
/// let logits = [0.0, 1.0];
/// let first = policy.observe(&mut state, &Evidence { exit: 1, logits: &logits, score: None })?;
/// assert_eq!(first, Decision::Continue);
/// let second = policy.observe(&mut state, &Evidence { exit: 2, logits: &logits, score: None })?;
/// assert!(matches!(second, Decision::Exit(answer) if answer.label == 1 && answer.exit == 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait ExitPolicy {
    /// What the policy remembers of one sample.
    type State;

    /// The state before the first exit.
    fn start(&self) -> Self::State;

    /// Shows the policy one exit.
    ///
    /// # Errors
    /// Logits that are not finite or not K, an exit out of order.
    fn observe(&self, state: &mut Self::State, evidence: &Evidence<'_>) -> Result<Decision, EvidenceError>;
}

/// What a [`CheckedPolicy`] remembers of one sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyState {
    /// The last exit seen; 0 before the first.
    exit: usize,
    /// P_m of Eq. 2: how many exits up to this one agree.
    run: usize,
    /// What the last exit predicted.
    label: usize,
}

/// When to stop, with every "never" resolved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rule {
    /// At one exit, whatever it says.
    At { exit: usize, reason: Reason },
    /// At `H_m < threshold` or `P_m >= patience` (Eq. 3), or at the last exit.
    Dynamic { threshold: f64, patience: usize },
}

/// A policy that is known to fit a model of M exits and K classes: see [`Policy::check`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CheckedPolicy {
    policy: Policy,
    rule: Rule,
    exits: usize,
    classes: usize,
    ln_classes: f64,
}

impl CheckedPolicy {
    pub(super) fn new(policy: Policy, rule: Rule, exits: usize, classes: usize) -> Self {
        CheckedPolicy { policy, rule, exits, classes, ln_classes: ln_classes(classes) }
    }

    /// The setting, as it was given.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// M, the number of exits.
    pub fn exits(&self) -> usize {
        self.exits
    }

    /// K, the number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Whether the policy has to see this exit. An engine may leave out the heads of the others:
    /// full depth and a fixed exit read one exit alone, the rest read all up to where they stop.
    pub fn needs(&self, exit: usize) -> bool {
        match self.rule {
            Rule::At { exit: only, .. } => exit == only,
            Rule::Dynamic { .. } => (1..=self.exits).contains(&exit),
        }
    }

    /// The rule itself: what `observe` and `replay` share. `logits` are known to be K finite values.
    pub(crate) fn step(&self, state: &mut PolicyState, exit: usize, logits: &[f32]) -> Option<(usize, f64, Reason)> {
        state.exit = exit;
        let (threshold, patience) = match self.rule {
            Rule::At { exit: only, .. } if exit < only => return None,
            Rule::At { reason, .. } => {
                let (label, entropy) = read(logits, self.ln_classes);
                return Some((label, entropy, reason));
            }
            Rule::Dynamic { threshold, patience } => (threshold, patience),
        };
        // The entropy costs more than the class: it is left out until something asks for it.
        let (label, entropy) = if threshold > 0.0 {
            let (label, entropy) = read(logits, self.ln_classes);
            (label, Some(entropy))
        } else {
            (argmax(logits), None)
        };
        // Eq. 2: update first, then test.
        state.run = if state.run > 0 && label == state.label { state.run + 1 } else { 1 };
        state.label = label;
        let reason = if entropy.is_some_and(|entropy| entropy < threshold) {
            Reason::Threshold
        } else if state.run >= patience {
            Reason::Patience
        } else if exit >= self.exits {
            Reason::Last
        } else {
            return None;
        };
        let entropy = entropy.unwrap_or_else(|| read(logits, self.ln_classes).1);
        Some((label, entropy, reason))
    }

    fn check_evidence(&self, state: &PolicyState, evidence: &Evidence<'_>) -> Result<(), EvidenceError> {
        let Evidence { exit, logits, .. } = *evidence;
        let next = state.exit + 1;
        let in_order = match self.rule {
            Rule::At { exit: only, .. } => (next..=only).contains(&exit),
            Rule::Dynamic { .. } => exit == next && exit <= self.exits,
        };
        if !in_order {
            return Err(EvidenceError::Order { expected: next.min(self.exits), got: exit });
        }
        if logits.len() != self.classes {
            let (expected, got) = (self.classes, logits.len());
            return Err(EvidenceError::Classes { exit, expected, got });
        }
        match first_non_finite(logits) {
            Some(class) => Err(EvidenceError::NonFinite { exit, class, value: logits[class] }),
            None => Ok(()),
        }
    }
}

impl ExitPolicy for CheckedPolicy {
    type State = PolicyState;

    fn start(&self) -> PolicyState {
        PolicyState::default()
    }

    fn observe(&self, state: &mut PolicyState, evidence: &Evidence<'_>) -> Result<Decision, EvidenceError> {
        self.check_evidence(state, evidence)?;
        let Some((label, entropy, reason)) = self.step(state, evidence.exit, evidence.logits) else {
            return Ok(Decision::Continue);
        };
        let probabilities = softmax(evidence.logits);
        Ok(Decision::Exit(Answer { label, probabilities, exit: evidence.exit, entropy, reason }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a policy over the rows of one sample.
    fn run(policy: Policy, rows: &[[f32; 2]]) -> (usize, usize, Reason) {
        let policy = policy.check(rows.len(), 2).unwrap();
        let mut state = policy.start();
        for (m, logits) in rows.iter().enumerate() {
            let evidence = Evidence { exit: m + 1, logits, score: None };
            if let Decision::Exit(answer) = policy.observe(&mut state, &evidence).unwrap() {
                return (answer.exit, answer.label, answer.reason);
            }
        }
        panic!("no answer after the last exit");
    }

    const ROWS: [[f32; 2]; 4] = [[0.1, 0.0], [0.0, 0.2], [0.0, 0.3], [0.0, 9.0]];

    #[test]
    fn each_policy_on_one_sample() {
        let epee = |threshold, patience| Policy::Epee { threshold, patience };
        for (policy, want) in [
            (Policy::Full, (4, 1, Reason::Last)),
            (Policy::Fixed { exit: 1 }, (1, 0, Reason::Fixed)),
            (Policy::Entropy { threshold: 0.1 }, (4, 1, Reason::Threshold)),
            (Policy::Entropy { threshold: 0.0 }, (4, 1, Reason::Last)),
            (Policy::Patience { patience: 1 }, (1, 0, Reason::Patience)),
            (Policy::Patience { patience: 2 }, (3, 1, Reason::Patience)),
            (Policy::Patience { patience: 4 }, (4, 1, Reason::Last)),
            (epee(Some(0.999), Some(3)), (1, 0, Reason::Threshold)),
            (epee(Some(0.1), Some(2)), (3, 1, Reason::Patience)),
            (epee(None, None), (4, 1, Reason::Last)),
        ] {
            assert_eq!(run(policy, &ROWS), want, "{policy}");
        }
    }

    #[test]
    fn the_threshold_is_strict() {
        // Equal logits have entropy exactly 1, which is not below 1.
        let rows = [[1.0, 1.0], [1.0, 1.0]];
        let got = run(Policy::Entropy { threshold: 1.0 }, &rows);
        assert_eq!(got, (2, 0, Reason::Last));
    }

    #[test]
    fn evidence_is_checked() {
        let policy = Policy::Patience { patience: 2 }.check(3, 2).unwrap();
        let observe = |exit, logits: &[f32]| {
            let evidence = Evidence { exit, logits, score: None };
            policy.observe(&mut policy.start(), &evidence).unwrap_err().to_string()
        };
        assert_eq!(observe(2, &[0.0, 0.0]), "expected the logits of exit 1, got those of exit 2");
        assert_eq!(observe(1, &[0.0]), "exit 1: expected 2 logits, got 1");
        let nan = observe(1, &[0.0, f32::NAN]);
        assert_eq!(nan, "exit 1: expected finite logits, got NaN for class 1");
        let inf = observe(1, &[f32::INFINITY, 0.0]);
        assert_eq!(inf, "exit 1: expected finite logits, got inf for class 0");
    }

    #[test]
    fn a_fixed_exit_needs_no_other() {
        let policy = Policy::Fixed { exit: 2 }.check(3, 2).unwrap();
        assert_eq!([1, 2, 3].map(|m| policy.needs(m)), [false, true, false]);
        let evidence = Evidence { exit: 2, logits: &[0.0, 1.0], score: None };
        let decision = policy.observe(&mut policy.start(), &evidence).unwrap();
        assert!(matches!(decision, Decision::Exit(Answer { exit: 2, label: 1, .. })));
        let late = Evidence { exit: 3, ..evidence };
        assert!(policy.observe(&mut policy.start(), &late).is_err());
        let epee = Policy::Epee { threshold: Some(0.5), patience: None }.check(3, 2).unwrap();
        assert_eq!([0, 1, 3, 4].map(|m| epee.needs(m)), [false, true, true, false]);
    }
}
