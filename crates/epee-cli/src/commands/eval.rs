//! `epee eval`: a policy run live, timed beside full depth.

use std::path::{Path, PathBuf};

use anyhow::bail;
use epee::data::Dataset;
use epee::exit::Answer;
use epee::recording::read_split;
use epee::{Evaluation, Example, Policy, Precision};
use serde_json::json;

use crate::flags::claim;
use crate::ui::{Ui, evaluation_json, evaluation_text};
use crate::{fetch, ui};

/// Run a policy live on a split: metrics, exits, and time beside full depth
#[derive(clap::Args)]
#[command(
    after_help = "The policy and full depth take turns on the same samples, so that both run on the same machine under the same load. \
    Full depth is timed twice: with every row of every layer, and trimmed, which computes only the exit's row in the last layer. \
    Tokenisation is timed separately. With several precisions, --format json prints a list.\n\n\
    Examples:\n  \
    epee eval --model runs/phee --data data/phee --split test\n  \
    epee eval --model runs/phee --data data/phee --policy 'epee(threshold=0.1, patience=4)'\n  \
    epee eval --model runs/phee --data data/phee --precision f32,int8"
)]
pub(crate) struct Args {
    /// A multi-exit model directory, or a hub id
    #[arg(long, value_name = "DIR|ID")]
    model: PathBuf,
    /// A dataset folder
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Split to run on
    #[arg(long, default_value = "test")]
    split: String,
    /// Exit policy, such as `epee(threshold=0.1, patience=4)` [default: the model's own, in exits.json]
    #[arg(long)]
    policy: Option<Policy>,
    /// Numeric precision of the weights: f32, bf16 or int8; several run one after the other
    #[arg(long, default_value = "f32", value_name = "P,…", value_delimiter = ',')]
    precision: Vec<Precision>,
    /// Samples in a batch
    #[arg(long, default_value = "1", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    batch_size: u32,
    /// Only the first N samples
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Write the answer for each sample to this file, as JSON lines
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
    /// Replace the file of --predictions if it exists
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    if args.predictions.is_some() && args.precision.len() != 1 {
        bail!("--predictions: expected one precision, got {}", args.precision.len());
    }
    let _claim = args.predictions.as_deref().map(|file| claim(file, args.force)).transpose()?;
    let model = fetch::local_model(&args.model, ui)?;
    let dataset = Dataset::open(&args.data)?;
    let split = read_split(&dataset, &args.split, args.limit.map(|limit| limit as usize))?;
    let mut policy = Policy::full();
    let mut runs: Vec<Evaluation> = Vec::with_capacity(args.precision.len());
    for &precision in &args.precision {
        // One model at a time is in memory.
        let classifier = ui::load(&model, precision, args.policy.clone(), ui)?;
        classifier.check_labels(&dataset)?;
        let run = ui::evaluate(&classifier, &split.examples, args.batch_size as usize, ui)?;
        if let Some(file) = &args.predictions {
            write_predictions(file, &split.examples, &run.answers, classifier.labels())?;
        }
        policy = classifier.policy().policy().clone();
        runs.push(run);
    }
    if ui.json() {
        let reports: Vec<_> = runs.iter().map(|run| evaluation_json(&policy, &args.split, run)).collect();
        return match reports.as_slice() {
            [report] => ui.print_json(report),
            reports => ui.print_json(&reports),
        };
    }
    let texts: Vec<String> = runs.iter().map(|run| evaluation_text(&policy, run)).collect();
    Ok(ui.print(texts.join("\n\n"))?)
}

fn write_predictions(file: &Path, examples: &[Example], answers: &[Answer], labels: &[String]) -> anyhow::Result<()> {
    let lines = examples.iter().zip(answers).map(|(example, answer)| {
        let line = json!({
            "id": example.id, "label": labels[answer.label], "exit": answer.exit, "entropy": answer.entropy,
            "reason": answer.reason, "probabilities": answer.probabilities,
        });
        format!("{line}\n")
    });
    Ok(epee_files::write_private(file, &lines.collect::<Vec<_>>())?)
}
