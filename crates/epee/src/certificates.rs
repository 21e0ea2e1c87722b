//! Certificates: whether a promise holds for a model as it runs, and a certificate in sentences for a committee.

use epee_exit::{Abstention, Certificate, CertificateScope, CertifiedRisk, Policy, RuntimeIdentity};
use epee_model::ModelDir;
use epee_nn::Precision;

use crate::Error;

/// A certificate in sentences: what it promises, what the test saw, and where it holds. `void` is the reason why it no longer holds.
pub fn explain_certificate(certificate: &Certificate, void: Option<&str>) -> Vec<String> {
    let Certificate { epsilon, delta, samples, tested, .. } = certificate;
    let mut lines = Vec::new();
    lines.push(match void {
        Some(reason) => format!("VOID: {reason}. Nothing below is promised of the model as it is; calibrate it again."),
        None => format!(
            "Valid. The promise fails with a probability of at most {}, over the draw of the calibration samples.",
            percent(*delta)
        ),
    });
    for risk in &certificate.risks {
        lines.push(promise(risk, *epsilon, &certificate.scope.labels));
        lines.push(seen(risk, *delta));
    }
    lines.push(format!(
        "Stopping early saves {} of the layers on these samples. The setting: {}.",
        percent(certificate.saving),
        certificate.scope.policy
    ));
    let scope = &certificate.scope;
    let split = scope.split.as_deref().map_or_else(String::new, |split| format!(" of the {split} split"));
    lines.push(if tested < samples && certificate.path_source == "prior" {
        format!(
            "Of {samples} samples{split} one half set the temperatures, and the other, {tested} that had no part in that, tested settings \
             whose order was fixed beforehand (split by seed {}).",
            certificate.seed
        )
    } else if tested < samples {
        format!(
            "Of {samples} samples{split} one half proposed settings and the other, {tested} that had no part in that, tested \
             them (split by seed {}).",
            certificate.seed
        )
    } else {
        format!("All {samples} samples{split} tested settings whose order was fixed beforehand.")
    });
    let precision = scope.precision.as_deref().map_or_else(String::new, |p| format!(" at precision {p}"));
    lines.push(format!(
        "It holds for this model{precision} on cases drawn as those samples were: another hospital, another year or another kind \
         of text needs its own. It speaks of the share of cases, not of any one of them."
    ));
    lines.push(format!("Trace {}, path {}.", scope.trace_digest, certificate.path_source));
    lines
}

fn promise(risk: &CertifiedRisk, epsilon: f64, labels: &[String]) -> String {
    let most = percent(epsilon);
    match risk.risk.as_str() {
        "consistency" => format!("At most {most} of all answers differ from those of the whole model."),
        "gap" if risk.bound == "betting" => {
            format!("Stopping early adds at most {most} of wrong answers, those that it mends deducted.")
        }
        "gap" => format!("At most {most} of all cases are answered wrong where the whole model would be right."),
        "error" => format!("At most {most} of all answers are wrong."),
        other => {
            let class = other.strip_prefix("class:").unwrap_or(other);
            let known =
                if labels.iter().any(|label| label == class) { "" } else { " (a class that this model does not have)" };
            format!("Of the cases that the whole model calls {class}{known}, at most {most} are called something else.")
        }
    }
}

fn seen(risk: &CertifiedRisk, delta: f64) -> String {
    let what = match (risk.risk.as_str(), risk.bound.as_str()) {
        ("gap", "betting") => " wrong answers more than full depth gives,",
        ("gap", _) => " wrong answers added",
        _ => "",
    };
    format!(
        "  Seen: {}{what} in {} cases, {}; for this setting alone the bound is {} with confidence {} ({} bound, {}).",
        risk.losses,
        risk.n,
        percent(risk.mean),
        percent(risk.upper),
        percent(1.0 - delta),
        risk.bound,
        if risk.p < 1e-4 { "p below 0.0001".to_owned() } else { format!("p = {:.4}", risk.p) },
    )
}

/// When the model abstains, and what that buys.
pub fn explain_abstention(abstention: &Abstention, void: Option<&str>) -> Vec<String> {
    let first = void.map(|reason| format!("VOID: {reason}. The model still abstains, but nothing is promised of it."));
    let Abstention { below, target, delta, coverage, answered, errors, tested, upper, .. } = abstention;
    let words = format!(
        "Where its confidence is below {below:.4} the model abstains: with confidence {} at most {} of the answers it gives are wrong. Of \
         {tested} samples held back for the test it answered {answered} ({}), {errors} of these wrong (bound {}). Its policy: {}.",
        percent(1.0 - delta),
        percent(*target),
        percent(*coverage),
        percent(*upper),
        abstention.scope.policy,
    );
    first.into_iter().chain([words]).collect()
}

/// A share in per cent, without digits that say nothing.
fn percent(share: f64) -> String {
    let text = format!("{:.2}", 100.0 * share);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A promise of a calibrated model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// The certificate: each risk is at most ε with confidence 1 − δ.
    Certificate,
    /// The abstention rule: at most a stated share of the given answers is wrong.
    Abstention,
}

impl std::fmt::Display for Promise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Promise::Certificate => "certificate",
            Promise::Abstention => "abstention",
        })
    }
}

/// The promises of a model that do not hold if it runs `policy`, each with its reason.
///
/// `precision` is the precision it runs at; `None` stands for the precision that each promise was given for.
///
/// # Errors
/// A model file that cannot be read for its digest; a model without promises is not read.
pub fn void_promises(
    model_dir: &ModelDir,
    precision: Option<Precision>,
    policy: &Policy,
) -> Result<Vec<(Promise, String)>, Error> {
    let exits = &model_dir.exits;
    if exits.certificate.is_none() && exits.abstention.is_none() {
        return Ok(Vec::new());
    }
    let digest = model_dir.digest()?;
    let runs = RuntimeIdentity {
        model_digest: &digest,
        labels: &model_dir.labels,
        precision: "",
        policy,
        temperatures: &exits.temperatures,
    };
    let certificate = exits.certificate.as_ref();
    let certificate =
        certificate.and_then(|it| it.void(&RuntimeIdentity { precision: at(precision, &it.scope), ..runs }));
    let abstention = exits.abstention.as_ref().map(|rule| &rule.scope);
    let abstention = abstention.and_then(|it| it.void(&RuntimeIdentity { precision: at(precision, it), ..runs }));
    let both = [(Promise::Certificate, certificate), (Promise::Abstention, abstention)];
    Ok(both.into_iter().filter_map(|(promise, reason)| Some((promise, reason?))).collect())
}

/// The precision a model runs at, or else the one that a promise was given for.
fn at(precision: Option<Precision>, scope: &CertificateScope) -> &str {
    match precision {
        Some(precision) => precision.name(),
        None => scope.precision.as_deref().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> Certificate {
        serde_json::from_value(serde_json::json!({
            "grounds": {
                "policy": "epee(threshold=0.1, patience=3)", "trace_digest": "sha256:ab", "model_digest": null, "data_digest": null,
                "split": "dev", "precision": "f32", "labels": ["negative", "mechanism"], "epee_version": "0.1.0",
            },
            "epsilon": 0.02, "delta": 0.05,
            "risks": [
                {"risk": "consistency", "bound": "exact", "n": 480, "losses": 3.0, "mean": 0.00625, "upper": 0.0161, "p": 0.01},
                {"risk": "class:mechanism", "bound": "exact", "n": 200, "losses": 0.0, "mean": 0.0, "upper": 0.0149, "p": 0.00001},
            ],
            "saving": 0.45, "samples": 960, "tested": 480, "path_source": "pareto", "seed": 1, "path": ["full"],
        }))
        .unwrap()
    }

    #[test]
    fn a_committee_can_read_it() {
        let text = explain_certificate(&certificate(), None).join("\n");
        for part in [
            "Valid. The promise fails with a probability of at most 5 %",
            "At most 2 % of all answers differ from those of the whole model.",
            "Seen: 3 in 480 cases, 0.62 %; for this setting alone the bound is 1.61 % with confidence 95 % (exact bound, p = 0.0100).",
            "Of the cases that the whole model calls mechanism, at most 2 % are called something else.",
            "p below 0.0001",
            "saves 45 % of the layers",
            "Of 960 samples of the dev split one half proposed settings",
            "at precision f32",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(
            explain_certificate(&certificate(), Some("it was given for precision f32, this is int8"))[0]
                .starts_with("VOID: it was given")
        );
    }
}
