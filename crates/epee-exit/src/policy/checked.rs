//! Running a policy: exit outputs in, a decision out.

use serde::{Deserialize, Serialize};

use super::rules::greatest;
use super::{Direction, Ensemble, ExitOutput, ExitOutputError, Policy, PolicyError, PolicyState, Signal};
use crate::confidence::{first_non_finite, ln_classes, softmax, temper};
use crate::named::named;

/// The part of a policy that ended a sample; the first in this order if several apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// The level passed the threshold.
    Threshold,
    /// Enough exits in a row agreed, or a rule of the caller's own stopped.
    Patience,
    /// No exit before the last answered.
    Last,
    /// The exit was fixed beforehand.
    Fixed,
}

named!(Reason { Threshold = "threshold", Patience = "patience", Last = "last", Fixed = "fixed" });

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
    /// The part of the policy that ended the sample.
    pub reason: Reason,
}

/// Continue to the next exit, or answer at this one.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// The next exit is needed.
    Continue,
    /// The sample is done.
    Exit(Answer),
}

/// A policy that fits a model of M exits and K classes: see [`Policy::check`].
///
/// A live run shows it the exits of each sample in order:
///
/// ```
/// # use epee_exit::{Decision, ExitOutput, Policy};
/// let policy = Policy::patience(2).check(3, 2)?;
/// let mut state = policy.start();
/// let logits = [0.0, 1.0];
/// assert_eq!(policy.observe(&mut state, &ExitOutput::new(1, &logits))?, Decision::Continue);
/// let second = policy.observe(&mut state, &ExitOutput::new(2, &logits))?;
/// assert!(matches!(second, Decision::Exit(answer) if answer.label == 1 && answer.exit == 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedPolicy {
    policy: Policy,
    direction: Direction,
    /// `[M]`, NaN for never.
    thresholds: Vec<f64>,
    /// `[M]`; empty if logits are taken as they are.
    temperatures: Vec<f64>,
    exits: usize,
    classes: usize,
    ln_classes: f64,
}

/// The end of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) label: usize,
    pub(crate) entropy: f64,
    pub(crate) reason: Reason,
}

impl CheckedPolicy {
    pub(super) fn new(policy: Policy, exits: usize, classes: usize) -> Self {
        let thresholds = policy.threshold.resolve(exits);
        let (direction, ln_classes) = (policy.rule.direction(), ln_classes(classes));
        CheckedPolicy { policy, direction, thresholds, temperatures: Vec::new(), exits, classes, ln_classes }
    }

    /// The same policy over logits divided by a temperature for each exit, `z_m / T_m`; an empty list leaves them as they are.
    ///
    /// # Errors
    /// Another number of temperatures than of exits, or one that is not above 0.
    pub fn with_temperatures(self, temperatures: &[f64]) -> Result<CheckedPolicy, PolicyError> {
        check_temperatures(temperatures, self.exits)?;
        let plain = temperatures.iter().all(|&t| t == 1.0);
        Ok(CheckedPolicy { temperatures: if plain { Vec::new() } else { temperatures.to_vec() }, ..self })
    }

    /// Full depth of the same model, over the same temperatures.
    #[must_use]
    pub fn full_depth(&self) -> CheckedPolicy {
        let full = CheckedPolicy::new(Policy::full(), self.exits, self.classes);
        CheckedPolicy { temperatures: self.temperatures.clone(), ..full }
    }

    /// The setting, as it was given.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// M, the number of exits.
    pub fn exits(&self) -> usize {
        self.exits
    }

    /// K, the number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// True if the policy has to see this exit. An engine may skip the heads of the others: full depth
    /// and a fixed exit read one exit, the rest read all exits up to the one that answers.
    pub fn needs(&self, exit: usize) -> bool {
        match self.only() {
            Some(only) => exit == only,
            None => (1..=self.exits).contains(&exit),
        }
    }

    /// The only exit it has to see, if it is one.
    fn only(&self) -> Option<usize> {
        self.policy.rule.only_exit(self.exits).filter(|_| self.policy.ensemble == Ensemble::None)
    }

    /// The temperatures that logits are divided by, `[M]`; empty for none.
    pub fn temperatures(&self) -> &[f64] {
        &self.temperatures
    }

    /// The rule's signal at an exit, before its threshold is compared. It updates the state.
    pub(crate) fn signal(&self, state: &mut PolicyState, output: &ExitOutput<'_>) -> Signal {
        state.exit = output.exit();
        // Eq. 2: update first, then test.
        state.run = if state.run > 0 && output.label() == state.label { state.run + 1 } else { 1 };
        state.label = output.label();
        if self.policy.ensemble != Ensemble::None {
            self.policy.ensemble.add(&mut state.sum, &output.probabilities(), state.run);
        }
        self.policy.rule.signal(state, output)
    }

    /// The class and the probabilities that a sample would be answered with here, if they are not the exit's own.
    fn combined(&self, state: &PolicyState, output: &ExitOutput<'_>) -> Option<(usize, Vec<f64>)> {
        if self.policy.ensemble == Ensemble::None {
            return self.policy.rule.answer(state, output, output.exit() == self.exits);
        }
        let sum: f64 = state.sum.iter().sum();
        Some((greatest(&state.sum), state.sum.iter().map(|p| p / sum).collect()))
    }

    /// The class that a sample would be answered with here.
    pub(crate) fn label(&self, state: &PolicyState, output: &ExitOutput<'_>) -> usize {
        self.combined(state, output).map_or(output.label(), |(label, _)| label)
    }

    /// One exit, live or replayed; the logits must be K finite values.
    pub(crate) fn step(&self, state: &mut PolicyState, output: &ExitOutput<'_>) -> Option<Outcome> {
        let exit = output.exit();
        if self.only().is_some_and(|only| exit < only) {
            state.exit = exit;
            return None;
        }
        let Signal { level, stop } = self.signal(state, output);
        let passes = self.direction.passes(level, self.thresholds[exit - 1]);
        let last = (exit >= self.exits).then_some(Reason::Last);
        let reason = passes.then_some(Reason::Threshold).or(stop).or(last)?;
        Some(Outcome { label: self.label(state, output), entropy: output.entropy(), reason })
    }

    /// One exit's output, its logits divided by the exit's temperature in `scratch` if there is one.
    pub(crate) fn output<'a>(
        &self,
        exit: usize,
        logits: &'a [f32],
        score: Option<f32>,
        scratch: &'a mut Vec<f32>,
    ) -> ExitOutput<'a> {
        let temperature = self.temperatures.get(exit - 1).copied().unwrap_or(1.0);
        let logits = if temperature == 1.0 {
            logits
        } else {
            temper(logits, temperature, scratch);
            scratch
        };
        ExitOutput::of_classes(exit, logits, self.ln_classes).with_score(score)
    }

    /// The state before the first exit of a sample.
    pub fn start(&self) -> PolicyState {
        PolicyState::default()
    }

    /// Shows the policy one exit of the sample that `state` belongs to. The last exit always answers.
    ///
    /// # Errors
    /// Logits that are not finite or not K, a score that is missing or not finite, an exit out of order.
    pub fn observe(&self, state: &mut PolicyState, output: &ExitOutput<'_>) -> Result<Decision, ExitOutputError> {
        self.check_output(state, output)?;
        let mut scratch = Vec::new();
        let exit = output.exit();
        let output = self.output(exit, output.logits(), output.score(), &mut scratch);
        let Some(Outcome { label, entropy, reason }) = self.step(state, &output) else {
            return Ok(Decision::Continue);
        };
        let probabilities = match self.combined(state, &output) {
            Some((_, probabilities)) => probabilities.into_iter().map(|p| p as f32).collect(),
            None => softmax(output.logits()),
        };
        Ok(Decision::Exit(Answer { label, probabilities, exit, entropy, reason }))
    }

    fn check_output(&self, state: &PolicyState, output: &ExitOutput<'_>) -> Result<(), ExitOutputError> {
        let (exit, logits) = (output.exit(), output.logits());
        let next = state.exit + 1;
        let in_order = match self.only() {
            Some(only) => (next..=only).contains(&exit),
            None => exit == next && exit <= self.exits,
        };
        if !in_order {
            return Err(ExitOutputError::Order { expected: next.min(self.exits), got: exit });
        }
        if logits.len() != self.classes {
            let (expected, got) = (self.classes, logits.len());
            return Err(ExitOutputError::Classes { exit, expected, got });
        }
        if self.policy.rule.reads_scores() {
            match output.score() {
                None => return Err(ExitOutputError::NoScore { exit }),
                Some(value) if !value.is_finite() => return Err(ExitOutputError::Score { exit, value }),
                Some(_) => {}
            }
        }
        match first_non_finite(logits) {
            Some(class) => Err(ExitOutputError::NonFinite { exit, class, value: logits[class] }),
            None => Ok(()),
        }
    }
}

/// One number above 0 for each exit, or none.
pub(crate) fn check_temperatures(temperatures: &[f64], exits: usize) -> Result<(), PolicyError> {
    let expected = || format!("{exits} numbers above 0 (one for each exit)");
    if !temperatures.is_empty() && temperatures.len() != exits {
        return Err(PolicyError::range("temperatures", expected(), temperatures.len()));
    }
    let bad = temperatures.iter().find(|t| !(t.is_finite() && **t > 0.0));
    bad.map_or(Ok(()), |bad| Err(PolicyError::range("temperatures", expected(), bad)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a policy over the rows of one sample.
    fn run(policy: Policy, rows: &[[f32; 2]]) -> (usize, usize, Reason) {
        let policy = policy.check(rows.len(), 2).unwrap();
        let mut state = policy.start();
        for (m, logits) in rows.iter().enumerate() {
            if let Decision::Exit(answer) = policy.observe(&mut state, &ExitOutput::new(m + 1, logits)).unwrap() {
                return (answer.exit, answer.label, answer.reason);
            }
        }
        panic!("no answer after the last exit");
    }

    const ROWS: [[f32; 2]; 4] = [[0.1, 0.0], [0.0, 0.2], [0.0, 0.3], [0.0, 9.0]];

    #[test]
    fn each_policy_on_one_sample() {
        for (policy, want) in [
            (Policy::full(), (4, 1, Reason::Last)),
            (Policy::fixed(1), (1, 0, Reason::Fixed)),
            (Policy::entropy(0.1), (4, 1, Reason::Threshold)),
            (Policy::entropy(0.0), (4, 1, Reason::Last)),
            (Policy::patience(1), (1, 0, Reason::Patience)),
            (Policy::patience(2), (3, 1, Reason::Patience)),
            (Policy::patience(4), (4, 1, Reason::Last)),
            (Policy::epee(0.999, 3), (1, 0, Reason::Threshold)),
            (Policy::epee(0.1, 2), (3, 1, Reason::Patience)),
            (Policy::epee(None, None), (4, 1, Reason::Last)),
        ] {
            assert_eq!(run(policy.clone(), &ROWS), want, "{policy}");
        }
        // Equal logits have entropy exactly 1, which is not below 1.
        assert_eq!(run(Policy::entropy(1.0), &[[1.0, 1.0], [1.0, 1.0]]), (2, 0, Reason::Last));
    }

    #[test]
    fn outputs_are_checked() {
        let policy = Policy::patience(2).check(3, 2).unwrap();
        for (exit, logits, want) in [
            (2, &[0.0, 0.0][..], "expected the logits of exit 1, got those of exit 2"),
            (1, &[0.0], "exit 1: expected 2 logits, got 1"),
            (1, &[0.0, f32::NAN], "exit 1: expected finite logits, got NaN for class 1"),
            (1, &[f32::INFINITY, 0.0], "exit 1: expected finite logits, got inf for class 0"),
        ] {
            let error = policy.observe(&mut policy.start(), &ExitOutput::new(exit, logits)).unwrap_err();
            assert_eq!(error.to_string(), want);
        }
    }

    #[test]
    fn a_learned_score_must_be_there_and_finite() {
        let policy: Policy = "berxit(threshold=0.5)".parse().unwrap();
        let policy = policy.check(3, 2).unwrap();
        let observe = |score| policy.observe(&mut policy.start(), &ExitOutput::new(1, &[0.0, 1.0]).with_score(score));
        assert!(observe(None).unwrap_err().to_string().contains("which this model does not have"));
        let nan = observe(Some(f32::NAN)).unwrap_err().to_string();
        assert_eq!(nan, "exit 1: expected a finite learned exit score, got NaN");
        assert_eq!(observe(Some(0.5)), Ok(Decision::Continue));
        assert!(matches!(observe(Some(0.4)), Ok(Decision::Exit(Answer { exit: 1, reason: Reason::Threshold, .. }))));
    }

    #[test]
    fn a_fixed_exit_needs_no_other() {
        let policy = Policy::fixed(2).check(3, 2).unwrap();
        assert_eq!([1, 2, 3].map(|m| policy.needs(m)), [false, true, false]);
        let decision = policy.observe(&mut policy.start(), &ExitOutput::new(2, &[0.0, 1.0])).unwrap();
        assert!(matches!(decision, Decision::Exit(Answer { exit: 2, label: 1, .. })));
        assert!(policy.observe(&mut policy.start(), &ExitOutput::new(3, &[0.0, 1.0])).is_err());
        let epee = Policy::epee(0.5, None).check(3, 2).unwrap();
        assert_eq!([0, 1, 3, 4].map(|m| epee.needs(m)), [false, true, true, false]);
    }
}
