//! `epee train`: all exits jointly, from a checkpoint or from fresh weights.

mod options;
mod start;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, anyhow, bail};
use clap::ValueEnum;
use epee_data::Dataset;
use epee_files::sha256;
use epee_model::{Config, ExitConfig, ExitsFile, Model, ModelCard, PoolerKind, Pooling};
use epee_train::{
    Examples, Outcome, Output, Recipe, Regime, Run, RunIdentity, TrainOptions, refuse_if_locked, refuse_if_not_begun,
};
use serde_json::json;

use self::options::OptionArgs;
pub(crate) use self::start::digests;
use self::start::{Start, from_checkpoint, from_nothing};
pub(crate) use self::watch::PARENT;
use self::watch::Watch;
use crate::flags::check_empty;
use crate::ui::{Ui, decimal};
use epee::Preprocessor;

/// Train a model with an exit after every layer
#[derive(clap::Args)]
#[command(
    after_help = "The best model on dev is kept, with metrics.jsonl and tensorboard/ beside it (tensorboard --logdir DIR).\n\
    Ctrl-C or SIGTERM writes a checkpoint after the current step; the same command with --resume goes on from there, \
    or after a crash from the last checkpoint, to the same bits.\n\n\
    Examples:\n  \
    epee train --model google-bert/bert-base-uncased --data data/phee --out runs/phee --epochs 9\n  \
    epee train --init scripts/configs/albert-small.json --data data/notes --out runs/notes --learning-rate 1e-3\n  \
    epee train --model models/minilm --data data/git --out runs/git --recipe mixed --batch-tokens 1024 --early-stopping 3"
)]
pub(crate) struct Args {
    #[command(flatten)]
    base: BaseArgs,
    /// A dataset folder with the splits train and dev
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The folder to write: the model, metrics.jsonl, tensorboard/, checkpoints/
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The tokenizer of a fresh model, a tokenizer.json or a folder with GPT-2's or ALBERT's files [default: the dataset's, else a
    /// small one built in]
    #[arg(long, value_name = "FILE|DIR", conflicts_with = "model")]
    tokenizer: Option<PathBuf>,
    /// A TOML file of options, those from --epochs to --early-stopping and of the recipe and of pictures, with `_` for `-`; a flag
    /// overrides it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Go on from the checkpoint in --out
    #[arg(long)]
    resume: bool,
    /// Seconds from one checkpoint to the next; 0 writes one after each step. One is written after each epoch in any case
    #[arg(long, value_name = "SECONDS", default_value_t = CHECKPOINT_SECONDS, value_parser = seconds)]
    checkpoint_every: f64,
    /// Write into --out even if it holds something; a model in it is replaced after the first epoch
    #[arg(long, conflicts_with = "resume")]
    force: bool,
    #[command(flatten)]
    options: OptionArgs,
    /// Which row of a sequence an exit reads [default: the last of GPT-2, else the first]
    #[arg(long, value_enum)]
    pooling: Option<PoolingArg>,
    /// One pooler for all exits, one each, or none [default: shared in BERT and ALBERT, else none]
    #[arg(long, value_enum)]
    pooler: Option<PoolerArg>,
    /// Whether exits read through the model's final norm, in GPT-2, ViT and DeiT [default: true]
    #[arg(long, value_name = "BOOL")]
    exit_norm: Option<bool>,
    /// Pixels of a picture's side, N or HEIGHTxWIDTH, other than the model's: position embeddings are interpolated
    #[arg(long, value_name = "N", value_parser = image_size)]
    image_size: Option<[usize; 2]>,
}

/// What a model starts from.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct BaseArgs {
    /// A Hugging Face directory to start from: config.json, model.safetensors, tokenizer.json; or a hub id
    #[arg(long, value_name = "DIR|ID")]
    model: Option<PathBuf>,
    /// A config.json to start from with fresh weights
    #[arg(long, value_name = "FILE")]
    init: Option<PathBuf>,
}

/// Seconds between checkpoints, unless it is told otherwise.
pub(crate) const CHECKPOINT_SECONDS: f64 = 60.0;

/// A number of seconds, from 0.
fn seconds(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|&seconds| seconds >= 0.0).ok_or_else(|| "expected seconds, at least 0".to_owned())
}

/// `224` or `192x256`.
fn image_size(text: &str) -> Result<[usize; 2], String> {
    let size = |text: &str| text.parse().ok().filter(|&size| size > 0);
    let both = match text.split_once('x') {
        Some((height, width)) => size(height).zip(size(width)),
        None => size(text).map(|size| (size, size)),
    };
    both.map(|(height, width)| [height, width])
        .ok_or_else(|| "expected N or HEIGHTxWIDTH, such as 224 or 192x256".to_owned())
}

#[derive(Clone, Copy, ValueEnum)]
enum PoolingArg {
    First,
    Last,
    Mean,
}

#[derive(Clone, Copy, ValueEnum)]
enum PoolerArg {
    Shared,
    PerExit,
    None,
}

impl Args {
    /// The exits' form: the architecture's and the recipe's, but for what was asked for.
    fn heads(&self, config: &Config, classes: usize, recipe: &Recipe) -> anyhow::Result<ExitConfig> {
        let mut heads = ExitConfig { score: recipe.exit_head, ..ExitConfig::of(config, classes) };
        // DeeBERT's: one that all exits share would stand still with the backbone.
        if recipe.regime == Regime::TwoStage && heads.pooler == PoolerKind::Shared {
            heads.pooler = PoolerKind::PerExit;
        }
        if let Some(pooling) = self.pooling {
            heads.pooling = match pooling {
                PoolingArg::First => Pooling::First,
                PoolingArg::Last => Pooling::Last,
                PoolingArg::Mean => Pooling::Mean,
            };
        }
        if let Some(pooler) = self.pooler {
            heads.pooler = match pooler {
                PoolerArg::Shared => PoolerKind::Shared,
                PoolerArg::PerExit => PoolerKind::PerExit,
                PoolerArg::None => PoolerKind::None,
            };
        }
        if let Some(norm) = self.exit_norm {
            if !config.shape.final_norm {
                bail!("--exit-norm: {} has no final norm", config.title());
            }
            heads.norm = norm;
        }
        Ok(heads)
    }
}

/// What a training run needs.
pub(crate) struct Job<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) out: &'a Path,
    pub(crate) model: Model<f32>,
    pub(crate) config: Config,
    pub(crate) preprocessor: Preprocessor,
    pub(crate) exits: ExitsFile,
    /// Names what the model started from, for the checkpoint and the card.
    pub(crate) base: String,
    pub(crate) options: TrainOptions,
    pub(crate) resume: bool,
    /// Between two checkpoints.
    pub(crate) checkpoint_seconds: f64,
}

/// Trains a model and says how it went.
pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    refuse_if_locked(&args.out)?;
    match args.resume {
        true => refuse_if_not_begun(&args.out)?,
        false => check_empty(&args.out, args.force)?,
    }
    let options = args.options.resolve(args.config.as_deref())?;
    let dataset = Dataset::open(&args.data)?;
    let Start { model, config, preprocessor, heads, base } = match (&args.base.model, &args.base.init) {
        (Some(dir), _) => from_checkpoint(dir, args, &dataset, &options, ui)?,
        (None, init) => {
            from_nothing(init.as_deref().unwrap_or(Path::new("config.json")), args, &dataset, &options, ui)?
        }
    };
    let max_tokens = options.max_tokens.min(config.positions());
    let max_tokens = config.vocab_size().map(|_| max_tokens);
    let exits = ExitsFile { max_tokens, ..ExitsFile::new(&config, heads) };
    let (resume, epochs) = (args.resume, options.epochs);
    let (out, checkpoint_seconds) = (args.out.as_path(), args.checkpoint_every);
    let dataset = &dataset;
    let job = Job { dataset, out, model, config, preprocessor, exits, base, options, resume, checkpoint_seconds };
    let outcome = fit(job, ui)?;
    if !outcome.finished {
        bail!(
            "stopped after step {}: a checkpoint was written\nhint: the same command with --resume goes on from there",
            outcome.steps
        );
    }
    let (epoch, score) = outcome.best.unwrap_or_default();
    if outcome.epochs < epochs {
        ui.note(format!(
            "early stopping: no better model since epoch {epoch}, {} of {epochs} epochs taken",
            outcome.epochs
        ));
    }
    if ui.json() {
        return ui
            .print_json(&json!({ "model": args.out, "steps": outcome.steps, "best_epoch": epoch, "score": score }));
    }
    ui.note(format!("{}: the model of epoch {epoch}, {} on dev", args.out.display(), decimal(score, 3)));
    Ok(())
}

/// Runs a job, with a bar and a line per epoch.
pub(crate) fn fit(job: Job<'_>, ui: Ui) -> anyhow::Result<Outcome> {
    let max_tokens = job.options.max_tokens.min(job.config.positions());
    let read = |name: &str| -> anyhow::Result<(Examples, String)> {
        let split = epee::recording::read_split(job.dataset, name, None)?;
        let labelled: Vec<_> = split.examples.into_iter().filter(|example| example.label.is_some()).collect();
        let examples = Examples {
            sequences: {
                let encoded = job.preprocessor.encode(&job.config, &labelled, max_tokens)?;
                ui.warn(encoded.warning().as_slice());
                encoded.sequences
            },
            labels: labelled.iter().filter_map(|example| example.label).collect(),
            ids: labelled.into_iter().map(|example| example.id).collect(),
        };
        Ok((examples, split.digest))
    };
    let (train, train_digest) = read("train")?;
    let (dev, dev_digest) = read("dev")?;
    let options = &job.options;
    let info = job.dataset.info();
    let (input, content) = job.preprocessor.file();
    let identity = RunIdentity::from([
        ("train".to_owned(), train_digest.clone()),
        ("dev".to_owned(), dev_digest.clone()),
        ("labels".to_owned(), serde_json::to_string(&info.labels)?),
        ("options".to_owned(), serde_json::to_string(options)?),
        ("base".to_owned(), job.base.clone()),
        ("exits".to_owned(), serde_json::to_string(&job.exits)?),
        ("config".to_owned(), job.config.to_json(&info.labels).to_string()),
        (input.to_owned(), sha256(&content)),
    ]);
    let card = ModelCard {
        data: format!(
            "{}: {} training examples (digest {}), {} dev examples (digest {})",
            info.name,
            train.labels.len(),
            short(&train_digest),
            dev.labels.len(),
            short(&dev_digest)
        ),
        base: job.base.clone(),
        recipe: options.to_string(),
        results: String::new(),
    };
    let output = Output {
        dir: job.out,
        config: &job.config,
        labels: &info.labels,
        exits: &job.exits,
        input: (input, &content),
        card,
        checkpoint_seconds: job.checkpoint_seconds,
    };
    let mut watch = Watch::new(ui, options.epochs, interrupts(ui)?);
    let run = Run { train: &train, dev: &dev, options, output: &output, identity: &identity, resume: job.resume };
    let outcome = epee_train::train(job.model, &run, &mut watch);
    watch.bar.finish_and_clear();
    // From here on there is no checkpoint to wait for.
    let stopped = watch.stop.swap(true, Ordering::SeqCst);
    let outcome = outcome.map_err(|error| changed_split(job.dataset, error))?;
    if stopped && outcome.finished {
        bail!("stopped after the last epoch: the model is whole");
    }
    Ok(outcome)
}

/// Names the file where it is a split that differs from the checkpoint's.
fn changed_split(dataset: &Dataset, error: epee_train::Error) -> anyhow::Error {
    match &error {
        epee_train::Error::OtherRun { part, expected, got, .. } if part == "train" || part == "dev" => {
            let (folder, file) = (dataset.dir(), dataset.dir().join(format!("{part}.jsonl")));
            anyhow!(
                "{}: the {part} split of {} changed since the checkpoint: expected digest {expected}, got {got}\n\
                 hint: put the data back, or start over with --force in place of --resume",
                file.display(),
                folder.display()
            )
        }
        _ => error.into(),
    }
}

/// Set by the first Ctrl-C or SIGTERM. The second ends the process, and so does the first after training has ended.
fn interrupts(ui: Ui) -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        ui.note("stopping after this step, with a checkpoint; a second Ctrl-C ends at once, without");
    })
    .context("cannot watch for Ctrl-C")?;
    Ok(stop)
}

/// The first digits of a digest, enough to tell two apart.
fn short(digest: &str) -> &str {
    let end = digest.find(':').map_or(0, |colon| colon + 1) + 12;
    digest.get(..end).unwrap_or(digest)
}
