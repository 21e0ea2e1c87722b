//! Loading a model, running it, and showing its answers and evaluations, for several commands.

use std::path::Path;

use anyhow::{anyhow, bail};
use epee::data::Dataset;
use epee::evaluation::Grade;
use epee::exit::{Metric, Metrics};
use epee::input::SampleText;
use epee::model::InputShape;
use epee::{Classifier, Evaluation, Example, Image, LoadOptions, Policy, Precision, Prediction, Trace, Warning};
use serde_json::{Value, json};

use super::tables::{decimal, difference_line};
use super::{Ui, table};

/// Loads a model with its own policy or another, and shows its warnings.
pub(crate) fn load(model: &Path, precision: Precision, policy: Option<Policy>, ui: Ui) -> anyhow::Result<Classifier> {
    let classifier = Classifier::load_with(model, LoadOptions { precision, policy, ..LoadOptions::default() })?;
    ui.warn(classifier.warnings());
    Ok(classifier)
}

pub(crate) fn record(classifier: &Classifier, dataset: &Dataset, split: &str, ui: Ui) -> anyhow::Result<Trace> {
    let samples = dataset.info().splits.get(split).map_or(0, |split| split.rows);
    let name = format!("trace {split}");
    let recorded = ui.while_counting(samples, &name, |progress| classifier.record(dataset, split, progress))?;
    ui.warn(&recorded.warnings);
    Ok(recorded.trace)
}

pub(crate) fn evaluate(
    classifier: &Classifier,
    examples: &[Example],
    batch_size: usize,
    ui: Ui,
) -> anyhow::Result<Evaluation> {
    let run = |progress: &mut dyn FnMut(usize)| classifier.evaluate(examples, batch_size, progress);
    let evaluation = ui.while_counting(examples.len(), "eval", run)?;
    ui.warn(&evaluation.warnings);
    Ok(evaluation)
}

/// The examples that the command line names: texts, or image files. What is no file may be a text: it is not shown.
pub(crate) fn examples(classifier: &Classifier, texts: &[SampleText]) -> anyhow::Result<Vec<Example>> {
    let config = &classifier.model_dir().config;
    let read = |i: usize, text: &SampleText| match config.shape.input {
        InputShape::Text(_) => Ok(text.clone().into()),
        InputShape::Image(_) if !Path::new(text.expose()).exists() => {
            let hint = format!("hint: {} reads images: name PNG or JPEG files", config.title());
            bail!("input {}: expected an image file, got no file of this name\n{hint}", i + 1)
        }
        InputShape::Image(_) => Image::read(text.expose()).map(Example::from).map_err(|error| {
            let error = anyhow::Error::from(error);
            anyhow!("{error:#}\nhint: {} reads images: name PNG or JPEG files", config.title())
        }),
    };
    let numbered =
        |(i, text): (usize, &SampleText)| read(i, text).map(|example| Example { id: (i + 1).to_string(), ..example });
    texts.iter().enumerate().map(numbered).collect()
}

pub(crate) fn predict(classifier: &Classifier, examples: &[Example], ui: Ui) -> anyhow::Result<Vec<Prediction>> {
    let run = |progress: &mut dyn FnMut(usize)| classifier.predict_examples(examples, progress);
    let predictions = ui.while_counting(examples.len(), "predict", run)?;
    let count = predictions.iter().filter(|prediction| prediction.truncated).count();
    if count > 0 {
        let max_tokens = predictions.iter().map(|prediction| prediction.tokens).max().unwrap_or(0);
        ui.warn(&[Warning::Truncated { count, of: predictions.len(), max_tokens }]);
    }
    Ok(predictions)
}

/// The name of one input on the command line: `text` or `file`.
pub(crate) fn input_name(classifier: &Classifier) -> &'static str {
    match classifier.model_dir().config.shape.input {
        InputShape::Text(_) => "text",
        InputShape::Image(_) => "file",
    }
}

pub(crate) fn prediction_table(classifier: &Classifier, texts: &[SampleText], predictions: &[Prediction]) -> String {
    let rows = texts.iter().zip(predictions).map(|(text, answer)| {
        vec![
            shortened(text.expose(), 72),
            if answer.abstains { format!("{} (abstains)", answer.label) } else { answer.label.clone() },
            decimal(f64::from(answer.probability), 3),
            format!("{} of {}", answer.exit, answer.exits),
            answer.reason.to_string(),
        ]
    });
    table([input_name(classifier), "label", "probability", "exit", "stopped by"], rows)
}

/// The beginning of a text on one line.
fn shortened(text: &str, most: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= most {
        return text;
    }
    let mut short: String = text.chars().take(most - 1).collect();
    short.push('…');
    short
}

pub(crate) fn evaluation_json(policy: &Policy, split: &str, live: &Evaluation) -> Value {
    json!({
        "precision": live.precision.name(), "policy": policy, "split": split, "metrics": live.metrics,
        "full_depth": live.full_depth, "difference": live.difference, "wall_clock": live.wall_clock, "grades": live.grades,
    })
}

pub(crate) fn evaluation_text(policy: &Policy, live: &Evaluation) -> String {
    let summary = evaluation_summary(policy, live);
    if live.grades.is_empty() { summary } else { format!("{summary}\n\n{}", grade_table(&live.grades)) }
}

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
