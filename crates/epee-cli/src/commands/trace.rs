//! `epee trace`: records the logits of every exit, and the scores of a learned exit head.

use std::path::PathBuf;

use epee::data::Dataset;
use epee::{Classifier, LoadOptions, Precision};

use crate::fetch;
use crate::flags::claim;
use crate::ui::{self, Ui};

/// Record the logits of every exit for every sample of a split
#[derive(clap::Args)]
#[command(
    after_help = "A trace is one safetensors file. Sweeps, calibration and figures are computed from it, without the model.\n\n\
    Example:\n  epee trace --model runs/phee --data data/phee --split dev --out dev.safetensors"
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
    /// Numeric precision of the weights: f32, bf16 or int8
    #[arg(long, default_value_t, value_name = "P")]
    precision: Precision,
    /// Trace file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    let _claim = claim(&args.out, args.force)?;
    // A trace has nothing to do with the policy: no warning about its promises.
    let options = LoadOptions { precision: args.precision, ..LoadOptions::default() };
    let classifier = Classifier::load_with(fetch::local_model(&args.model, ui)?, options)?;
    let trace = ui::record(&classifier, &Dataset::open(&args.data)?, &args.split, ui)?;
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
