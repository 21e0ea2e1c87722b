//! Settings with a certificate, and answers that are left out.

use anyhow::{Context, anyhow, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use epee_exit::{Bound, Certificate, CertificateRequest, CertifyError, PathSource, Policy, Risk, Trace};
use epee_files::sha256_file;
use epee_model::ExitsFile;
use serde_json::json;

use super::outcome::show_temperatures;
use super::{Args, Report, check_answers};
use crate::commands::settings::class;
use crate::commands::sweep::decimal;
use crate::ui::{Ui, table};

/// How a promise is made.
#[derive(clap::Args)]
pub(super) struct PromiseArgs {
    /// The probability, over the draw of the samples, with which the promise holds
    /// [default: 0.95]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    confidence: Option<f64>,
    /// What is to be rare, several between commas: consistency (answers that differ from full depth's; needs no labels), gap (wrong
    /// answers added), error (wrong answers), class:NAME or class:NUMBER (cases that full depth gives to a class and the shortcut does
    /// not) [default: consistency]
    #[arg(long, value_name = "RISK,…")]
    risk: Vec<String>,
    /// How a p-value is bounded: exact for losses of 0 and 1, hoeffding-bentkus, betting [default: betting for gap, else exact]
    #[arg(long, value_name = "BOUND",
        value_parser = PossibleValuesParser::new(["exact", "hoeffding-bentkus", "betting"]).map(|name| bound(&name)))]
    bound: Option<Bound>,
    /// Where the order of the tests comes from: pareto (half of the samples finds the settings no other beats) or prior (the natural
    /// order of one policy's threshold or patience; all samples test, or half of them where temperatures are fitted) [default: pareto]
    #[arg(long, value_name = "PATH",
        value_parser = PossibleValuesParser::new(["pareto", "prior"]).map(|name| path(&name)))]
    path: Option<PathSource>,
    /// Seed of the split into halves [default: 1]
    #[arg(long)]
    seed: Option<u64>,
}

fn bound(name: &str) -> Bound {
    match name {
        "betting" => Bound::Betting,
        "hoeffding-bentkus" => Bound::HoeffdingBentkus,
        _ => Bound::Exact,
    }
}

fn path(name: &str) -> PathSource {
    if name == "prior" { PathSource::Prior } else { PathSource::Pareto }
}

impl PromiseArgs {
    /// Refuses what would be passed over in silence.
    pub(super) fn check(&self, certifies: bool, abstains: bool) -> anyhow::Result<()> {
        let given = [
            ("--risk", !self.risk.is_empty(), certifies),
            ("--bound", self.bound.is_some(), certifies),
            ("--path", self.path.is_some(), certifies),
            ("--confidence", self.confidence.is_some(), certifies || abstains),
            ("--seed", self.seed.is_some(), certifies || abstains),
        ];
        match given.into_iter().find(|(_, given, used)| *given && !used) {
            Some((flag, ..)) => {
                bail!("{flag} is part of a promise, and this goal makes none\nhint: add --max-risk, or leave it out")
            }
            None => Ok(()),
        }
    }

    fn confidence(&self) -> f64 {
        self.confidence.unwrap_or(0.95)
    }

    /// δ, without the digits that the subtraction leaves behind.
    fn delta(&self) -> f64 {
        ((1.0 - self.confidence()) * 1e12).round() / 1e12
    }

    fn seed(&self) -> u64 {
        self.seed.unwrap_or(1)
    }

    /// The risks, each with its name.
    pub(super) fn named_risks(&self, trace: &Trace) -> anyhow::Result<Vec<(String, Risk)>> {
        let risks = self.risks(trace)?;
        Ok(risks.into_iter().map(|risk| (risk.name(|class| trace.class_name(class)), risk)).collect())
    }

    fn risks(&self, trace: &Trace) -> anyhow::Result<Vec<Risk>> {
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

/// What lies between commas; a class may have some in its name.
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

/// Certifies a setting; where that fails for want of evidence, the model falls back to full depth.
pub(super) fn certify(
    args: &Args,
    trace: &Trace,
    epsilon: f64,
    exits: &mut ExitsFile,
    report: &mut Report,
) -> anyhow::Result<()> {
    check_answers(args, trace, exits)?;
    if trace.provenance().precision.is_none() {
        bail!(
            "a certificate names a precision, and the trace does not say at which it was recorded\nhint: record it with `epee trace`"
        );
    }
    let how = &args.promise;
    let demand = CertificateRequest {
        risks: how.risks(trace)?,
        bound: how.bound,
        path: how.path.unwrap_or_default(),
        seed: how.seed(),
        fit_temperatures: args.fit_temperatures,
        ..CertificateRequest::new(epsilon, how.delta())
    };
    let certification = match epee_exit::certify(trace, &args.settings.grid(trace), &demand) {
        Ok(certification) => certification,
        Err(error @ (CertifyError::TooFew { .. } | CertifyError::FullDepth { .. })) => {
            // What was chosen before can be had back.
            let (file, kept) = (args.model.join("exits.json"), args.model.join("exits.json.before"));
            std::fs::copy(&file, &kept).with_context(|| format!("cannot copy {}", file.display()))?;
            exits.policy = Policy::full();
            (exits.calibration, exits.certificate, exits.abstention) = (None, None, None);
            exits.temperatures.clear();
            exits.save(&args.model)?;
            return Err(anyhow!(
                "{error}\nThe model now answers at full depth, without a certificate; what it did before is in {}.",
                kept.display()
            ));
        }
        Err(error) => return Err(error.into()),
    };
    show_temperatures(trace, &certification.temperatures, report)?;
    let certificate = Certificate::new(&certification, &demand, trace, sha256_file(&args.file)?);
    let rows = certificate.risks.iter().map(|risk| {
        vec![
            risk.risk.clone(),
            risk.bound.clone(),
            risk.n.to_string(),
            risk.losses.to_string(),
            decimal(risk.mean, 4),
            decimal(risk.upper, 4),
            epsilon.to_string(),
            if risk.p < 1e-4 { "< 0.0001".to_owned() } else { decimal(risk.p, 4) },
        ]
    });
    report.text.push(table(["risk", "bound", "n", "losses", "mean", "upper bound", "at most", "p"], rows));
    report.text.push(format!(
        "{} of {} settings of the path certified, with confidence {}; tested on {} of {} samples; saving {}",
        certification.certified,
        certification.path.len(),
        how.confidence(),
        certification.tested,
        certification.samples,
        decimal(certificate.saving, 3),
    ));
    if certificate.scope.policy == Policy::full() {
        report.text.push("No setting that saves anything passed: what is certified is full depth.".to_owned());
    }
    for (key, value) in [("policy", json!(certificate.scope.policy)), ("certificate", json!(certificate))] {
        report.json.insert(key.to_owned(), value);
    }
    exits.policy = certificate.scope.policy.clone();
    exits.temperatures = certification.temperatures;
    exits.calibration = None;
    exits.certificate = Some(certificate);
    Ok(())
}

/// Finds the confidence below which the model's policy abstains.
pub(super) fn abstain(
    args: &Args,
    trace: &Trace,
    target: f64,
    exits: &mut ExitsFile,
    report: &mut Report,
    ui: Ui,
) -> anyhow::Result<()> {
    let policy = exits.policy.check(exits.exits, exits.classes)?.with_temperatures(&exits.temperatures)?;
    let (how, digest) = (&args.promise, sha256_file(&args.file)?);
    let rule = epee_exit::abstain(trace, &policy, target, how.delta(), how.seed(), digest)?;
    report.text.push(format!(
        "abstains below confidence {}: answers {} of {} samples held back for the test (coverage {}), {} of them wrong, at most {} with confidence {}",
        decimal(rule.below, 4),
        rule.answered,
        rule.tested,
        decimal(rule.coverage, 3),
        rule.errors,
        decimal(rule.upper, 4),
        how.confidence(),
    ));
    if rule.coverage < 0.5 {
        ui.note(format!("warning: the model will abstain from {:.0} % of its answers", 100.0 * (1.0 - rule.coverage)));
    }
    report.json.insert("abstention".to_owned(), json!(rule));
    exits.abstention = Some(rule);
    Ok(())
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
