//! Ensembles: an answer made of several exits' probabilities.

use crate::named::{Named, named};

/// The exits whose probabilities make up an answer.
///
/// ```
/// # use epee_exit::{Ensemble, Policy};
/// let policy: Policy = "patience(patience=3, ensemble=all-mean)".parse()?;
/// assert_eq!(policy.ensemble, Ensemble::AllMean);
/// # Ok::<(), epee_exit::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ensemble {
    /// The exit that answers, alone; or the policy's own answer (Shallow-Deep, voting).
    #[default]
    None,
    /// The mean over the exits in a row, up to the one that answers, that agree with it. The class is that exit's; the
    /// probabilities are steadier.
    RunMean,
    /// The mean over all exits up to the one that answers.
    AllMean,
}

named!(Ensemble { None = "none", RunMean = "run-mean", AllMean = "all-mean" });

impl Ensemble {
    /// The ensemble of a name.
    pub fn named(name: &str) -> Option<Ensemble> {
        Ensemble::read(name).ok()
    }

    /// Adds an exit's probabilities to a sum; `run` is P_m, 1 if the exit disagrees with the one before.
    pub(super) fn add(self, sum: &mut Vec<f64>, probabilities: &[f64], run: usize) {
        if sum.is_empty() || (self == Ensemble::RunMean && run == 1) {
            sum.clear();
            sum.resize(probabilities.len(), 0.0);
        }
        for (sum, p) in sum.iter_mut().zip(probabilities) {
            *sum += p;
        }
    }
}
