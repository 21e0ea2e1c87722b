//! A live evaluation as text and as JSON.

use epee::evaluation::Grade;
use epee::exit::{Metric, Metrics};
use epee::{Evaluation, Policy};
use serde_json::{Value, json};

use super::table;
use super::tables::{decimal, difference_line};

/// An evaluation for scripts.
pub(crate) fn evaluation_json(policy: &Policy, split: &str, live: &Evaluation) -> Value {
    json!({
        "precision": live.precision.name(), "policy": policy, "split": split, "metrics": live.metrics,
        "full_depth": live.full_depth, "difference": live.difference, "wall_clock": live.wall_clock, "grades": live.grades,
    })
}

/// An evaluation for people.
pub(crate) fn evaluation_text(policy: &Policy, live: &Evaluation) -> String {
    let summary = evaluation_summary(policy, live);
    if live.grades.is_empty() { summary } else { format!("{summary}\n\n{}", grade_table(&live.grades)) }
}

/// Accuracy and mean exit by grade.
pub(crate) fn grade_table(grades: &[Grade]) -> String {
    let rows = grades.iter().map(|grade| {
        vec![
            grade.grade.to_string(),
            grade.samples.to_string(),
            decimal(grade.accuracy, 3),
            decimal(grade.mean_exit, 2),
        ]
    });
    table(["grade of difficulty", "samples", "accuracy", "mean exit"], rows)
}

/// Metrics, exits and wall-clock.
pub(crate) fn evaluation_summary(policy: &Policy, live: &Evaluation) -> String {
    let row = |name: String, metrics: &Metrics, ms: f64| {
        vec![
            name,
            decimal(metrics.accuracy, 3),
            decimal(metrics.macro_f1, 3),
            decimal(metrics.saving, 3),
            decimal(metrics.ratio, 2),
            decimal(metrics.mean_exit, 2),
            decimal(ms, 2),
        ]
    };
    let clock = &live.wall_clock;
    let mut text = table(
        ["setting", "accuracy", "macro-F1", "saving", "ratio", "mean exit", "ms/sample"],
        [
            row(policy.to_string(), &live.metrics, clock.policy_ms),
            row("full".to_owned(), &live.full_depth, clock.full_depth_ms),
            row("full, last layer trimmed".to_owned(), &live.full_depth, clock.full_depth_trimmed_ms),
        ],
    );
    text.push_str(&format!("\n{}", difference_line(Metric::MacroF1, &live.difference)));
    let exits = live.metrics.histogram.iter().enumerate().map(|(m, n)| format!("{}: {n}", m + 1));
    text.push_str(&format!("\nsamples by exit  {}", exits.collect::<Vec<_>>().join("  ")));
    text.push_str(&format!(
        "\nwall-clock: saving {} (ratio {}), against trimmed {}; {}, batch size {}, threads {}; counted in layers: saving {} (ratio {})",
        decimal(clock.saving, 3),
        decimal(clock.ratio, 2),
        decimal(clock.saving_trimmed, 3),
        live.precision,
        clock.batch_size,
        clock.threads,
        decimal(live.metrics.saving, 3),
        decimal(live.metrics.ratio, 2),
    ));
    text
}
