//! Exit policies: pure functions of the logits seen so far.
//!
//! A [`Policy`] is a setting as people write it. [`Policy::check`] turns it into a [`CheckedPolicy`]
//! for a model of M exits and K classes; that one runs, live or over a trace. Nothing here knows
//! where logits come from.

mod error;
mod observe;
mod text;

pub use error::{EvidenceError, PolicyError};
pub use observe::{Answer, CheckedPolicy, Decision, Evidence, ExitPolicy, PolicyState, Reason};
pub use text::PolicyKind;

use observe::Rule;

/// A setting of an exit policy, not yet checked against a model.
///
/// Its text and its value are inverse: `full`, `fixed(exit=3)`, `entropy(threshold=0.1)`,
/// `patience(patience=4)`, `epee(threshold=0.1, patience=6)`; `never` stands for a part that is off.
///
/// ```
/// # use epee_exit::Policy;
/// let policy: Policy = "epee(threshold=0.1, patience=never)".parse()?;
/// assert_eq!(policy, Policy::Epee { threshold: Some(0.1), patience: None });
/// assert_eq!(policy.to_string(), "epee(threshold=0.1, patience=never)");
/// # Ok::<(), epee_exit::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Policy {
    /// The last exit answers every sample.
    #[default]
    Full,
    /// Budgeted mode: one exit answers every sample.
    Fixed {
        /// The exit, 1 to M.
        exit: usize,
    },
    /// Eq. 1: exit where the normalised entropy is below the threshold, `H_m < τ`.
    Entropy {
        /// τ, from 0 to 1.
        threshold: f64,
    },
    /// Eq. 2: exit where `patience` exits in a row agree, `P_m >= P_t`.
    Patience {
        /// P_t, from 1 to M.
        patience: usize,
    },
    /// Eq. 3: exit at `H_m < τ` or `P_m >= P_t`.
    Epee {
        /// τ, from 0 to 1; `None` is never.
        threshold: Option<f64>,
        /// P_t, from 1 to M; `None` is never.
        patience: Option<usize>,
    },
}

impl Policy {
    /// Checks the setting for a model of `exits` exits and `classes` classes.
    ///
    /// # Errors
    /// A threshold outside [0, 1], a patience or exit outside 1 to M, a threshold where there is only
    /// one class (the entropy of Eq. 1 is not defined there), or a model without exits or classes.
    ///
    /// ```
    /// # use epee_exit::Policy;
    /// let error = Policy::Patience { patience: 13 }.check(12, 4).unwrap_err();
    /// assert_eq!(error.to_string(), "patience: expected 1 to 12 (the number of exits), got 13");
    /// ```
    pub fn check(&self, exits: usize, classes: usize) -> Result<CheckedPolicy, PolicyError> {
        if exits == 0 || classes == 0 {
            return Err(PolicyError::EmptyModel { exits, classes });
        }
        let rule = match *self {
            Policy::Full => Rule::At { exit: exits, reason: Reason::Last },
            Policy::Fixed { exit } => {
                if exit == 0 || exit > exits {
                    return Err(PolicyError::Exit { exits, got: exit });
                }
                Rule::At { exit, reason: Reason::Fixed }
            }
            Policy::Entropy { .. } | Policy::Patience { .. } | Policy::Epee { .. } => {
                let (threshold, patience) = self.parts();
                if let Some(got) = threshold {
                    if !(0.0..=1.0).contains(&got) {
                        return Err(PolicyError::Threshold { got });
                    }
                    if classes == 1 {
                        return Err(PolicyError::OneClass);
                    }
                }
                if let Some(got) = patience
                    && (got == 0 || got > exits)
                {
                    return Err(PolicyError::Patience { exits, got });
                }
                // Entropy is never below 0, a run never longer than M: both stand for "never".
                Rule::Dynamic { threshold: threshold.unwrap_or(0.0), patience: patience.unwrap_or(usize::MAX) }
            }
        };
        Ok(CheckedPolicy::new(*self, rule, exits, classes))
    }

    /// The entropy threshold and the patience, where the policy has them.
    pub fn parts(&self) -> (Option<f64>, Option<usize>) {
        match *self {
            Policy::Full | Policy::Fixed { .. } => (None, None),
            Policy::Entropy { threshold } => (Some(threshold), None),
            Policy::Patience { patience } => (None, Some(patience)),
            Policy::Epee { threshold, patience } => (threshold, patience),
        }
    }

    /// Which policy this is a setting of.
    pub fn kind(&self) -> PolicyKind {
        match self {
            Policy::Full => PolicyKind::Full,
            Policy::Fixed { .. } => PolicyKind::Fixed,
            Policy::Entropy { .. } => PolicyKind::Entropy,
            Policy::Patience { .. } => PolicyKind::Patience,
            Policy::Epee { .. } => PolicyKind::Epee,
        }
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
            let got = error(Policy::Entropy { threshold }, 12, 4);
            assert_eq!(got, format!("threshold: expected a number from 0 to 1, got {text}"));
            let epee = Policy::Epee { threshold: Some(threshold), patience: Some(3) };
            assert_eq!(error(epee, 12, 4), got);
        }
        let zero = error(Policy::Patience { patience: 0 }, 12, 4);
        assert!(zero.starts_with("patience: expected 1 to 12 (the number of exits), got 0"), "{zero}");
        let exit = error(Policy::Fixed { exit: 7 }, 6, 4);
        assert_eq!(exit, "exit: expected 1 to 6 (the number of exits), got 7");
    }

    #[test]
    fn one_class_has_no_entropy_policy() {
        assert!(error(Policy::Entropy { threshold: 0.0 }, 2, 1).contains("at least 2 classes"));
        let epee = Policy::Epee { threshold: Some(0.5), patience: None };
        assert!(error(epee, 2, 1).contains("at least 2 classes"));
        assert!(Policy::Epee { threshold: None, patience: Some(2) }.check(2, 1).is_ok());
        assert!(Policy::Patience { patience: 2 }.check(2, 1).is_ok());
    }

    #[test]
    fn the_ends_of_each_range_are_allowed() {
        for threshold in [0.0, -0.0, 1.0] {
            assert!(Policy::Entropy { threshold }.check(3, 2).is_ok());
        }
        for n in [1, 3] {
            assert!(Policy::Patience { patience: n }.check(3, 2).is_ok());
            assert!(Policy::Fixed { exit: n }.check(3, 2).is_ok());
        }
        assert!(Policy::Full.check(0, 2).is_err());
        assert!(Policy::Full.check(2, 0).is_err());
    }
}
