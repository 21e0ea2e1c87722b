//! A promise in sentences, for a committee.

use epee_exit::{Abstention, Caveat, Certificate, CertifiedRisk};
use epee_files::short;

use super::Standing;

/// A certificate in sentences: whether it stands, what it promises, what the test saw, and where it holds.
pub fn explain_certificate(certificate: &Certificate, standing: &Standing) -> Vec<String> {
    let Certificate { epsilon, delta, samples, tested, .. } = certificate;
    let mut lines = vec![stands(standing)];
    lines.extend(caveats(&certificate.caveats));
    lines.push(format!(
        "The promise fails with a probability of at most {}, over the draw of the calibration samples.",
        percent(*delta)
    ));
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
    let seed = certificate.seed;
    lines.push(if tested < samples && certificate.path_source == "prior" {
        format!(
            "Of {samples} samples{split} one half set the temperatures, and the other, {tested} that had no part in that, tested settings \
             whose order was fixed beforehand (split by seed {seed})."
        )
    } else if tested < samples {
        format!(
            "Of {samples} samples{split} one half proposed settings and the other, {tested} that had no part in that, tested \
             them (split by seed {seed})."
        )
    } else {
        format!("All {samples} samples{split} tested settings whose order was fixed beforehand.")
    });
    let precision = scope.precision.as_deref().map_or_else(String::new, |p| format!(" at precision {p}"));
    let class = scope.numeric_class.as_deref().map_or_else(String::new, |class| {
        format!(" on processors that compute as this one did (numeric class {class})")
    });
    lines.push(format!(
        "It holds for this model{precision}{class}, and for cases drawn as those samples were: another hospital, another year or another kind \
         of text needs its own. It speaks of the share of cases, not of any one of them."
    ));
    lines.push(format!("Trace {}, path {}.", scope.trace_digest, certificate.path_source));
    lines
}

/// Whether a promise stands, and on what ground.
fn stands(standing: &Standing) -> String {
    let follows =
        "every number follows from the counts in its file, and model, setting and precision are those it was given for";
    match standing {
        Standing::Void(reason) => {
            format!("VOID: {reason}. Nothing below is promised of the model as it is; calibrate it again.")
        }
        Standing::Consistent => format!(
            "Consistent: {follows}. It is not signed, so nothing shows that these counts were measured and not made up."
        ),
        Standing::Signed { key } => format!(
            "Consistent: {follows}. It is signed by the key {}, and the signature fits; whether that is the key of somebody you \
             trust was not checked.",
            short(key)
        ),
        Standing::Verified { key } => {
            format!("Valid: signed by the key that was asked for ({}), {follows}.", short(key))
        }
    }
}

fn caveats(caveats: &[Caveat]) -> impl Iterator<Item = String> {
    caveats.iter().map(|caveat| format!("Caveat: {caveat}"))
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

/// When the model abstains, what that buys, and whether that promise stands.
pub fn explain_abstention(abstention: &Abstention, standing: &Standing) -> Vec<String> {
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
    [stands(standing)].into_iter().chain(caveats(&abstention.caveats)).chain([words]).collect()
}

/// A share in per cent, without digits that say nothing.
fn percent(share: f64) -> String {
    let text = format!("{:.2}", 100.0 * share);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use epee_exit::VoidReason;

    use super::*;

    fn certificate() -> Certificate {
        serde_json::from_value(serde_json::json!({
            "format": 2,
            "scope": {
                "policy": "epee(threshold=0.1, patience=3)", "trace_digest": "sha256:ab", "model_digest": null, "data_digest": null,
                "split": "dev", "precision": "f32", "numeric_class": "fused-1", "labels": ["negative", "mechanism"],
                "epee_version": "0.1.0",
            },
            "epsilon": 0.02, "delta": 0.05,
            "risks": [
                {"risk": "consistency", "bound": "exact", "n": 480, "losses": 3.0, "mean": 0.00625, "upper": 0.0161, "p": 0.01},
                {"risk": "class:mechanism", "bound": "exact", "n": 200, "losses": 0.0, "mean": 0.0, "upper": 0.0149, "p": 0.00001},
            ],
            "saving": 0.45, "samples": 960, "tested": 480, "path_source": "pareto", "seed": 1, "path": ["full"],
            "caveats": [{"kind": "chosen-seed"}],
        }))
        .unwrap()
    }

    #[test]
    fn a_committee_can_read_it() {
        let text = explain_certificate(&certificate(), &Standing::Consistent).join("\n");
        for part in [
            "Consistent: every number follows from the counts",
            "It is not signed, so nothing shows that these counts were measured",
            "Caveat: The seed was chosen by the caller.",
            "The promise fails with a probability of at most 5 %",
            "At most 2 % of all answers differ from those of the whole model.",
            "Seen: 3 in 480 cases, 0.62 %; for this setting alone the bound is 1.61 % with confidence 95 % (exact bound, p = 0.0100).",
            "Of the cases that the whole model calls mechanism, at most 2 % are called something else.",
            "p below 0.0001",
            "saves 45 % of the layers",
            "Of 960 samples of the dev split one half proposed settings",
            "at precision f32 on processors that compute as this one did (numeric class fused-1)",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        let first = |standing| explain_certificate(&certificate(), &standing).swap_remove(0);
        assert!(first(Standing::Void(VoidReason::Outdated)).starts_with("VOID: it has the form of epee 0.1"));
        let key = || "3f".repeat(32);
        assert!(
            first(Standing::Verified { key: key() })
                .starts_with("Valid: signed by the key that was asked for (3f3f3f3f3f3f)")
        );
        assert!(
            first(Standing::Signed { key: key() })
                .contains("whether that is the key of somebody you trust was not checked")
        );
    }
}
