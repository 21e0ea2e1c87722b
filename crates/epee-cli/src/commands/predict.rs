//! `epee predict`: answers texts or images.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use anyhow::{Context, bail};
use epee::input::SampleText;
use epee::{Classifier, Policy, Precision, Prediction};
use serde_json::{Map, Value, json};

use crate::fetch;
use crate::ui::{self, Ui};

/// Classify texts or images, and show the exit that answered each
#[derive(clap::Args)]
#[command(after_help = "With --format json, each answer is one line.\n\n\
    Examples:\n  \
    epee predict --model runs/notes \"Stopped taking ginkgo last month.\"\n  \
    epee predict --model runs/notes --file notes.txt --format json\n  \
    cat notes.txt | epee predict --model runs/notes -\n  \
    epee predict --model runs/cells cells/*.png")]
pub(crate) struct Args {
    /// A multi-exit model directory, or a hub id
    #[arg(long, value_name = "DIR|ID")]
    model: PathBuf,
    /// Texts, or PNG and JPEG files for an image model; `-` reads one per line from stdin, where no list of
    /// processes shows them
    #[arg(value_name = "TEXT|FILE", required_unless_present = "file")]
    texts: Vec<SampleText>,
    /// A file with one text, or one image path, per line
    #[arg(long, value_name = "FILE", conflicts_with = "texts")]
    file: Option<PathBuf>,
    /// Numeric precision of the weights: f32, bf16 or int8
    #[arg(long, default_value_t, value_name = "P")]
    precision: Precision,
    /// Exit policy, such as `epee(threshold=0.1, patience=4)` [default: the model's own, in exits.json]
    #[arg(long)]
    policy: Option<Policy>,
}

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    let texts = match (&args.file, args.texts.as_slice()) {
        (Some(file), _) => {
            let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            lines(&bytes[..], &file.display().to_string())?
        }
        (None, [dash]) if *dash == "-" => {
            if std::io::stdin().is_terminal() {
                ui.note("reading texts from the terminal, one per line, Ctrl-D ends");
            }
            lines(std::io::stdin().lock(), "stdin")?
        }
        (None, texts) if texts.iter().any(|text| *text == "-") => {
            bail!("expected texts or `-` for stdin, got both")
        }
        (None, texts) => texts.to_vec(),
    };
    if let Some(i) = texts.iter().position(SampleText::is_blank) {
        bail!("text {} is empty", i + 1);
    }
    let classifier = ui::load(&fetch::local_model(&args.model, ui)?, args.precision, args.policy.clone(), ui)?;
    let examples = ui::examples(&classifier, &texts)?;
    let predictions = ui::predict(&classifier, &examples, ui)?;
    if !ui.json() {
        return Ok(ui.print(ui::prediction_table(&classifier, &texts, &predictions))?);
    }
    for (text, prediction) in texts.iter().zip(&predictions) {
        ui.print_data(format!("{}\n", line(&classifier, text, prediction)).as_bytes())?;
    }
    Ok(())
}

fn lines(reader: impl BufRead, name: &str) -> anyhow::Result<Vec<SampleText>> {
    let mut texts = Vec::new();
    for (i, line) in reader.lines().enumerate() {
        let line = line.with_context(|| format!("{name}, line {}", i + 1))?;
        let line = SampleText::from(if i == 0 { line.trim_start_matches('\u{feff}') } else { &line });
        if line.is_blank() {
            bail!("{name}, line {}: expected a text, got an empty line", i + 1);
        }
        texts.push(line);
    }
    if texts.is_empty() {
        bail!("{name}: expected a text per line, got nothing");
    }
    Ok(texts)
}

/// An answer for scripts.
fn line(classifier: &Classifier, text: &SampleText, prediction: &Prediction) -> Value {
    let Prediction { label, probabilities, exit, exits, entropy, reason, tokens, truncated, abstains, .. } = prediction;
    let probabilities: Map<String, Value> =
        classifier.labels().iter().cloned().zip(probabilities.iter().map(|p| json!(p))).collect();
    json!({
        ui::input_name(classifier): text.expose(), "label": label, "probabilities": probabilities, "exit": exit, "exits": exits,
        "entropy": entropy, "reason": reason, "tokens": tokens, "truncated": truncated, "abstains": abstains,
    })
}
