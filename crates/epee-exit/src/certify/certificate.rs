//! Certificates: the stored record of a certification.

use serde::{Deserialize, Serialize};

use super::{CertificateRequest, CertificateScope, Certification, PathSource, RuntimeIdentity};
use crate::policy::Policy;
use crate::statistics::{exact_binomial_p, hoeffding_bentkus_p};
use crate::trace::Trace;

/// The guarantee that one policy of one model was given: each risk is at most ε with probability at least 1 − δ. Part of
/// `exits.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The model, the setting and the samples it was given for.
    #[serde(alias = "grounds")]
    pub scope: CertificateScope,
    /// ε: each risk is at most this.
    pub epsilon: f64,
    /// δ: the guarantee fails with at most this probability, over the draw of the calibration samples.
    pub delta: f64,
    /// The risks, with the test's result for each.
    pub risks: Vec<CertifiedRisk>,
    /// The share of layers saved on the samples of the test.
    pub saving: f64,
    /// Samples in the trace.
    pub samples: usize,
    /// Samples that tested the path.
    pub tested: usize,
    /// The source of the path: `pareto` or `prior`.
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
    /// The number of test samples that the risk counts.
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

/// The most settings of a path that are stored.
const MOST: usize = 100;

impl Certificate {
    /// The record of a certification; `trace_digest` is the digest of the trace file.
    pub fn new(
        certification: &Certification,
        request: &CertificateRequest,
        trace: &Trace,
        trace_digest: String,
    ) -> Certificate {
        let chosen = certification.chosen();
        let risk = |(i, &risk): (usize, &super::Risk)| CertifiedRisk {
            risk: risk.name(|class| trace.class_name(class)),
            bound: request.bound.unwrap_or(risk.default_bound()).name().to_owned(),
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
            scope: CertificateScope::new(&chosen.policy, &certification.temperatures, trace, trace_digest),
            epsilon: request.epsilon,
            delta: request.delta,
            risks: request.risks.iter().enumerate().map(risk).collect(),
            saving: chosen.saving,
            samples: certification.samples,
            tested: certification.tested,
            path_source: if request.path == PathSource::Pareto { "pareto" } else { "prior" }.to_owned(),
            seed: request.seed,
            path: path.collect(),
        }
    }

    /// The reason why the guarantee does not hold for a model that runs like this: another model or setting, or a file whose
    /// numbers contradict the guarantee. `None` if it holds.
    pub fn void(&self, runs: &RuntimeIdentity<'_>) -> Option<String> {
        self.scope.void(runs).or_else(|| self.contradiction())
    }

    /// A contradiction between the numbers of the file, as after an edit.
    fn contradiction(&self) -> Option<String> {
        let share = |value: f64| value > 0.0 && value < 1.0;
        if !share(self.epsilon) || !share(self.delta) || self.risks.is_empty() {
            return Some("its file has no risk, or levels that are not between 0 and 1".to_owned());
        }
        let supported = |risk: &CertifiedRisk| {
            let (n, losses) = (risk.n as u64, risk.losses.max(0.0));
            let p = match risk.bound.as_str() {
                "exact" => exact_binomial_p(losses as u64, n, self.epsilon),
                "hoeffding-bentkus" => hoeffding_bentkus_p(losses, n, self.epsilon),
                // The order of the losses is not written down.
                _ => risk.p,
            };
            n > 0 && risk.n <= self.tested && risk.p <= self.delta && (p - risk.p).abs() < 1e-9
        };
        let weak = self.risks.iter().find(|risk| !supported(risk));
        weak.map(|risk| format!("the test results of `{}` in its file do not support it", risk.risk))
    }
}
