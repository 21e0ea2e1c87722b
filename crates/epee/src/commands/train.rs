//! `epee train`: all exits jointly, from a checkpoint or from fresh weights.

mod start;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use clap::ValueEnum;
use epee_data::{Dataset, sha256};
use epee_exit::Metric;
use epee_model::{Config, ExitsFile, Heads, Model, ModelCard, PoolerKind, Pooling};
use epee_train::{EpochReport, Examples, Observer, Outcome, Output, Select, StepReport, TrainOptions, read_options};
use indicatif::ProgressBar;
use serde_json::json;

use self::start::{Start, from_checkpoint, from_nothing};
use super::check_empty;
use super::sweep::decimal;
use crate::inputs;
use crate::preprocessor::Preprocessor;
use crate::ui::Ui;

/// Train a model with an exit after every layer
#[derive(clap::Args)]
#[command(
    after_help = "All exits are trained jointly, exit m with weight m (Eq. 4 of the paper). The best model on dev is kept.\n\
    Ctrl-C writes a checkpoint after the current step; the same command with --resume goes on from there.\n\n\
    Examples:\n  \
    epee train --model minilm-l6-v2 --data data/phee --out runs/phee --epochs 9 --learning-rate 2e-4\n  \
    epee train --init bert-tiny.json --data data/notes --out runs/notes --learning-rate 1e-3"
)]
pub(crate) struct Args {
    #[command(flatten)]
    base: BaseArgs,
    /// A dataset folder with the splits train and dev
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The folder to write: the model, metrics.jsonl, checkpoints/
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The tokenizer of a fresh model, a tokenizer.json or a folder with GPT-2's or ALBERT's files [default: the dataset's, else a
    /// small one built in]
    #[arg(long, value_name = "FILE|DIR", conflicts_with = "model")]
    tokenizer: Option<PathBuf>,
    /// The options from --epochs to --metric as a TOML file, with `_` for `-`; flags go before it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Go on from the checkpoint in --out
    #[arg(long)]
    resume: bool,
    /// Write into --out even if it holds something
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

/// The options of a run; those left out are taken from --config, else from the defaults.
#[derive(clap::Args)]
struct OptionArgs {
    /// Passes over the training split [default: 15]
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Sequences per step [default: 16]
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// Peak of the learning rate [default: 3e-5]
    #[arg(long, value_name = "RATE")]
    learning_rate: Option<f64>,
    /// Share of the steps until the peak; then linear decay to 0 [default: 0.1]
    #[arg(long, value_name = "SHARE")]
    warmup: Option<f64>,
    /// Decoupled weight decay [default: 0]
    #[arg(long, value_name = "RATE")]
    weight_decay: Option<f64>,
    /// The gradient's greatest norm [default: 1]
    #[arg(long, value_name = "NORM")]
    clip: Option<f64>,
    /// Tokens a text is cut to, at most the model's positions [default: 512]
    #[arg(long, value_name = "N")]
    max_tokens: Option<usize>,
    /// Seed of fresh weights, order and dropout [default: 1]
    #[arg(long)]
    seed: Option<u64>,
    /// Which model is kept: of the best single exit, or of the best mean weighted as the loss [default: weighted-mean]
    #[arg(long, value_enum)]
    select: Option<SelectArg>,
    /// The metric models are compared by on dev: macro_f1, micro_f1 or accuracy [default: macro_f1]
    #[arg(long)]
    metric: Option<Metric>,
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
    /// The exits' form: the architecture's, but for what was asked for.
    fn heads(&self, config: &Config, classes: usize) -> anyhow::Result<Heads> {
        let mut heads = Heads::of(config, classes);
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

#[derive(Clone, Copy, ValueEnum)]
enum SelectArg {
    BestExit,
    WeightedMean,
}

impl OptionArgs {
    /// Flags over the file over the defaults.
    fn resolve(&self, file: Option<&Path>) -> anyhow::Result<TrainOptions> {
        let base: TrainOptions = match file {
            Some(path) => read_options(path)?,
            None => TrainOptions::default(),
        };
        let select = self.select.map(|select| match select {
            SelectArg::BestExit => Select::BestExit,
            SelectArg::WeightedMean => Select::WeightedMean,
        });
        let options = TrainOptions {
            epochs: self.epochs.unwrap_or(base.epochs),
            batch_size: self.batch_size.unwrap_or(base.batch_size),
            learning_rate: self.learning_rate.unwrap_or(base.learning_rate),
            warmup: self.warmup.unwrap_or(base.warmup),
            weight_decay: self.weight_decay.unwrap_or(base.weight_decay),
            clip: self.clip.unwrap_or(base.clip),
            max_tokens: self.max_tokens.unwrap_or(base.max_tokens),
            seed: self.seed.unwrap_or(base.seed),
            select: select.unwrap_or(base.select),
            metric: self.metric.unwrap_or(base.metric),
        };
        options.check()?;
        Ok(options)
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
}

/// Trains a model and says how it went.
pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    if !args.resume {
        check_empty(&args.out, args.force)?;
    }
    let options = args.options.resolve(args.config.as_deref())?;
    let dataset = Dataset::open(&args.data)?;
    let Start { model, config, preprocessor, heads, base } = match (&args.base.model, &args.base.init) {
        (Some(dir), _) => from_checkpoint(dir, args, &dataset, options.seed, ui)?,
        (None, init) => {
            from_nothing(init.as_deref().unwrap_or(Path::new("config.json")), args, &dataset, options.seed, ui)?
        }
    };
    let max_tokens = options.max_tokens.min(config.positions());
    let max_tokens = config.vocab_size().map(|_| max_tokens);
    let exits = ExitsFile { max_tokens, ..ExitsFile::new(&config, heads) };
    let resume = args.resume;
    let job = Job { dataset: &dataset, out: &args.out, model, config, preprocessor, exits, base, options, resume };
    let outcome = fit(job, ui)?;
    if !outcome.finished {
        bail!(
            "stopped after step {}: a checkpoint was written\nhint: the same command with --resume goes on from there",
            outcome.steps
        );
    }
    let (epoch, score) = outcome.best.unwrap_or_default();
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
        let split = inputs::split(job.dataset, name, None)?;
        let labelled: Vec<_> = split.examples.into_iter().filter(|example| example.label.is_some()).collect();
        let examples = Examples {
            sequences: job.preprocessor.encode(&job.config, &labelled, max_tokens, ui)?,
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
    let name = json!({
        "options": options, "train": train_digest, "dev": dev_digest, "labels": info.labels, "base": job.base,
        "exits": job.exits, "config": job.config.to_json(&info.labels), "input": sha256(&content),
    });
    let card = ModelCard {
        data: format!("{} ({} training examples, digest {})", info.name, train.labels.len(), short(&train_digest)),
        base: job.base.clone(),
        recipe: format!(
            "{} epochs, batch {}, AdamW at {} with {} % warm-up and linear decay, clip {}, seed {}, exit m weighted m",
            options.epochs,
            options.batch_size,
            options.learning_rate,
            100.0 * options.warmup,
            options.clip,
            options.seed
        ),
        results: String::new(),
    };
    let output = Output {
        dir: job.out,
        config: &job.config,
        labels: &info.labels,
        exits: &job.exits,
        input: (input, &content),
        card,
    };
    let steps = train.labels.len().div_ceil(options.batch_size) * options.epochs;
    let mut watch = Watch { ui, bar: ui.progress(steps as u64, "train"), stop: interrupts()?, epochs: options.epochs };
    let outcome = epee_train::train(
        job.model,
        &train,
        &dev,
        options,
        &output,
        &sha256(name.to_string().as_bytes()),
        job.resume,
        &mut watch,
    );
    watch.bar.finish_and_clear();
    // From here on there is no checkpoint to wait for.
    let stopped = watch.stop.swap(true, Ordering::SeqCst);
    let outcome = outcome?;
    if stopped && outcome.finished {
        bail!("stopped after the last epoch: the model is whole");
    }
    Ok(outcome)
}

/// Set by the first Ctrl-C. The second ends the process, and so does the first after training has ended.
fn interrupts() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    })
    .context("cannot watch for Ctrl-C")?;
    Ok(stop)
}

/// The first digits of a digest, enough to tell two apart.
fn short(digest: &str) -> &str {
    let end = digest.find(':').map_or(0, |colon| colon + 1) + 12;
    digest.get(..end).unwrap_or(digest)
}

/// Shows the user how a run goes.
struct Watch {
    ui: Ui,
    bar: ProgressBar,
    stop: Arc<AtomicBool>,
    epochs: usize,
}

impl Observer for Watch {
    fn step(&mut self, report: &StepReport) {
        self.bar.set_position(report.step);
        self.bar.set_message(format!("loss {:.3}", report.loss));
    }

    fn epoch(&mut self, report: &EpochReport) {
        let f1: Vec<String> = report.dev.iter().map(|exit| format!("{:.3}", exit.macro_f1)).collect();
        let best = if report.best { ", best so far" } else { "" };
        let line = format!(
            "epoch {}/{}: loss {:.3}, dev macro-F1 by exit {} ({:.0} s){best}",
            report.epoch,
            self.epochs,
            report.train_loss,
            f1.join(" "),
            report.seconds
        );
        self.bar.suspend(|| self.ui.note(line));
    }

    fn stop(&mut self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}
