//! Attempts: every test that was run on calibration samples, so that a certificate can say how many came before it.

use epee_files::sha256;
use serde::{Deserialize, Serialize};

use super::samples::samples_digest;
use super::{AbstentionRequest, Caveat, CertificateRequest, PathSource};
use crate::policy::CheckedPolicy;
use crate::sweep::Grid;
use crate::trace::Trace;

/// One test that was run on calibration samples, whatever came of it. `exits.json` lists them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// `certificate` or `abstention`.
    pub promise: String,
    /// Digest of the samples' logits and labels, whatever their order.
    pub samples: String,
    /// Digest of the data that the trace was recorded on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_digest: Option<String>,
    /// The caller's seed; absent if the samples fixed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// ε.
    pub epsilon: f64,
    /// δ.
    pub delta: f64,
    /// Risks, bound and path, and a digest of the settings tried.
    pub test: String,
}

impl Attempt {
    /// The attempt to certify a setting of a grid.
    pub fn certificate(trace: &Trace, grid: &Grid, request: &CertificateRequest) -> Attempt {
        let mut words: Vec<String> =
            request.risks.iter().map(|risk| risk.name(|class| trace.class_name(class))).collect();
        words.extend(request.bound.map(|bound| bound.name().to_owned()));
        words.push(if request.path == PathSource::Pareto { "pareto" } else { "prior" }.to_owned());
        words.extend(request.fit_temperatures.then(|| "temperatures".to_owned()));
        let policies: Vec<String> = grid.policies().iter().map(ToString::to_string).collect();
        words.push(epee_files::short(&sha256(policies.join("\n").as_bytes())).to_owned());
        let CertificateRequest { seed, epsilon, delta, .. } = *request;
        Attempt { epsilon, delta, seed, ..Attempt::on(trace, "certificate", words.join(", ")) }
    }

    /// The attempt to find a confidence below which a policy abstains.
    pub fn abstention(trace: &Trace, policy: &CheckedPolicy, request: &AbstentionRequest) -> Attempt {
        let AbstentionRequest { risk, delta, seed, .. } = *request;
        let test = format!("{}, temperatures {:?}", policy.policy(), policy.temperatures());
        Attempt { epsilon: risk, delta, seed, ..Attempt::on(trace, "abstention", test) }
    }

    fn on(trace: &Trace, promise: &str, test: String) -> Attempt {
        let data_digest = trace.provenance().data_digest.clone();
        let (promise, samples) = (promise.to_owned(), samples_digest(trace));
        Attempt { promise, samples, data_digest, seed: None, epsilon: 0.0, delta: 0.0, test }
    }

    /// The caveat that attempts before this one are, if some of them tested the same samples or the same data.
    pub fn caveat(&self, before: &[Attempt]) -> Option<Caveat> {
        let same = |other: &&Attempt| {
            let data = self.data_digest.is_some() && self.data_digest == other.data_digest;
            self.promise == other.promise && (self.samples == other.samples || data) && *other != self
        };
        let others: Vec<&Attempt> = before.iter().filter(same).collect();
        let mut seeds: Vec<u64> = others.iter().filter_map(|other| other.seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        let delta = self.delta + others.iter().map(|other| other.delta).sum::<f64>();
        (!others.is_empty()).then_some(Caveat::Earlier { calibrations: others.len(), seeds, delta })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_on_the_same_samples_or_data_count_and_the_same_attempt_does_not() {
        let trace = |first: f32| Trace::from_logits(2, 2, vec![first, 1.0, 2.0, 3.0], vec![0]).unwrap();
        let grid = Grid::standard(2, 2);
        let request = |seed| CertificateRequest { seed, ..CertificateRequest::new(0.05, 0.02) };
        let attempt = |first, seed| Attempt::certificate(&trace(first), &grid, &request(seed));
        let mine = attempt(0.0, None);
        assert_eq!(mine.caveat(&[]), None);
        assert_eq!(mine.caveat(&[mine.clone(), attempt(9.0, None)]), None);
        let looser = CertificateRequest { epsilon: 0.1, ..request(None) };
        let before = [attempt(0.0, Some(3)), attempt(0.0, Some(1)), Attempt::certificate(&trace(0.0), &grid, &looser)];
        let Some(Caveat::Earlier { calibrations, seeds, delta }) = mine.caveat(&before) else { panic!("no caveat") };
        assert_eq!((calibrations, seeds), (3, vec![1, 3]));
        assert!((delta - 0.08).abs() < 1e-12, "{delta}");
        // Other logits of the same data, as of another precision.
        let of = |digest: &str| Attempt { data_digest: Some(digest.to_owned()), ..attempt(0.0, None) };
        let other = Attempt { samples: "sha256:1".to_owned(), ..of("a") };
        assert!(of("a").caveat(std::slice::from_ref(&other)).is_some());
        assert!(of("b").caveat(std::slice::from_ref(&other)).is_none());
        assert!(of("a").caveat(&[Attempt { promise: "abstention".to_owned(), ..other }]).is_none());
    }
}
