//! `epee trace`: records the logits of every exit, and the scores of a learned exit head.

use std::path::PathBuf;

use epee_data::Dataset;
use epee_exit::{Provenance, Trace, TraceParts};
use epee_nn::Precision;

use super::check_absent;
use crate::inputs::{Classifier, labels, split};
use crate::ui::Ui;

/// Record the logits of every exit for every sample of a split
#[derive(clap::Args)]
#[command(
    after_help = "A trace is one safetensors file; every sweep, choice and figure is made from it without the model.\n\n\
    Example:\n  epee trace --model runs/phee --data data/phee --split dev --out dev.safetensors"
)]
pub(crate) struct Args {
    /// A multi-exit model directory, or a hub id
    #[arg(long, value_name = "DIR|ID")]
    model: PathBuf,
    /// A dataset folder
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The split to run on
    #[arg(long, default_value = "test")]
    split: String,
    /// What weights are stored and multiplied in: f32, bf16 or int8
    #[arg(long, default_value_t, value_name = "P")]
    precision: Precision,
    /// The trace file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

/// Records a trace and writes it.
pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    check_absent(&args.out, args.force)?;
    let classifier = Classifier::load(&args.model, args.precision, ui)?;
    let dataset = Dataset::open(&args.data)?;
    let trace = record(&classifier, &dataset, &args.split, ui)?;
    trace.save(&args.out)?;
    ui.note(format!(
        "{}: {} samples × {} exits × {} classes",
        args.out.display(),
        trace.samples(),
        trace.exits(),
        trace.classes()
    ));
    Ok(())
}

/// The trace of a split, with its provenance.
pub(crate) fn record(classifier: &Classifier, dataset: &Dataset, name: &str, ui: Ui) -> anyhow::Result<Trace> {
    classifier.check_labels(dataset)?;
    let split = split(dataset, name, None)?;
    let sequences = classifier.encode(&split.examples, ui)?;
    let engine = &classifier.engine;
    let bar = ui.progress(sequences.len() as u64, &format!("trace {name}"));
    let recording = engine.record(&sequences, |done| bar.inc(done as u64));
    bar.finish_and_clear();
    let samples = sequences.len() as f64;
    let provenance = Provenance {
        model_digest: Some(classifier.model_dir.digest()?),
        data_digest: Some(split.digest.clone()),
        split: Some(name.to_owned()),
        precision: Some(engine.precision().to_string()),
        label_names: classifier.model_dir.labels.clone(),
        layer_seconds: recording.layer_times.iter().map(|time| time.as_secs_f64() / samples).collect(),
        ..Provenance::here()
    };
    Ok(Trace::new(TraceParts {
        exits: engine.depth(),
        classes: engine.classes(),
        logits: recording.logits,
        labels: labels(&split.examples),
        ids: split.examples.iter().map(|example| example.id.clone()).collect(),
        tokens: sequences.iter().map(|sequence| sequence.tokens() as i64).collect(),
        scores: recording.scores,
        provenance,
    })?)
}
