//! The scope of a certificate: the model, setting and samples it was given for.

use serde::{Deserialize, Serialize};

use super::VoidReason;
use crate::policy::Policy;
use crate::trace::Trace;

/// The model, the setting and the samples that a guarantee was given for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateScope {
    /// The setting.
    pub policy: Policy,
    /// The temperature of each exit; empty for none.
    #[serde(default)]
    pub temperatures: Vec<f64>,
    /// The classes.
    pub labels: Vec<String>,
    /// Digest of the model: every file and field that inference reads.
    pub model_digest: Option<String>,
    /// The precision of the forward pass.
    pub precision: Option<String>,
    /// The numeric class of the forward pass; machines of one class give the same bits.
    #[serde(default)]
    pub numeric_class: Option<String>,
    /// The split the trace was recorded on.
    pub split: Option<String>,
    /// Digest of the data.
    pub data_digest: Option<String>,
    /// Digest of the trace.
    pub trace_digest: String,
    /// The version of epee that wrote this.
    pub epee_version: String,
}

impl CertificateScope {
    /// The scope of a setting over a trace; `trace_digest` is the digest of the trace file.
    pub fn new(policy: &Policy, temperatures: &[f64], trace: &Trace, trace_digest: String) -> CertificateScope {
        let from = trace.provenance();
        CertificateScope {
            policy: policy.clone(),
            temperatures: temperatures.to_vec(),
            labels: (0..trace.classes()).map(|class| trace.class_name(class)).collect(),
            model_digest: from.model_digest.clone(),
            precision: from.precision.clone(),
            numeric_class: from.numeric_class.clone(),
            split: from.split.clone(),
            data_digest: from.data_digest.clone(),
            trace_digest,
            epee_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The reason why the guarantee does not hold for a model that runs like this; `None` if it holds.
    pub fn void(&self, runs: &RuntimeIdentity<'_>) -> Option<VoidReason> {
        let other = |what: &'static str, expected: &str, got: &str| {
            let (expected, got) = (expected.to_owned(), got.to_owned());
            (expected != got).then_some(VoidReason::Other { what, expected, got })
        };
        let known = |what: &'static str, name: &'static str, expected: &Option<String>, got: &str| match expected {
            Some(expected) => other(what, expected, got),
            None => Some(VoidReason::Unnamed { what: name }),
        };
        let policy = || {
            // Two thresholds can differ by less than their text shows.
            let (expected, got) = (self.policy.to_string(), runs.policy.to_string());
            (self.policy != *runs.policy).then_some(VoidReason::Other { what: "the policy", expected, got })
        };
        let temperatures = || {
            let text = |all: &[f64]| if all.is_empty() { "none".to_owned() } else { format!("{all:?}") };
            other("the temperatures", &text(&self.temperatures), &text(runs.temperatures))
        };
        // The digest covers the labels; they are compared first because their words say more.
        other("the classes", &self.labels.join(", "), &runs.labels.join(", "))
            .or_else(|| known("the model", "model", &self.model_digest, runs.model_digest))
            .or_else(|| known("precision", "precision", &self.precision, runs.precision))
            .or_else(|| known("the numeric class", "numeric class", &self.numeric_class, runs.numeric_class))
            .or_else(policy)
            .or_else(temperatures)
    }
}

/// The identity of a running model, for [`CertificateScope::void`].
#[derive(Clone, Copy, Debug)]
pub struct RuntimeIdentity<'a> {
    /// Digest of the model.
    pub model_digest: &'a str,
    /// Its classes.
    pub labels: &'a [String],
    /// The precision it runs at.
    pub precision: &'a str,
    /// The numeric class it runs in.
    pub numeric_class: &'a str,
    /// The policy it runs.
    pub policy: &'a Policy,
    /// Its temperatures; empty for none.
    pub temperatures: &'a [f64],
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Provenance;

    #[test]
    fn another_model_or_setting_voids_it() {
        let provenance = Provenance {
            model_digest: Some("m".into()),
            precision: Some("f32".into()),
            numeric_class: Some("fused-1".into()),
            label_names: vec!["no".into(), "yes".into()],
            ..Provenance::default()
        };
        let mut parts = Trace::from_logits(2, 2, vec![0.0; 4], vec![0]).unwrap().into_parts();
        parts.provenance = provenance;
        let policy = Policy::patience(1);
        let scope = CertificateScope::new(&policy, &[1.5, 1.0], &Trace::new(parts).unwrap(), "t".into());
        let labels = scope.labels.clone();
        let runs = RuntimeIdentity {
            model_digest: "m",
            labels: &labels,
            precision: "f32",
            numeric_class: "fused-1",
            policy: &policy,
            temperatures: &[1.5, 1.0],
        };
        assert_eq!(scope.void(&runs), None);
        let renamed = vec!["yes".to_owned(), "no".to_owned()];
        for (changed, part) in [
            (RuntimeIdentity { model_digest: "n", ..runs }, "the model m, this is n"),
            (RuntimeIdentity { labels: &renamed, ..runs }, "the classes no, yes, this is yes, no"),
            (RuntimeIdentity { precision: "int8", ..runs }, "precision f32, this is int8"),
            (RuntimeIdentity { numeric_class: "portable-1", ..runs }, "the numeric class fused-1, this is portable-1"),
            (RuntimeIdentity { policy: &Policy::full(), ..runs }, "the policy patience(patience=1), this is full"),
            (RuntimeIdentity { temperatures: &[], ..runs }, "the temperatures [1.5, 1.0], this is none"),
        ] {
            assert_eq!(scope.void(&changed).unwrap().to_string(), format!("it was given for {part}"));
        }
        let silent = CertificateScope { model_digest: None, ..scope };
        assert_eq!(silent.void(&runs).unwrap().to_string(), "it does not say for which model it was given");
    }
}
