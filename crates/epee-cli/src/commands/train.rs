//! `epee train`: trains a model with an exit after every layer.

mod options;

use std::path::PathBuf;

use epee::{ExitOptions, Training};
use epee_files::OutputLock;
use epee_model::{PoolerKind, Pooling};
use epee_train::check_resumable;
use serde_json::json;

use self::options::OptionArgs;
use crate::flags::{check_empty, named};
use crate::status::Stopped;
use crate::training::{base, fit};
use crate::ui::{Ui, decimal};

/// Train a model with an exit after every layer
#[derive(clap::Args)]
#[command(after_help = "DIR gets the best model on dev, metrics.jsonl and tensorboard/ (tensorboard --logdir DIR).\n\
    Ctrl-C or SIGTERM writes a checkpoint after the current step and ends with exit status 3; a second Ctrl-C ends at once with \
    130. The same command with --resume resumes from the checkpoint, also after a crash, and ends with the same bits as a run that \
    was never stopped.\n\n\
    Examples:\n  \
    epee train --model google-bert/bert-base-uncased --data data/phee --out runs/phee --epochs 9\n  \
    epee train --init scripts/configs/albert-small.json --data data/notes --out runs/notes --learning-rate 1e-3\n  \
    epee train --model models/minilm --data data/git --out runs/git --recipe mixed --batch-tokens 1024 --early-stopping 3")]
pub(crate) struct Args {
    #[command(flatten)]
    base: BaseArgs,
    /// Dataset folder with the splits train and dev
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Folder to write: the model, metrics.jsonl, tensorboard/, checkpoints/
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Tokenizer for fresh weights: tokenizer.json, or a folder with GPT-2's or ALBERT's files [default: the dataset's, else a small
    /// built-in one]
    #[arg(long, value_name = "FILE|DIR", conflicts_with = "model")]
    tokenizer: Option<PathBuf>,
    /// TOML file of options: --epochs to --early-stopping, recipe and image options, with `_` for `-`; flags override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Resume from the checkpoint in --out
    #[arg(long)]
    resume: bool,
    /// Seconds between checkpoints; 0 writes one after each step. One is always written after each epoch
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = seconds)]
    checkpoint_every: f64,
    /// Write into --out even if it is not empty; a model there is replaced after the first epoch
    #[arg(long, conflicts_with = "resume")]
    force: bool,
    #[command(flatten)]
    options: OptionArgs,
    /// Row of a sequence that an exit reads [default: last for GPT-2, else first]
    #[arg(long, value_name = "NAME", value_parser = named::<Pooling>(&["first", "last", "mean"]))]
    pooling: Option<Pooling>,
    /// One pooler for all exits, one per exit, or none [default: shared for BERT and ALBERT, else none]
    #[arg(long, value_name = "NAME", value_parser = named::<PoolerKind>(&["shared", "per-exit", "none"]))]
    pooler: Option<PoolerKind>,
    /// Apply the model's final norm before each exit, in GPT-2, ViT and DeiT [default: true]
    #[arg(long, value_name = "BOOL")]
    exit_norm: Option<bool>,
    /// Side of images in pixels, N or HEIGHTxWIDTH, if other than the model's; position embeddings are interpolated
    #[arg(long, value_name = "N", value_parser = image_size)]
    image_size: Option<[usize; 2]>,
}

/// The initial weights.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct BaseArgs {
    /// Hugging Face model directory (config.json, model.safetensors, tokenizer.json) or hub id
    #[arg(long, value_name = "DIR|ID")]
    model: Option<PathBuf>,
    /// config.json for fresh weights
    #[arg(long, value_name = "FILE")]
    init: Option<PathBuf>,
}

/// A number of seconds, from 0.
fn seconds(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|&seconds| seconds >= 0.0).ok_or_else(|| "expected seconds, at least 0".to_owned())
}

/// `224` or `192x256`.
fn image_size(text: &str) -> Result<[usize; 2], String> {
    let size = |text: &str| text.parse().ok().filter(|&size| size > 0);
    let (height, width) = text.split_once('x').unwrap_or((text, text));
    let both = size(height).zip(size(width)).map(|(height, width)| [height, width]);
    both.ok_or_else(|| "expected N or HEIGHTxWIDTH, such as 224 or 192x256".to_owned())
}

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    OutputLock::check(&args.out)?;
    match args.resume {
        true => check_resumable(&args.out)?,
        false => check_empty(&args.out, args.force)?,
    }
    let options = args.options.resolve(args.config.as_deref())?;
    let training = Training {
        options,
        exits: ExitOptions { pooling: args.pooling, pooler: args.pooler, norm: args.exit_norm },
        image_size: args.image_size,
        checkpoint_seconds: args.checkpoint_every,
        resume: args.resume,
        ..Training::new(base(args.base.model.as_deref(), args.base.init.as_deref(), args.tokenizer.as_deref(), ui)?)
    };
    let outcome = fit(&training, &args.data, &args.out, ui)?;
    if !outcome.finished {
        let steps = outcome.steps;
        let text = format!(
            "stopped after step {steps}: a checkpoint was written\nhint: the same command with --resume continues from it"
        );
        return Err(Stopped(text).into());
    }
    let (epoch, score) = outcome.best.unwrap_or_default();
    let epochs = training.options.epochs;
    if outcome.epochs < epochs {
        ui.note(format!("early stopping: no better model since epoch {epoch}, after {} of {epochs}", outcome.epochs));
    }
    if ui.json() {
        return ui
            .print_json(&json!({ "model": args.out, "steps": outcome.steps, "best_epoch": epoch, "score": score }));
    }
    ui.note(format!("{}: the model of epoch {epoch}, {} on dev", args.out.display(), decimal(score, 3)));
    Ok(())
}
