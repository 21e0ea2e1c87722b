//! Exit policies: pure functions of the logits seen so far.
//!
//! A [`Policy`] is a setting as people write it. [`Policy::check`] turns it into a [`CheckedPolicy`]
//! for a model of M exits and K classes; that one runs, live or over a trace. Nothing here knows
//! where logits come from.
//!
//! To add a policy: a file in `rules/` that says what it makes of one exit, and a line in `table.rs`.

mod ensemble;
mod error;
mod observe;
mod parts;
mod rule;
mod rules;
mod table;
mod text;
mod threshold;

pub use ensemble::Ensemble;
pub use error::{ExitOutputError, PolicyError};
pub use observe::{Answer, CheckedPolicy, Decision, ExitOutput, ExitPolicy, Reason};
pub use rule::PolicyState;
pub use rules::*;
pub use table::{PolicyKind, Rule};
pub use threshold::Threshold;

pub(crate) use observe::{Outcome, check_temperatures};
pub(crate) use rule::{Direction, Reading};

/// A setting of an exit policy, not yet checked against a model.
///
/// Its text and its value are inverse: `full`, `fixed(exit=3)`, `entropy(threshold=0.1)`,
/// `epee(threshold=0.1, patience=6)`; `never` stands for a part that is off. [`PolicyKind::ALL`] has them all.
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
    /// When to stop.
    pub rule: Rule,
    /// What the answer is made of.
    pub ensemble: Ensemble,
}

impl<R: Into<Rule>> From<R> for Policy {
    fn from(rule: R) -> Self {
        Policy { rule: rule.into(), ensemble: Ensemble::None }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Policy::full()
    }
}

impl Policy {
    /// The last exit answers every sample.
    pub fn full() -> Policy {
        Full.into()
    }

    /// Budgeted mode: one exit, 1 to M, answers every sample.
    pub fn fixed(exit: usize) -> Policy {
        Fixed { exit }.into()
    }

    /// Eq. 1: exit where the normalised entropy is below τ, from 0 to 1.
    pub fn entropy(threshold: impl Into<Threshold>) -> Policy {
        Entropy { threshold: threshold.into() }.into()
    }

    /// Eq. 2: exit where P_t, from 1 to M, exits in a row agree.
    pub fn patience(patience: impl Into<Option<usize>>) -> Policy {
        Patience { patience: patience.into() }.into()
    }

    /// Eq. 3: either of the two.
    pub fn epee(threshold: impl Into<Threshold>, patience: impl Into<Option<usize>>) -> Policy {
        Epee { threshold: threshold.into(), patience: patience.into() }.into()
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
        self.rule.check(exits, classes)?;
        Ok(CheckedPolicy::new(self.clone(), exits, classes))
    }

    /// Which policy this is a setting of.
    pub fn kind(&self) -> PolicyKind {
        self.rule.kind()
    }

    /// Its threshold, where it has one.
    pub fn threshold(&self) -> Option<&Threshold> {
        self.rule.threshold()
    }

    /// The same setting with another threshold; itself where it has none.
    #[must_use]
    pub fn with_threshold(&self, threshold: impl Into<Threshold>) -> Policy {
        let mut policy = self.clone();
        if let Some(part) = policy.rule.threshold_mut() {
            *part = threshold.into();
        }
        policy
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
        assert!(zero.starts_with("patience: expected 1 to 12 (the number of exits), got 0"), "{zero}");
        let exit = error(Policy::fixed(7), 6, 4);
        assert_eq!(exit, "exit: expected 1 to 6 (the number of exits), got 7");
    }

    #[test]
    fn one_threshold_for_each_exit_before_the_last() {
        let list = |n: usize| Policy::epee(Threshold::PerExit(vec![Some(0.5); n]), 2);
        assert!(list(5).check(6, 2).is_ok());
        let text = error(list(6), 6, 2);
        assert_eq!(text, "threshold: expected 5 values (one for each exit before the last), got 6");
        let text = error(Pcee { threshold: Threshold::PerExit(vec![None]), patience: 1 }.into(), 2, 2);
        assert!(text.contains("pcee looks at several exits at once"), "{text}");
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
