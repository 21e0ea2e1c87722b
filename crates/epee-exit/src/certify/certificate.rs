//! What is written down of a certification, and when it no longer holds.

use serde::{Deserialize, Serialize};

use super::{Certification, Demand, PathSource};
use crate::policy::Policy;
use crate::trace::Trace;

/// A promise about one policy of one model, and what it rests on. Part of `exits.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// The setting that was certified.
    pub policy: Policy,
    /// What each exit's logits are divided by; empty for nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub temperatures: Vec<f64>,
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
    /// Digest of the trace.
    pub trace_digest: String,
    /// Digest of the model.
    pub model_digest: Option<String>,
    /// Digest of the data.
    pub data_digest: Option<String>,
    /// The split the trace was recorded on.
    pub split: Option<String>,
    /// The precision of the forward pass.
    pub precision: Option<String>,
    /// The classes.
    pub labels: Vec<String>,
    /// The version of epee that wrote this.
    pub epee_version: String,
}

/// One risk of a certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    pub fn new(certification: &Certification, demand: &Demand, trace: &Trace, trace_digest: String) -> Certificate {
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
        let from = trace.provenance();
        Certificate {
            policy: chosen.policy.clone(),
            temperatures: certification.temperatures.clone(),
            epsilon: demand.epsilon,
            delta: demand.delta,
            risks: demand.risks.iter().enumerate().map(risk).collect(),
            saving: chosen.saving,
            samples: certification.samples,
            tested: certification.tested,
            path_source: if demand.path == PathSource::Pareto { "pareto" } else { "prior" }.to_owned(),
            seed: demand.seed,
            path: path.collect(),
            trace_digest,
            model_digest: from.model_digest.clone(),
            data_digest: from.data_digest.clone(),
            split: from.split.clone(),
            precision: from.precision.clone(),
            labels: (0..trace.classes()).map(|class| trace.class_name(class)).collect(),
            epee_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Why the promise does not hold for a model that runs like this; `None` where it does. What the trace did not say
    /// cannot be compared, and voids nothing.
    pub fn void(&self, runs: &Running<'_>) -> Option<String> {
        let other = |what: &str, expected: &str, got: &str| {
            (expected != got).then(|| format!("it was given for {what} {expected}, this is {got}"))
        };
        let known = |what: &str, expected: &Option<String>, got: &str| {
            expected.as_deref().and_then(|expected| other(what, expected, got))
        };
        let temperatures = || {
            let text = |all: &[f64]| if all.is_empty() { "none".to_owned() } else { format!("{all:?}") };
            other("the temperatures", &text(&self.temperatures), &text(runs.temperatures))
        };
        // The digest covers the labels; they are compared first because their words say more.
        other("the classes", &self.labels.join(", "), &runs.labels.join(", "))
            .or_else(|| known("the model", &self.model_digest, runs.model_digest))
            .or_else(|| known("precision", &self.precision, runs.precision))
            .or_else(|| other("the policy", &self.policy.to_string(), &runs.policy.to_string()))
            .or_else(temperatures)
    }
}

/// A model as it runs, for [`Certificate::void`].
#[derive(Clone, Copy, Debug)]
pub struct Running<'a> {
    /// Digest of the model.
    pub model_digest: &'a str,
    /// Its classes.
    pub labels: &'a [String],
    /// The precision it runs at.
    pub precision: &'a str,
    /// The policy it runs.
    pub policy: &'a Policy,
    /// What its logits are divided by.
    pub temperatures: &'a [f64],
}
