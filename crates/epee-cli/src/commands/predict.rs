//! `epee predict`: answers for texts or pictures.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use epee_exit::{Answer, Policy};
use epee_input::{Example, Image, Sequence, pack};
use epee_model::{Batch, Input, Session};
use epee_nn::Precision;
use serde_json::{Map, Value, json};

use super::sweep::decimal;
use crate::inputs::Classifier;
use crate::ui::{Ui, table};

/// Classify texts or pictures, each with the exit that answered
#[derive(clap::Args)]
#[command(after_help = "With --format json, an answer is one line.\n\n\
    Examples:\n  \
    epee predict --model runs/notes \"Stopped taking ginkgo last month.\"\n  \
    epee predict --model runs/notes --file notes.txt --format json\n  \
    cat notes.txt | epee predict --model runs/notes -\n  \
    epee predict --model runs/cells cells/*.png")]
pub(crate) struct Args {
    /// A multi-exit model directory, or a hub id
    #[arg(long, value_name = "DIR|ID")]
    model: PathBuf,
    /// Texts, or PNG and JPEG files where the model reads pictures; `-` for one per line of stdin
    #[arg(value_name = "TEXT|FILE", required_unless_present = "file")]
    texts: Vec<String>,
    /// A file with one text, or the path of one picture, per line
    #[arg(long, value_name = "FILE", conflicts_with = "texts")]
    file: Option<PathBuf>,
    /// What weights are stored and multiplied in: f32, bf16 or int8
    #[arg(long, default_value_t, value_name = "P")]
    precision: Precision,
    /// The policy, such as `epee(threshold=0.1, patience=4)` [default: the one in the model's exits.json]
    #[arg(long)]
    policy: Option<Policy>,
}

/// Tokens in a batch.
const TOKENS: usize = 1024;

/// Classifies and prints.
pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    let texts = match (&args.file, args.texts.as_slice()) {
        (Some(file), _) => {
            let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            lines(&bytes[..], &file.display().to_string())?
        }
        (None, [dash]) if dash == "-" => {
            if std::io::stdin().is_terminal() {
                ui.note("reading texts from the terminal, one per line, Ctrl-D ends");
            }
            lines(std::io::stdin().lock(), "stdin")?
        }
        (None, texts) if texts.iter().any(|text| text == "-") => {
            bail!("expected texts or `-` for stdin, got both")
        }
        (None, texts) => texts.to_vec(),
    };
    if let Some(i) = texts.iter().position(|text| text.trim().is_empty()) {
        bail!("text {} is empty", i + 1);
    }
    let classifier = Classifier::load(&args.model, args.precision, ui)?;
    let predictions = predict(&classifier, args.policy.clone(), &texts, ui)?;
    print(&classifier, &texts, &predictions, ui)
}

fn lines(reader: impl BufRead, name: &str) -> anyhow::Result<Vec<String>> {
    let mut texts = Vec::new();
    for (i, line) in reader.lines().enumerate() {
        let line = line.with_context(|| format!("{name}, line {}", i + 1))?;
        let line = if i == 0 { line.trim_start_matches('\u{feff}').to_owned() } else { line };
        if line.trim().is_empty() {
            bail!("{name}, line {}: expected a text, got an empty line", i + 1);
        }
        texts.push(line);
    }
    if texts.is_empty() {
        bail!("{name}: expected a text per line, got nothing");
    }
    Ok(texts)
}

/// What was given on the command line: a text, or the path of a picture.
fn example(classifier: &Classifier, i: usize, text: &str) -> anyhow::Result<Example> {
    let id = format!("{}", i + 1);
    Ok(match classifier.model_dir.config.shape.input {
        Input::Text(_) => Example { id, text: text.to_owned(), ..Example::default() },
        Input::Image(_) => {
            let title = classifier.model_dir.config.title();
            let hint = |error| {
                anyhow!("{:#}\nhint: {title} reads pictures: name PNG or JPEG files", anyhow::Error::from(error))
            };
            Example { id, image: Some(Image::read(text).map_err(hint)?), ..Example::default() }
        }
    })
}

/// What the command line names: texts, or files of pictures.
fn given(classifier: &Classifier) -> &'static str {
    match classifier.model_dir.config.shape.input {
        Input::Text(_) => "text",
        Input::Image(_) => "file",
    }
}

/// An answer and the length of its text.
pub(crate) struct Prediction {
    answer: Answer,
    tokens: usize,
}

/// The answers of the model's policy, or of another.
pub(crate) fn predict(
    classifier: &Classifier,
    policy: Option<Policy>,
    texts: &[String],
    ui: Ui,
) -> anyhow::Result<Vec<Prediction>> {
    let engine = &classifier.engine;
    let policy = classifier.policy(policy, ui)?;
    let examples =
        texts.iter().enumerate().map(|(i, text)| example(classifier, i, text)).collect::<anyhow::Result<Vec<_>>>()?;
    let sequences = classifier.encode(&examples, ui)?;
    let lengths: Vec<usize> = sequences.iter().map(Sequence::tokens).collect();
    let bar = ui.progress(texts.len() as u64, "predict");
    let mut predictions = Vec::with_capacity(texts.len());
    let mut session = Session::new(engine);
    for indices in pack(&lengths, TOKENS) {
        let batch = Batch::new(indices.iter().map(|&i| &sequences[i]));
        let answers = session.classify(&batch, &policy).map_err(|error| match error {
            epee_model::Error::ExitOutput { sample, source } => {
                anyhow::Error::new(source).context(format!("text {}", indices[sample] + 1))
            }
            other => other.into(),
        })?;
        bar.inc(answers.len() as u64);
        let tokens = indices.iter().map(|&i| lengths[i]);
        predictions.extend(answers.into_iter().zip(tokens).map(|(answer, tokens)| Prediction { answer, tokens }));
    }
    bar.finish_and_clear();
    Ok(predictions)
}

fn print(classifier: &Classifier, texts: &[String], predictions: &[Prediction], ui: Ui) -> anyhow::Result<()> {
    if !ui.json() {
        ui.print(prediction_table(classifier, texts, predictions))?;
        return Ok(());
    }
    let model_dir = &classifier.model_dir;
    let what = given(classifier);
    for (text, Prediction { answer, tokens }) in texts.iter().zip(predictions) {
        let probabilities: Map<String, Value> =
            model_dir.labels.iter().cloned().zip(answer.probabilities.iter().map(|p| json!(p))).collect();
        let line = json!({
            what: text, "label": model_dir.labels[answer.label], "probabilities": probabilities, "exit": answer.exit,
            "exits": model_dir.exits.exits, "entropy": answer.entropy, "reason": answer.reason, "tokens": tokens,
            "abstains": abstains(classifier, answer),
        });
        ui.print(line.to_string())?;
    }
    Ok(())
}

/// The answers for people.
pub(crate) fn prediction_table(classifier: &Classifier, texts: &[String], predictions: &[Prediction]) -> String {
    let model_dir = &classifier.model_dir;
    let rows = texts.iter().zip(predictions).map(|(text, Prediction { answer, .. })| {
        vec![
            shortened(text, 72),
            if abstains(classifier, answer) {
                format!("{} (abstains)", model_dir.labels[answer.label])
            } else {
                model_dir.labels[answer.label].clone()
            },
            decimal(f64::from(answer.probabilities[answer.label]), 3),
            format!("{} of {}", answer.exit, model_dir.exits.exits),
            answer.reason.to_string(),
        ]
    });
    table([given(classifier), "label", "probability", "exit", "stopped by"], rows)
}

/// Whether the model is too unsure for its answer to count.
fn abstains(classifier: &Classifier, answer: &Answer) -> bool {
    let confidence = answer.probabilities.iter().copied().fold(0.0, f32::max);
    classifier.model_dir.exits.abstention.as_ref().is_some_and(|rule| f64::from(confidence) < rule.below)
}

fn shortened(text: &str, most: usize) -> String {
    // Control characters would reach the terminal.
    let text = text.replace(|c: char| c.is_control() && !c.is_whitespace(), "\u{fffd}");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= most {
        return text;
    }
    let mut short: String = text.chars().take(most - 1).collect();
    short.push('…');
    short
}
