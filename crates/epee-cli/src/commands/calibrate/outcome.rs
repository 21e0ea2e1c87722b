//! What a choice comes to: beside full depth, on another trace, exit by exit.

use epee_exit::{
    Bootstrap, Choice, Difference, Metric, Policy, Scoring, Trace, exit_quality, measure_risk, replay, score,
};
use epee_model::ExitsFile;
use serde_json::json;

use super::{Args, Report};
use crate::commands::sweep::{decimal, difference_line, setting_table};
use crate::ui::table;

/// The chosen setting above full depth on the trace that chose it, and what lies between them.
pub(crate) fn choice_text(choice: &Choice, trace: &Trace, scoring: &Scoring) -> anyhow::Result<String> {
    if !choice.met {
        return Ok(setting_table(std::slice::from_ref(&choice.full), choice.metric));
    }
    let table = setting_table(&[choice.row.clone(), choice.full.clone()], choice.metric);
    let difference = from_full_depth(trace, &choice.policy, choice.metric, scoring)?;
    Ok(format!("{table}\n{}", difference_line(choice.metric, &difference)))
}

/// A setting's answers against full depth's, sample by sample.
fn from_full_depth(trace: &Trace, policy: &Policy, metric: Metric, scoring: &Scoring) -> anyhow::Result<Difference> {
    let policy = policy.check(trace.exits(), trace.classes())?.with_temperatures(&scoring.temperatures)?;
    let (full, chosen) = (replay(&policy.full_depth(), trace)?.labels, replay(&policy, trace)?.labels);
    let options = Bootstrap::default();
    Ok(Difference::between(trace.labels(), &full, &chosen, trace.classes(), metric, scoring, &options))
}

/// What the model's policy comes to on another trace, and what became of each certified risk.
pub(super) fn outcome(args: &Args, trace: &Trace, exits: &ExitsFile, report: &mut Report) -> anyhow::Result<()> {
    let scoring = Scoring { temperatures: exits.temperatures.clone(), ..args.settings.scoring(trace)? };
    let rows = score(trace, &[exits.policy.clone(), Policy::full()], &scoring)?;
    let policy = exits.policy.check(exits.exits, exits.classes)?.with_temperatures(&exits.temperatures)?;
    let split = trace.provenance().split.as_deref().unwrap_or("another trace");
    let table = setting_table(&rows, args.settings.metric());
    let difference = from_full_depth(trace, &exits.policy, args.settings.metric(), &scoring)?;
    report.text.push(format!(
        "\non {split}, {} samples\n{table}\n{}",
        trace.samples(),
        difference_line(args.settings.metric(), &difference)
    ));
    let mut risks = serde_json::Map::new();
    for (name, risk) in args.promise.named_risks(trace)?.into_iter().filter(|_| exits.certificate.is_some()) {
        let seen = measure_risk(trace, &policy, risk)?;
        report.text.push(format!("{name}: {} in {}, {}", seen.losses, seen.n, decimal(seen.mean, 4)));
        risks.insert(name, json!(seen));
    }
    report.json.insert(
        "reported_on".to_owned(),
        json!({"chosen": rows[0], "full_depth": rows[1], "difference": difference, "risks": risks}),
    );
    Ok(())
}

/// How well each exit is calibrated, before and after its temperature; nothing where none was fitted.
pub(super) fn show_temperatures(trace: &Trace, temperatures: &[f64], report: &mut Report) -> anyhow::Result<()> {
    if temperatures.is_empty() {
        return Ok(());
    }
    let before = exit_quality(trace, &vec![1.0; trace.exits()], BINS)?;
    let after = exit_quality(trace, temperatures, BINS)?;
    report.json.insert("temperatures".to_owned(), json!(temperatures));
    report.json.insert("quality".to_owned(), json!({"before": before, "after": after}));
    let rows = before.iter().zip(&after).map(|(before, after)| {
        vec![
            after.exit.to_string(),
            decimal(after.temperature, 3),
            format!("{} → {}", decimal(before.nll, 3), decimal(after.nll, 3)),
            format!("{} → {}", decimal(before.ece, 3), decimal(after.ece, 3)),
            format!("{} → {}", decimal(before.brier, 3), decimal(after.brier, 3)),
            after.auroc.map_or_else(|| "–".to_owned(), |auroc| decimal(auroc, 3)),
        ]
    });
    report.text.push(table(["exit", "temperature", "NLL", "ECE", "Brier", "AUROC"], rows));
    report.text.push(String::new());
    Ok(())
}

/// Bins of equal mass for the calibration error.
const BINS: usize = 15;
