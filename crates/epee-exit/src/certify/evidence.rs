//! Evidence: the counts of a test, from which everything that a certificate states follows.

use serde::{Deserialize, Serialize};

use super::risk::Losses;
use super::{Bound, CertifiedRisk};
use crate::metrics::saving;
use crate::policy::Policy;

/// The most samples whose losses in order are gone through again when a certificate is read.
const MOST_BETS: u64 = 10_000_000;

/// A certified setting, and the counts of its test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct CertifiedSetting {
    /// The setting.
    pub policy: Policy,
    /// The number of samples that left at each exit.
    pub exits: Vec<u64>,
    /// For each risk of the certificate, the losses of the samples that it counts.
    pub losses: Vec<LossCounts>,
}

/// The losses of the samples that a risk counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossCounts {
    /// The number of samples.
    pub n: u64,
    /// The sum of their losses.
    pub sum: i64,
    /// Position, from 0, and value of each loss that is not 0, for a bound that depends on the order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_order: Vec<(u64, i8)>,
}

/// Version 0.1 stored the policy alone.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Stored {
    Policy(Policy),
    Setting { policy: Policy, exits: Vec<u64>, losses: Vec<LossCounts> },
}

impl From<Stored> for CertifiedSetting {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Policy(policy) => CertifiedSetting { policy, exits: Vec::new(), losses: Vec::new() },
            Stored::Setting { policy, exits, losses } => CertifiedSetting { policy, exits, losses },
        }
    }
}

impl CertifiedSetting {
    /// The share of layers saved, if every sample of the test left at one of the model's exits.
    pub(super) fn saving(&self, tested: u64, exits: usize) -> Option<f64> {
        let total = self.exits.iter().try_fold(0u64, |sum, &count| sum.checked_add(count))?;
        let layer = |(layers, m): (u64, u64), count: &u64| Some((layers.checked_add(m.checked_mul(*count)?)?, m + 1));
        let (layers, _) = self.exits.iter().try_fold((0, 1), layer)?;
        (total == tested && tested > 0 && self.exits.len() == exits).then(|| saving(layers, tested as usize, exits))
    }
}

impl LossCounts {
    /// The losses, if the counts agree with each other and a test of so many samples can have them.
    fn losses(&self, bound: Bound, tested: u64) -> Option<Losses> {
        let LossCounts { n, sum, ref in_order } = *self;
        let possible = n > 0 && n <= tested && sum.unsigned_abs() <= n;
        if bound != Bound::Betting {
            return (possible && sum >= 0 && in_order.is_empty()).then(|| Losses::counted(n, sum, bound));
        }
        let ascending = in_order.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let inside = in_order.iter().all(|&(at, loss)| at < n && matches!(loss, -1 | 1));
        let total: i64 = in_order.iter().map(|&(_, loss)| i64::from(loss)).sum();
        if !(possible && n <= MOST_BETS && ascending && inside && total == sum) {
            return None;
        }
        let mut values = vec![0; n as usize];
        in_order.iter().for_each(|&(at, loss)| values[at as usize] = loss);
        Some(Losses::new(values.into_iter(), bound))
    }

    /// The p-value of "the risk is above ε" that the counts give.
    pub(super) fn p(&self, bound: Bound, tested: u64, epsilon: f64, delta: f64) -> Option<f64> {
        self.losses(bound, tested).map(|losses| losses.p(epsilon, delta))
    }

    /// All that a certificate states of a risk, from the counts.
    pub(super) fn risk(
        &self,
        name: &str,
        bound: Bound,
        tested: u64,
        (epsilon, delta): (f64, f64),
    ) -> Option<CertifiedRisk> {
        let losses = self.losses(bound, tested)?;
        Some(CertifiedRisk {
            risk: name.to_owned(),
            bound: bound.name().to_owned(),
            n: losses.len(),
            losses: losses.sum(),
            mean: losses.mean(),
            upper: losses.upper(delta),
            p: losses.p(epsilon, delta),
        })
    }
}
