//! Settings with a certificate, and answers that are left out.

use anyhow::{anyhow, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use epee_exit::{Bound, Certificate, CertifyError, Demand, PathSource, Policy, Risk, Trace};
use epee_model::{ExitsFile, file_digest};
use serde_json::{Map, Value, json};

use super::{Args, show_temperatures};
use crate::commands::settings::class;
use crate::commands::sweep::decimal;
use crate::ui::{Ui, table};

/// How a promise is made.
#[derive(clap::Args)]
pub(super) struct PromiseArgs {
    /// The probability, over the draw of the samples, with which the promise holds
    #[arg(long, value_name = "SHARE", default_value_t = 0.95)]
    confidence: f64,
    /// What is to be rare, several between commas: consistency (answers that differ from full depth's; needs no labels), gap (wrong
    /// answers added), error (wrong answers), class:NAME (cases that full depth gives to a class and the shortcut does not)
    #[arg(long, value_name = "RISK", value_delimiter = ',', default_value = "consistency", requires = "max_risk")]
    risk: Vec<String>,
    /// How a p-value is bounded: exact for losses of 0 and 1, hoeffding-bentkus, betting [default: betting for gap, else exact]
    #[arg(long, value_name = "BOUND", requires = "max_risk",
        value_parser = PossibleValuesParser::new(["exact", "hoeffding-bentkus", "betting"]).map(|name| bound(&name)))]
    bound: Option<Bound>,
    /// Where the order of the tests comes from: pareto (half of the samples finds the settings no other beats) or prior (the natural
    /// order of one policy's threshold or patience; all samples test)
    #[arg(long, value_name = "PATH", default_value = "pareto", requires = "max_risk",
        value_parser = PossibleValuesParser::new(["pareto", "prior"]).map(|name| path(&name)))]
    path: PathSource,
    /// Seed of the split into halves
    #[arg(long, default_value_t = 1)]
    seed: u64,
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
    /// δ, without the digits that the subtraction leaves behind.
    fn delta(&self) -> f64 {
        ((1.0 - self.confidence) * 1e12).round() / 1e12
    }

    /// The risks, each with its name.
    pub(super) fn named_risks(&self, trace: &Trace) -> anyhow::Result<Vec<(String, Risk)>> {
        let risks = self.risks(trace)?;
        Ok(risks.into_iter().map(|risk| (risk.name(|class| trace.class_name(class)), risk)).collect())
    }

    fn risks(&self, trace: &Trace) -> anyhow::Result<Vec<Risk>> {
        let risk = |name: &String| match (name.as_str(), name.strip_prefix("class:")) {
            ("consistency", _) => Ok(Risk::Consistency),
            ("gap", _) => Ok(Risk::Gap),
            ("error", _) => Ok(Risk::Error),
            (_, Some(wanted)) => class("--risk class", wanted, trace).map(Risk::Class),
            _ => bail!("--risk: expected consistency, gap, error or class:NAME, got {name}"),
        };
        self.risk.iter().map(risk).collect()
    }
}

/// Certifies a setting; where that fails for want of evidence, the model falls back to full depth.
pub(super) fn certify(
    args: &Args,
    trace: &Trace,
    epsilon: f64,
    exits: &mut ExitsFile,
    report: &mut Map<String, Value>,
    ui: Ui,
) -> anyhow::Result<()> {
    let how = &args.promise;
    let demand = Demand {
        risks: how.risks(trace)?,
        bound: how.bound,
        path: how.path,
        seed: how.seed,
        fit_temperatures: args.fit_temperatures,
        ..Demand::new(epsilon, how.delta())
    };
    let certification = match epee_exit::certify(trace, &args.settings.grid(trace), &demand) {
        Ok(certification) => certification,
        Err(error @ (CertifyError::TooFew { .. } | CertifyError::FullDepth { .. })) => {
            exits.policy = Policy::full();
            (exits.calibration, exits.certificate, exits.abstention) = (None, None, None);
            exits.temperatures.clear();
            exits.save(&args.model)?;
            return Err(anyhow!("{error}\nThe model now answers at full depth, without a certificate."));
        }
        Err(error) => return Err(error.into()),
    };
    show_temperatures(trace, &certification.temperatures, report, ui)?;
    let certificate = Certificate::new(&certification, &demand, trace, file_digest(&args.file)?);
    if !ui.json() {
        let rows = certificate.risks.iter().map(|risk| {
            vec![
                risk.risk.clone(),
                risk.bound.clone(),
                risk.n.to_string(),
                risk.losses.to_string(),
                decimal(risk.mean, 4),
                decimal(risk.upper, 4),
                epsilon.to_string(),
                decimal(risk.p, 4),
            ]
        });
        ui.print(table(["risk", "bound", "n", "losses", "mean", "upper bound", "at most", "p"], rows))?;
        ui.print(format!(
            "{} of {} settings of the path certified, with confidence {}; tested on {} of {} samples; saving {}",
            certification.certified,
            certification.path.len(),
            how.confidence,
            certification.tested,
            certification.samples,
            decimal(certificate.saving, 3),
        ))?;
        if certificate.policy == Policy::full() {
            ui.print("No setting that saves anything passed: what is certified is full depth.")?;
        }
    }
    for (key, value) in [("policy", json!(certificate.policy)), ("certificate", json!(certificate))] {
        report.insert(key.to_owned(), value);
    }
    exits.policy = certificate.policy.clone();
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
    report: &mut Map<String, Value>,
    ui: Ui,
) -> anyhow::Result<()> {
    let policy = exits.policy.check(exits.exits, exits.classes)?.with_temperatures(&exits.temperatures)?;
    let rule = epee_exit::abstain(trace, &policy, target, args.promise.delta(), args.promise.seed)?;
    if !ui.json() {
        ui.print(format!(
            "abstains below confidence {}: answers {} of {} test samples (coverage {}), {} of them wrong, at most {} with confidence {}",
            decimal(rule.below, 4),
            rule.answered,
            rule.tested,
            decimal(rule.coverage, 3),
            rule.errors,
            decimal(rule.upper, 4),
            args.promise.confidence,
        ))?;
    }
    report.insert("abstention".to_owned(), json!(rule));
    exits.abstention = Some(rule);
    Ok(())
}
