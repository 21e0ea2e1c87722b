//! Certificates: the stored record of a certification.

use serde::{Deserialize, Serialize};

use super::{
    Bound, Caveat, CertificateRequest, CertificateScope, Certification, CertifiedSetting, PathSource, Risk,
    RuntimeIdentity, Sealed, Signature, VoidReason,
};
use crate::policy::Policy;
use crate::trace::Trace;

/// The guarantee that one policy of one model was given: each risk is at most ε with probability at least 1 − δ. Part of
/// `exits.json`.
///
/// Everything it states follows from the counts in `path`: [`Certificate::void`] computes it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The form of this record: 2. Version 0.1 of epee wrote none.
    #[serde(default)]
    pub format: u32,
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
    /// Reasons to trust it less, found when it was made.
    #[serde(default)]
    pub caveats: Vec<Caveat>,
    /// Certified settings from full depth to the choice, at most a hundred, evenly taken: a server may move among them.
    pub path: Vec<CertifiedSetting>,
    /// The digest of all of the above.
    #[serde(default)]
    pub seal: String,
    /// Somebody's signature of all of the above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
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
/// The form of the records that are written.
const FORMAT: u32 = 2;
/// The most samples that a record is believed to be about.
pub(super) const MOST_SAMPLES: usize = 1_000_000_000;

impl Certificate {
    /// The record of a certification; `trace_digest` is the digest of the trace file.
    pub fn new(
        certification: &Certification,
        request: &CertificateRequest,
        trace: &Trace,
        trace_digest: String,
    ) -> Certificate {
        let chosen = certification.chosen();
        let risk = |(i, &risk): (usize, &Risk)| CertifiedRisk {
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
        let path = (0..=steps).map(|i| certification.path[i * last / steps.max(1)].certified());
        Certificate {
            format: FORMAT,
            scope: CertificateScope::new(&chosen.policy, &certification.temperatures, trace, trace_digest),
            epsilon: request.epsilon,
            delta: request.delta,
            risks: request.risks.iter().enumerate().map(risk).collect(),
            saving: chosen.saving,
            samples: certification.samples,
            tested: certification.tested,
            path_source: if request.path == PathSource::Pareto { "pareto" } else { "prior" }.to_owned(),
            seed: certification.seed,
            caveats: certification.caveats.clone(),
            path: path.collect(),
            seal: String::new(),
            signature: None,
        }
        .sealed()
    }

    /// The reason why the guarantee does not hold for a model that runs like this: a record that contradicts itself, or
    /// another model or setting. `None` if it holds.
    ///
    /// A signature is not checked here: this crate holds no cryptography.
    pub fn void(&self, runs: &RuntimeIdentity<'_>) -> Option<VoidReason> {
        if self.format != FORMAT {
            return Some(VoidReason::Outdated);
        }
        self.scope.void(runs).or_else(|| self.contradiction())
    }

    /// A statement that does not follow from the counts, or an edit.
    fn contradiction(&self) -> Option<VoidReason> {
        let share = |value: f64| value > 0.0 && value < 1.0;
        if !share(self.epsilon) || !share(self.delta) {
            return Some(VoidReason::counts("a level"));
        }
        if !self.sizes_fit() {
            return Some(VoidReason::counts("the number of samples"));
        }
        let at_depth =
            |setting: Option<&CertifiedSetting>, policy: &Policy| setting.map(|it| &it.policy) == Some(policy);
        if !at_depth(self.path.first(), &Policy::full()) || !at_depth(self.path.last(), &self.scope.policy) {
            return Some(VoidReason::counts("the path"));
        }
        if self.risks.is_empty() || self.path.len() > MOST {
            return Some(VoidReason::counts("the list of risks"));
        }
        let path = self.path.iter().find_map(|setting| self.unsupported(setting));
        path.or_else(|| self.misstated()).or_else(|| (!self.is_sealed()).then_some(VoidReason::Edited))
    }

    /// True if the halves have the sizes that a test of such a path has.
    fn sizes_fit(&self) -> bool {
        let Certificate { samples, tested, .. } = *self;
        let half = tested == samples - samples / 2;
        let fits = match self.path_source.as_str() {
            "pareto" => half,
            // One half fits the temperatures.
            "prior" => tested == samples || half && !self.scope.temperatures.is_empty(),
            _ => false,
        };
        (1..=MOST_SAMPLES).contains(&samples) && fits
    }

    fn bound(&self, risk: &CertifiedRisk) -> Option<Bound> {
        Risk::named(&risk.risk, &self.scope.labels).and_then(|_| Bound::named(&risk.bound))
    }

    /// The reason why a setting of the path does not pass its test.
    fn unsupported(&self, setting: &CertifiedSetting) -> Option<VoidReason> {
        if setting.losses.len() != self.risks.len() {
            return Some(VoidReason::counts("the path"));
        }
        self.risks.iter().zip(&setting.losses).find_map(|(risk, losses)| {
            let Some(bound) = self.bound(risk) else {
                return Some(VoidReason::counts(format!("the risk `{}` with bound `{}`", risk.risk, risk.bound)));
            };
            let everything = matches!(risk.risk.as_str(), "consistency") && losses.n != self.tested as u64;
            let p = losses.p(bound, self.tested as u64, self.epsilon, self.delta);
            match p.filter(|_| !everything) {
                None => Some(VoidReason::counts(format!("the number of samples of `{}`", risk.risk))),
                Some(p) if p > self.delta => Some(VoidReason::Unsupported { risk: risk.risk.clone() }),
                Some(_) => None,
            }
        })
    }

    /// A statement about the choice that its counts contradict.
    fn misstated(&self) -> Option<VoidReason> {
        let chosen = self.path.last()?;
        let depth = chosen.exits.len();
        for setting in &self.path {
            let saving = setting.saving(self.tested as u64, depth);
            let full = setting.policy == Policy::full() && setting.exits.last() != Some(&(self.tested as u64));
            if saving.is_none() || full {
                return Some(VoidReason::counts("the exits of the path"));
            }
        }
        if !chosen.saving(self.tested as u64, depth).is_some_and(|saving| near(saving, self.saving)) {
            return Some(VoidReason::counts("the saving"));
        }
        self.risks.iter().zip(&chosen.losses).find_map(|(stated, losses)| {
            let levels = (self.epsilon, self.delta);
            let given = losses.risk(&stated.risk, self.bound(stated)?, self.tested as u64, levels);
            let field = |field: &str| VoidReason::counts(format!("the {field} of `{}`", stated.risk));
            let Some(given) = given else { return Some(field("counts")) };
            [
                ("number of samples", given.n == stated.n),
                ("losses", near(given.losses, stated.losses)),
                ("mean", near(given.mean, stated.mean)),
                ("upper bound", (given.upper - stated.upper).abs() < 2e-6),
                ("p-value", near(given.p, stated.p)),
            ]
            .into_iter()
            .find_map(|(name, fits)| (!fits).then(|| field(name)))
        })
    }
}

/// Equal but for the last digits, which may differ from machine to machine.
pub(super) fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9
}
