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

    #[test]
    fn check_names_what_was_expected_and_got() {
        const SHARE: &str = "threshold: expected a number from 0 to 1, got";
        const CLASSES: &str = "at least 2 classes, got 1 class";
        for (text, exits, classes, want) in [
            ("entropy(threshold=1.5)", 12, 4, format!("{SHARE} 1.5")),
            ("entropy(threshold=-0.1)", 12, 4, format!("{SHARE} -0.1")),
            ("epee(threshold=1.5, patience=3)", 12, 4, format!("{SHARE} 1.5")),
            ("entropy(threshold=[never, 2])", 3, 2, format!("{SHARE} 2")),
            (
                "patience(patience=0)",
                12,
                4,
                "patience: expected 1 to 12 (the number of exits), or `never` for full depth, got 0".into(),
            ),
            ("fixed(exit=7)", 6, 4, "exit: expected 1 to 6 (the number of exits), got 7".into()),
            (
                "epee(threshold=[1, 1, 1, 1, 1, 1], patience=2)",
                6,
                2,
                "threshold: expected 5 values (one for each exit before the last), got 6".into(),
            ),
            (
                "pcee(threshold=[never], patience=1)",
                2,
                2,
                "threshold: expected one number, since the policy compares several exits with it, got a list".into(),
            ),
            ("entropy(threshold=0)", 2, 1, format!("threshold: an entropy threshold needs {CLASSES}")),
            ("epee(threshold=0.5, patience=never)", 2, 1, format!("threshold: an entropy threshold needs {CLASSES}")),
            ("deebert(threshold=0.1)", 2, 1, format!("deebert needs {CLASSES}")),
            ("elbert(threshold=0.1, window=2)", 2, 3, "elbert needs 2 classes, got 3 classes".into()),
            (
                "pabee(patience=2, distance=0.1)",
                2,
                3,
                "pabee with a distance needs one number from each exit, got 3 classes".into(),
            ),
            ("full", 0, 2, "expected at least 1 exit and 1 class, got 0 exits and 2 classes".into()),
            ("full", 2, 0, "expected at least 1 exit and 1 class, got 2 exits and 0 classes".into()),
        ] {
            let policy: Policy = text.parse().unwrap();
            assert_eq!(policy.check(exits, classes).unwrap_err().to_string(), want, "{text}");
        }
        let nan = Policy::entropy(f64::NAN).check(2, 2).unwrap_err();
        assert_eq!(nan.to_string(), format!("{SHARE} NaN"));
    }

    #[test]
    fn the_ends_of_each_range_are_allowed() {
        for (text, exits, classes) in [
            ("entropy(threshold=0)", 3, 2),
            ("entropy(threshold=-0)", 3, 2),
            ("entropy(threshold=1)", 3, 2),
            ("patience(patience=1)", 3, 2),
            ("patience(patience=3)", 3, 1),
            ("fixed(exit=1)", 3, 2),
            ("fixed(exit=3)", 3, 2),
            ("epee(threshold=[1, 1], patience=2)", 3, 2),
            ("epee(threshold=never, patience=2)", 2, 1),
            ("pabee(patience=2, distance=0.1)", 2, 1),
        ] {
            assert!(text.parse::<Policy>().unwrap().check(exits, classes).is_ok(), "{text}");
        }
    }
}
