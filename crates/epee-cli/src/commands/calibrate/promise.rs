//! Flags of a promise: the risks to bound, the confidence, and how they are tested.

use std::path::PathBuf;

use anyhow::bail;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use epee::calibration::AbstentionRequest;
use epee::certificates::SigningKey;
use epee::exit::{Bound, CertificateRequest, PathSource, Risk, Trace};

use crate::flags::{class, named};

/// Flags of a promise.
#[derive(clap::Args)]
pub(super) struct PromiseArgs {
    /// Probability that the promise holds, over the draw of the calibration samples [default: 0.95]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    confidence: Option<f64>,
    /// Risks to bound, comma-separated: consistency (answers that differ from full depth; needs no labels), gap (wrong answers added),
    /// error (wrong answers), class:NAME or class:NUMBER (cases that full depth assigns to a class and the early exit does not)
    /// [default: consistency]
    #[arg(long, value_name = "RISK,…")]
    risk: Vec<String>,
    /// P-value: exact (losses of 0 and 1), hoeffding-bentkus or betting [default: betting for gap, else exact]
    #[arg(long, value_name = "BOUND",
        value_parser = named::<Bound>(&["exact", "hoeffding-bentkus", "betting"]))]
    bound: Option<Bound>,
    /// Order of the tests: pareto (one half of the samples finds the Pareto front) or prior (the natural order of one policy's threshold
    /// or patience; all samples test, or half if temperatures are fitted) [default: pareto]
    #[arg(long, value_name = "PATH",
        value_parser = PossibleValuesParser::new(["pareto", "prior"])
            .map(|name| if name == "prior" { PathSource::Prior } else { PathSource::Pareto }))]
    path: Option<PathSource>,
    /// Seed of the split into halves; a chosen seed weakens the promise, and the certificate says so [default: fixed by the samples]
    #[arg(long)]
    seed: Option<u64>,
    /// Certify although samples repeat others, by id or by content; the certificate says so
    #[arg(long)]
    allow_repeats: bool,
    /// Vouch for a trace that does not name this model, or names another; the certificate says so for ever
    #[arg(long)]
    pub(super) trust_trace: bool,
    /// Sign the promise with an ed25519 private key in PEM form: openssl genpkey -algorithm ed25519 -out key.pem
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
}

impl PromiseArgs {
    /// Refuses a flag that this goal would ignore.
    pub(super) fn check(&self, certifies: bool, abstains: bool) -> anyhow::Result<()> {
        let given = [
            ("--risk", !self.risk.is_empty(), certifies),
            ("--bound", self.bound.is_some(), certifies),
            ("--path", self.path.is_some(), certifies),
            ("--confidence", self.confidence.is_some(), certifies || abstains),
            ("--seed", self.seed.is_some(), certifies || abstains),
            ("--allow-repeats", self.allow_repeats, certifies || abstains),
            ("--sign", self.sign.is_some(), certifies || abstains),
        ];
        match given.into_iter().find(|(_, given, used)| *given && !used) {
            Some((flag, ..)) => {
                bail!("{flag} is part of a promise, and this goal makes none\nhint: add --max-risk, or leave it out")
            }
            None => Ok(()),
        }
    }

    pub(super) fn confidence(&self) -> f64 {
        self.confidence.unwrap_or(0.95)
    }

    /// δ = 1 − confidence, rounded to 12 decimals.
    fn delta(&self) -> f64 {
        ((1.0 - self.confidence()) * 1e12).round() / 1e12
    }

    pub(super) fn key(&self) -> anyhow::Result<Option<SigningKey>> {
        Ok(self.sign.as_deref().map(SigningKey::read).transpose()?)
    }

    pub(super) fn request(
        &self,
        epsilon: f64,
        fit_temperatures: bool,
        trace: &Trace,
    ) -> anyhow::Result<CertificateRequest> {
        Ok(CertificateRequest {
            risks: self.risks(trace)?,
            bound: self.bound,
            path: self.path.unwrap_or_default(),
            seed: self.seed,
            allow_repeats: self.allow_repeats,
            fit_temperatures,
            ..CertificateRequest::new(epsilon, self.delta())
        })
    }

    pub(super) fn abstention(&self, risk: f64) -> AbstentionRequest {
        AbstentionRequest { risk, delta: self.delta(), seed: self.seed, allow_repeats: self.allow_repeats }
    }

    pub(super) fn risks(&self, trace: &Trace) -> anyhow::Result<Vec<Risk>> {
        if self.risk.is_empty() {
            return Ok(vec![Risk::Consistency]);
        }
        let known = |name: &str| (0..trace.classes()).any(|class| trace.class_name(class) == name);
        let mut risks = Vec::new();
        for name in self.risk.iter().flat_map(|list| names(list, known)) {
            let risk = match (name.as_str(), name.strip_prefix("class:")) {
                ("consistency", _) => Risk::Consistency,
                ("gap", _) => Risk::Gap,
                ("error", _) => Risk::Error,
                (_, Some(wanted)) => Risk::Class(class("--risk class", wanted, trace)?),
                _ => bail!("--risk: expected consistency, gap, error or class:NAME, got {name}"),
            };
            if !risks.contains(&risk) {
                risks.push(risk);
            }
        }
        Ok(risks)
    }
}

/// Splits a list at its commas; a class name may contain commas.
fn names(list: &str, known: impl Fn(&str) -> bool) -> Vec<String> {
    let pieces: Vec<&str> = list.split(',').collect();
    let mut names = Vec::new();
    let mut at = 0;
    while at < pieces.len() {
        let longest = (at + 1..=pieces.len()).rev().find(|&end| {
            let name = pieces[at..end].join(",");
            name.trim().strip_prefix("class:").is_some_and(&known)
        });
        let end = longest.unwrap_or(at + 1);
        names.push(pieces[at..end].join(",").trim().to_owned());
        at = end;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_may_have_commas_in_its_name() {
        let known = |name: &str| ["normal, benign", "a"].contains(&name);
        assert_eq!(names("gap,class:normal, benign,class:a", known), ["gap", "class:normal, benign", "class:a"]);
        assert_eq!(names("consistency, class:b", known), ["consistency", "class:b"]);
    }
}
