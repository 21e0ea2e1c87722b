//! What is written down of a certification, and when it no longer holds.

use serde::{Deserialize, Serialize};

use super::{
    CertificateRequest, CertificateScope, Certification, PathSource, RuntimeIdentity, exact_binomial_p,
    hoeffding_bentkus_p,
};
use crate::policy::Policy;
use crate::trace::Trace;

/// A promise about one policy of one model, and what it rests on. Part of `exits.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The setting that was certified, of which model, on which samples.
    pub grounds: CertificateScope,
    /// ε: each risk is at most this.
    pub epsilon: f64,
    /// δ: the promise fails with at most this probability, over the draw of the calibration samples.
    pub delta: f64,
    /// The risks, and what the test saw of each.
    pub risks: Vec<CertifiedRisk>,
    /// The share of layers saved on the samples of the test.
    pub saving: f64,
    /// Samples in the trace.
    pub samples: usize,
    /// Those that tested the path.
    pub tested: usize,
    /// `pareto` or `prior`: where the path came from.
    pub path_source: String,
    /// Seed of the split and of the order.
    pub seed: u64,
    /// Certified settings from full depth to the choice, at most a hundred, evenly taken: a server may move among them.
    pub path: Vec<Policy>,
}

/// One risk of a certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertifiedRisk {
    /// `consistency`, `gap`, `error` or `class:NAME`.
    pub risk: String,
    /// `exact`, `hoeffding-bentkus` or `betting`.
    pub bound: String,
    /// How many samples of the test the risk speaks of.
    pub n: usize,
    /// The sum of their losses.
    pub losses: f64,
    /// Their mean.
    pub mean: f64,
    /// The upper bound at confidence 1 − δ.
    pub upper: f64,
    /// The p-value of "the risk is above ε".
    pub p: f64,
}

/// The most settings of a path that are written down.
const MOST: usize = 100;

impl Certificate {
    /// Writes down a certification; `trace_digest` names the trace's bytes.
    pub fn new(
        certification: &Certification,
        demand: &CertificateRequest,
        trace: &Trace,
        trace_digest: String,
    ) -> Certificate {
        let chosen = certification.chosen();
        let risk = |(i, &risk): (usize, &super::Risk)| CertifiedRisk {
            risk: risk.name(|class| trace.class_name(class)),
            bound: demand.bound.unwrap_or(risk.natural_bound()).name().to_owned(),
            n: chosen.risks[i].n,
            losses: chosen.risks[i].losses,
            mean: chosen.risks[i].mean,
            upper: chosen.upper[i],
            p: chosen.risks[i].p,
        };
        let last = certification.certified - 1;
        let steps = last.min(MOST - 1);
        let path = (0..=steps).map(|i| certification.path[i * last / steps.max(1)].policy.clone());
        Certificate {
            grounds: CertificateScope::new(&chosen.policy, &certification.temperatures, trace, trace_digest),
            epsilon: demand.epsilon,
            delta: demand.delta,
            risks: demand.risks.iter().enumerate().map(risk).collect(),
            saving: chosen.saving,
            samples: certification.samples,
            tested: certification.tested,
            path_source: if demand.path == PathSource::Pareto { "pareto" } else { "prior" }.to_owned(),
            seed: demand.seed,
            path: path.collect(),
        }
    }

    /// Why the promise does not hold for a model that runs like this: another model, or a file whose numbers do not bear
    /// their promise out. `None` where it holds.
    pub fn void(&self, runs: &RuntimeIdentity<'_>) -> Option<String> {
        self.grounds.void(runs).or_else(|| self.contradiction())
    }

    /// What in the file contradicts itself, as after an edit.
    fn contradiction(&self) -> Option<String> {
        let share = |value: f64| value > 0.0 && value < 1.0;
        if !share(self.epsilon) || !share(self.delta) || self.risks.is_empty() {
            return Some("its file names no risk, or levels that are not between 0 and 1".to_owned());
        }
        let borne_out = |risk: &CertifiedRisk| {
            let (n, losses) = (risk.n as u64, risk.losses.max(0.0));
            let p = match risk.bound.as_str() {
                "exact" => exact_binomial_p(losses as u64, n, self.epsilon),
                "hoeffding-bentkus" => hoeffding_bentkus_p(losses, n, self.epsilon),
                // The order of the losses is not written down.
                _ => risk.p,
            };
            n > 0 && risk.n <= self.tested && risk.p <= self.delta && (p - risk.p).abs() < 1e-9
        };
        let weak = self.risks.iter().find(|risk| !borne_out(risk));
        weak.map(|risk| format!("what its file says was seen of `{}` does not bear the promise out", risk.risk))
    }
}
