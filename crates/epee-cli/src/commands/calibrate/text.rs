//! A calibration as text and as JSON.

use epee::Policy;
use epee::calibration::{CalibrationReport, CalibrationRequest, Outcome, goal_text};
use epee::exit::{Certificate, Certification, Metric, Scoring, Trace};
use serde_json::json;

use super::{Args, Shown};
use crate::ui::{Ui, choice_text, decimal, difference_line, heading, setting_table, table};

impl Shown {
    fn json(&mut self, key: &str, value: impl serde::Serialize) {
        self.json.insert(key.to_owned(), json!(value));
    }
}

pub(super) fn report(
    args: &Args,
    trace: &Trace,
    request: &CalibrationRequest,
    report: &CalibrationReport,
    shown: &mut Shown,
    ui: Ui,
) -> anyhow::Result<()> {
    temperatures(report, shown);
    if let Some(choice) = &report.choice {
        if let Some(one) = &report.one_threshold {
            ui.note(if choice.policy == one.policy {
                "one threshold for all exits serves the goal as well as one for each".to_owned()
            } else {
                format!(
                    "a threshold for each exit: saving {} for {}, {} {} for {}",
                    decimal(choice.row.saving, 3),
                    decimal(one.row.saving, 3),
                    heading(choice.metric),
                    decimal(choice.row.get(choice.metric), 4),
                    decimal(one.row.get(choice.metric), 4)
                )
            });
        }
        let scoring = Scoring { temperatures: report.temperatures.clone(), ..request.scoring.clone() };
        shown.text.push(choice_text(choice, trace, &scoring)?);
        shown.json("policy", &choice.policy);
        shown.json("met", choice.met);
        shown.json("goal", goal_text(choice.goal));
        shown.json("metric", choice.metric);
        shown.json("chosen", &choice.row);
        shown.json("full_depth", &choice.full);
    }
    if let Some((certification, certificate)) = &report.certified {
        certified(args, certification, certificate, shown);
    }
    if let Some(rule) = &report.abstention {
        shown.text.push(format!(
            "abstains below confidence {}: answers {} of {} samples held back for the test (coverage {}), {} of them wrong, at most {} \
             with confidence {}",
            decimal(rule.below, 4),
            rule.answered,
            rule.tested,
            decimal(rule.coverage, 3),
            rule.errors,
            decimal(rule.upper, 4),
            args.promise.confidence(),
        ));
        shown.json("abstention", rule);
    }
    Ok(())
}

fn certified(args: &Args, certification: &Certification, certificate: &Certificate, shown: &mut Shown) {
    let rows = certificate.risks.iter().map(|risk| {
        vec![
            risk.risk.clone(),
            risk.bound.clone(),
            risk.n.to_string(),
            risk.losses.to_string(),
            decimal(risk.mean, 4),
            decimal(risk.upper, 4),
            certificate.epsilon.to_string(),
            if risk.p < 1e-4 { "< 0.0001".to_owned() } else { decimal(risk.p, 4) },
        ]
    });
    shown.text.push(table(["risk", "bound", "n", "losses", "mean", "upper bound", "at most", "p"], rows));
    shown.text.push(format!(
        "{} of {} settings of the path certified, with confidence {}; tested on {} of {} samples; saving {}",
        certification.certified,
        certification.path.len(),
        args.promise.confidence(),
        certification.tested,
        certification.samples,
        decimal(certificate.saving, 3),
    ));
    if certificate.scope.policy == Policy::full() {
        shown.text.push("No setting that saves anything passed: what is certified is full depth.".to_owned());
    }
    shown.json("policy", &certificate.scope.policy);
    shown.json("certificate", certificate);
}

/// Calibration quality of each exit before and after its temperature.
fn temperatures(report: &CalibrationReport, shown: &mut Shown) {
    let Some([before, after]) = &report.quality else { return };
    shown.json("temperatures", &report.temperatures);
    shown.json("quality", json!({"before": before, "after": after}));
    let change = |before: f64, after: f64| format!("{} → {}", decimal(before, 3), decimal(after, 3));
    let rows = before.iter().zip(after).map(|(before, after)| {
        vec![
            after.exit.to_string(),
            decimal(after.temperature, 3),
            change(before.nll, after.nll),
            change(before.ece, after.ece),
            change(before.brier, after.brier),
            after.auroc.map_or_else(|| "–".to_owned(), |auroc| decimal(auroc, 3)),
        ]
    });
    shown.text.push(table(["exit", "temperature", "NLL", "ECE", "Brier", "AUROC"], rows));
    shown.text.push(String::new());
}

pub(super) fn outcome(trace: &Trace, metric: Metric, outcome: &Outcome, shown: &mut Shown) {
    let split = trace.provenance().split.as_deref().unwrap_or("another trace");
    shown.text.push(format!(
        "\non {split}, {} samples\n{}\n{}",
        trace.samples(),
        setting_table(&outcome.rows, metric),
        difference_line(metric, &outcome.difference)
    ));
    for (name, seen) in &outcome.risks {
        shown.text.push(format!("{name}: {} in {}, {}", seen.losses, seen.n, decimal(seen.mean, 4)));
    }
    let risks: serde_json::Map<_, _> = outcome.risks.iter().map(|(name, seen)| (name.clone(), json!(seen))).collect();
    let [chosen, full_depth] = [0, 1].map(|i| outcome.rows.get(i));
    shown.json(
        "reported_on",
        json!({"chosen": chosen, "full_depth": full_depth, "difference": outcome.difference, "risks": risks}),
    );
}
