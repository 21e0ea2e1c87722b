//! Ensembles: an answer made of several exits' probabilities.

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

impl Ensemble {
    /// All of them.
    pub const ALL: [Ensemble; 3] = [Ensemble::None, Ensemble::RunMean, Ensemble::AllMean];

    /// Each with its name in settings.
    pub(super) const NAMES: [(&str, Ensemble); 3] =
        [("none", Ensemble::None), ("run-mean", Ensemble::RunMean), ("all-mean", Ensemble::AllMean)];

    /// Its name in settings: `none`, `run-mean` or `all-mean`.
    pub fn name(self) -> &'static str {
        Ensemble::NAMES[self as usize].0
    }

    /// The ensemble of a name.
    pub fn named(name: &str) -> Option<Ensemble> {
        Ensemble::ALL.into_iter().find(|ensemble| ensemble.name() == name)
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
