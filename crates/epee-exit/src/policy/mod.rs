//! Exit policies: pure functions of the logits seen so far.
//!
//! A [`Policy`] is a setting as people write it: a rule and its threshold. [`Policy::check`] turns it into a
//! [`CheckedPolicy`] for a model of M exits and K classes; that one runs, live or over a trace.
//!
//! To add a built-in policy: a type in `rules/` that implements [`ExitRule`], and a line in `table.rs`. A policy outside this
//! crate implements the same trait, see [`Policy::custom`].

mod checked;
mod ensemble;
mod error;
mod exit_output;
mod parts;
mod rule;
pub mod rules;
mod table;
mod text;
mod threshold;

use std::sync::Arc;

pub use checked::{Answer, CheckedPolicy, Decision, Reason};
pub use ensemble::Ensemble;
pub use error::{ExitOutputError, PolicyError};
pub use exit_output::ExitOutput;
pub use rule::{CustomRule, Direction, ExitRule, PolicyState, Signal};
pub use table::{PolicyKind, Rule};
pub use threshold::Threshold;

pub(crate) use checked::{Outcome, check_temperatures};
pub(crate) use text::serialize_text;

/// A setting of an exit policy, not yet checked against a model.
///
/// The text and the value of a built-in policy are inverse: `full`, `fixed(exit=3)`, `entropy(threshold=0.1)`,
/// `epee(threshold=0.1, patience=6)`; `never` stands for a part that is off. [`PolicyKind::ALL`] lists the built-in policies.
///
/// ```
/// # use epee_exit::Policy;
/// let policy: Policy = "epee(threshold=0.1, patience=never)".parse()?;
/// assert_eq!(policy, Policy::epee(0.1, None));
/// assert_eq!(policy.to_string(), "epee(threshold=0.1, patience=never)");
/// # Ok::<(), epee_exit::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The rule that decides when to stop.
    pub rule: Rule,
    /// The threshold its levels are compared with; never for a rule without one.
    pub threshold: Threshold,
    /// The exits whose probabilities make up the answer.
    pub ensemble: Ensemble,
}

impl Default for Policy {
    fn default() -> Self {
        Policy::full()
    }
}

impl Policy {
    /// A rule with a threshold. A rule without one, such as [`rules::Patience`], ignores it.
    pub fn new(rule: impl Into<Rule>, threshold: impl Into<Threshold>) -> Policy {
        let rule = rule.into();
        let threshold = if rule.has_threshold() { threshold.into() } else { Threshold::Never };
        Policy { rule, threshold, ensemble: Ensemble::None }
    }

    /// A policy of the caller's own. See [`ExitRule`] for an example.
    pub fn custom(rule: impl ExitRule + 'static, threshold: impl Into<Threshold>) -> Policy {
        Policy::new(Rule::Custom(CustomRule(Arc::new(rule))), threshold)
    }

    /// The last exit answers every sample.
    pub fn full() -> Policy {
        Policy::new(rules::Full, Threshold::Never)
    }

    /// Budgeted mode: one exit, 1 to M, answers every sample.
    pub fn fixed(exit: usize) -> Policy {
        Policy::new(rules::Fixed { exit }, Threshold::Never)
    }

    /// Eq. 1: exit if the normalised entropy is below τ, from 0 to 1.
    pub fn entropy(threshold: impl Into<Threshold>) -> Policy {
        Policy::new(rules::Entropy, threshold)
    }

    /// Eq. 2: exit if P_t exits in a row, from 1 to M, agree.
    pub fn patience(patience: impl Into<Option<usize>>) -> Policy {
        Policy::new(rules::Patience { patience: patience.into() }, Threshold::Never)
    }

    /// Eq. 3: either of the two.
    pub fn epee(threshold: impl Into<Threshold>, patience: impl Into<Option<usize>>) -> Policy {
        Policy::new(rules::Epee { patience: patience.into() }, threshold)
    }

    /// Checks the setting for a model of `exits` exits and `classes` classes.
    ///
    /// # Errors
    /// A part outside its range, a policy for another number of classes, or a model without exits or classes.
    ///
    /// ```
    /// # use epee_exit::Policy;
    /// let error = Policy::patience(13).check(12, 4).unwrap_err();
    /// assert_eq!(error.to_string(), "patience: expected 1 to 12 (the number of exits), got 13");
    /// ```
    pub fn check(&self, exits: usize, classes: usize) -> Result<CheckedPolicy, PolicyError> {
        if exits == 0 || classes == 0 {
            return Err(PolicyError::EmptyModel { exits, classes });
        }
        self.rule.check(exits, classes, &self.threshold)?;
        Ok(CheckedPolicy::new(self.clone(), exits, classes))
    }

    /// Refuses a policy of the caller's own, which cannot be read back from a file.
    ///
    /// # Errors
    /// [`PolicyError::Custom`].
    pub fn check_storable(&self) -> Result<(), PolicyError> {
        match self.kind() {
            Some(_) => Ok(()),
            None => Err(PolicyError::Custom { policy: self.to_string() }),
        }
    }

    /// The built-in policy this is a setting of; `None` for one of the caller's own.
    pub fn kind(&self) -> Option<PolicyKind> {
        self.rule.kind()
    }

    /// The name of its rule.
    pub fn name(&self) -> &str {
        match self.kind() {
            Some(kind) => kind.name(),
            None => self.rule.name(),
        }
    }

    /// Its threshold, if its rule has one.
    pub fn threshold(&self) -> Option<&Threshold> {
        self.rule.has_threshold().then_some(&self.threshold)
    }

    /// The same setting with another threshold; itself if its rule has none.
    #[must_use]
    pub fn with_threshold(&self, threshold: impl Into<Threshold>) -> Policy {
        Policy { ensemble: self.ensemble, ..Policy::new(self.rule.clone(), threshold) }
    }

    /// The same setting with another way to combine answers.
    #[must_use]
    pub fn with_ensemble(&self, ensemble: Ensemble) -> Policy {
        Policy { ensemble, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(policy: Policy, exits: usize, classes: usize) -> String {
        policy.check(exits, classes).unwrap_err().to_string()
    }

    #[test]
    fn check_names_what_was_expected_and_got() {
        for (threshold, text) in [(1.5, "1.5"), (-0.1, "-0.1"), (f64::NAN, "NaN")] {
            let got = error(Policy::entropy(threshold), 12, 4);
            assert_eq!(got, format!("threshold: expected a number from 0 to 1, got {text}"));
            assert_eq!(error(Policy::epee(threshold, 3), 12, 4), got);
        }
        let zero = error(Policy::patience(0), 12, 4);
        assert_eq!(zero, "patience: expected 1 to 12 (the number of exits), or `never` for full depth, got 0");
        let exit = error(Policy::fixed(7), 6, 4);
        assert_eq!(exit, "exit: expected 1 to 6 (the number of exits), got 7");
    }

    #[test]
    fn one_threshold_for_each_exit_before_the_last() {
        let list = |n: usize| Policy::epee(Threshold::PerExit(vec![Some(0.5); n]), 2);
        assert!(list(5).check(6, 2).is_ok());
        let text = error(list(6), 6, 2);
        assert_eq!(text, "threshold: expected 5 values (one for each exit before the last), got 6");
        let text = error(Policy::new(rules::Pcee { patience: 1 }, Threshold::PerExit(vec![None])), 2, 2);
        assert!(text.contains("the policy compares several exits"), "{text}");
        let bad = Policy::entropy(Threshold::PerExit(vec![None, Some(2.0)]));
        assert_eq!(error(bad, 3, 2), "threshold: expected a number from 0 to 1, got 2");
    }

    #[test]
    fn classes_are_checked() {
        assert!(error(Policy::entropy(0.0), 2, 1).contains("at least 2 classes"));
        assert!(error(Policy::epee(0.5, None), 2, 1).contains("at least 2 classes"));
        assert!(Policy::epee(None, 2).check(2, 1).is_ok());
        assert!(Policy::patience(2).check(2, 1).is_ok());
        let elbert: Policy = "elbert(threshold=0.1, window=2)".parse().unwrap();
        assert_eq!(error(elbert, 2, 3), "elbert needs 2 classes, got 3 classes");
        let regression: Policy = "pabee(patience=2, distance=0.1)".parse().unwrap();
        assert_eq!(
            error(regression.clone(), 2, 3),
            "pabee with a distance needs one number from each exit, got 3 classes"
        );
        assert!(regression.check(2, 1).is_ok());
        assert_eq!(
            error("deebert(threshold=0.1)".parse().unwrap(), 2, 1),
            "deebert needs at least 2 classes, got 1 class"
        );
    }

    #[test]
    fn the_ends_of_each_range_are_allowed() {
        for threshold in [0.0, -0.0, 1.0] {
            assert!(Policy::entropy(threshold).check(3, 2).is_ok());
        }
        for n in [1, 3] {
            assert!(Policy::patience(n).check(3, 2).is_ok());
            assert!(Policy::fixed(n).check(3, 2).is_ok());
        }
        assert!(Policy::full().check(0, 2).is_err());
        assert!(Policy::full().check(2, 0).is_err());
    }
}
