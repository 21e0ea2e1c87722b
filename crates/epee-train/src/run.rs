//! The training loop.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use epee_data::{Sequence, pack_count};
use epee_exit::{ExitMetrics, Trace, TraceParts, per_exit};
use epee_model::{Artefact, Batch, Config, Engine, ExitsFile, Model, ModelCard, write_atomic};
use epee_nn::{Dropout, Precision};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::{
    Checkpoints, EpochReport, Error, LinearSchedule, Observer, RunIdentity, Select, State, StepReport, TrainOptions,
    Trainer, exit_weights, order_digest,
};

/// Tokenised examples with labels.
#[derive(Clone, Debug, Default)]
pub struct Examples {
    /// One id per example, for messages.
    pub ids: Vec<String>,
    /// Texts as tokens, or pictures.
    pub sequences: Vec<Sequence>,
    /// Classes, from 0.
    pub labels: Vec<usize>,
}

/// Where a run writes, and what it writes beside the weights.
pub struct Output<'a> {
    /// The artefact's directory; `metrics.jsonl` and `checkpoints/` go there too.
    pub dir: &'a Path,
    /// Sizes.
    pub config: &'a Config,
    /// Class names.
    pub labels: &'a [String],
    /// The heads' shape.
    pub exits: &'a ExitsFile,
    /// What prepares its inputs: `tokenizer.json` or `preprocessor_config.json`, and its content.
    pub input: (&'static str, &'a [u8]),
    /// For the model card; results are filled in.
    pub card: ModelCard,
    /// Seconds from one checkpoint to the next within an epoch; 0 writes one after each step. No part of what makes the
    /// run: it may be resumed with another.
    pub checkpoint_seconds: f64,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// True where every epoch was finished; false where the observer stopped it.
    pub finished: bool,
    /// Steps taken in all.
    pub steps: u64,
    /// The epoch of the model that was kept, and its score on dev; none before the first epoch's end.
    pub best: Option<(usize, f64)>,
}

/// A line of `metrics.jsonl`.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event<'a> {
    Step(&'a StepReport),
    Epoch(&'a EpochReport),
}

/// Trains all exits jointly and keeps the best model in `output.dir`.
///
/// `run` names the run for `resume`: a checkpoint of another one is refused.
///
/// # Errors
/// Options out of range, data that does not fit, a loss that is not finite, files that cannot be written.
#[allow(clippy::too_many_arguments)]
pub fn train(
    model: Model<f32>,
    train: &Examples,
    dev: &Examples,
    options: &TrainOptions,
    output: &Output<'_>,
    run: &RunIdentity,
    resume: bool,
    observer: &mut dyn Observer,
) -> Result<Outcome, Error> {
    options.check()?;
    check(train, &model, output.config, "train")?;
    check(dev, &model, output.config, "dev")?;
    std::fs::create_dir_all(output.dir).map_err(|source| Error::Io { path: output.dir.to_owned(), source })?;
    let mut trainer = Trainer::new(model, options.weight_decay);
    let per_epoch = train.labels.len().div_ceil(options.batch_size) as u64;
    let total = per_epoch * options.epochs as u64;
    let schedule =
        LinearSchedule { peak: options.learning_rate, warmup: (options.warmup * total as f64).round() as u64, total };
    let batches = |epoch| pack_count(&shuffled(train.labels.len(), options.seed, epoch), options.batch_size);
    let mut checkpoints = Checkpoints::open(output.dir, resume, output.checkpoint_seconds)?;
    let found = match resume {
        true => checkpoints.load(run, &mut trainer, &mut |text| observer.warn(text))?,
        false => None,
    };
    let order = order_digest(&batches(found.as_ref().map_or(0, |found| found.epoch)));
    let (run, seed) = (run.clone(), options.seed);
    let mut state = match found {
        Some(found) => {
            checkpoints.check(&found, seed, schedule, &order)?;
            found
        }
        None => State { run, step: 0, epoch: 0, batch: 0, epoch_loss: 0.0, seed, best: None, schedule, order },
    };
    let mut log = Log::open(output.dir, &state)?;
    let start = Instant::now();
    for epoch in state.epoch..options.epochs {
        for indices in batches(epoch).iter().skip(state.batch) {
            let batch = Batch::new(indices.iter().map(|&i| &train.sequences[i]));
            let labels: Vec<usize> = indices.iter().map(|&i| train.labels[i]).collect();
            let learning_rate = schedule.rate(state.step);
            let dropout = Dropout::new(0.5, options.seed).site(state.step);
            let result = trainer.step(&batch, &labels, dropout, learning_rate, options.clip);
            state.step += 1;
            state.batch += 1;
            for (what, value) in [("loss", result.loss), ("gradient norm", result.gradient_norm)] {
                if !value.is_finite() {
                    let ids: Vec<&str> = indices.iter().take(4).map(|&i| train.ids[i].as_str()).collect();
                    let batch = format!("{} examples: {} …", indices.len(), ids.join(", "));
                    return Err(Error::NotFinite { what, value, step: state.step, epoch: epoch + 1, batch });
                }
            }
            state.epoch_loss += result.loss;
            let report = StepReport {
                step: state.step,
                steps: total,
                epoch: epoch + 1,
                loss: result.loss,
                exit_losses: result.per_exit,
                gradient_norm: result.gradient_norm,
                learning_rate,
            };
            log.write(&Event::Step(&report))?;
            observer.step(&report);
            let stop = observer.stop();
            if stop || checkpoints.due() {
                log.sync()?;
                checkpoints.save(&state, &trainer)?;
            }
            if stop {
                return Ok(Outcome { finished: false, steps: state.step, best: state.best });
            }
        }
        let Some(metrics) = evaluate(&trainer.model, dev, epoch + 1, observer)? else {
            // The evaluation is done again.
            log.sync()?;
            checkpoints.save(&state, &trainer)?;
            return Ok(Outcome { finished: false, steps: state.step, best: state.best });
        };
        let score = score(&metrics, options);
        let best = state.best.is_none_or(|(_, best)| score > best);
        let report = EpochReport {
            epoch: epoch + 1,
            step: state.step,
            train_loss: state.epoch_loss / per_epoch as f64,
            dev: metrics,
            score,
            best,
            seconds: start.elapsed().as_secs_f64(),
        };
        if best {
            state.best = Some((epoch + 1, score));
            let card = ModelCard { results: results(&report), ..output.card.clone() };
            Artefact::save(
                output.dir,
                &trainer.model,
                output.config,
                output.labels,
                output.exits,
                output.input,
                &card,
            )?;
        }
        log.write(&Event::Epoch(&report))?;
        state =
            State { epoch: epoch + 1, batch: 0, epoch_loss: 0.0, order: order_digest(&batches(epoch + 1)), ..state };
        log.sync()?;
        checkpoints.save(&state, &trainer)?;
        observer.epoch(&report);
        if epoch + 1 < options.epochs && observer.stop() {
            return Ok(Outcome { finished: false, steps: state.step, best: state.best });
        }
    }
    Ok(Outcome { finished: true, steps: state.step, best: state.best })
}

fn check(examples: &Examples, model: &Model<f32>, config: &Config, split: &str) -> Result<(), Error> {
    let n = examples.labels.len();
    if n == 0 {
        return Err(Error::Data(format!("the {split} split holds no labelled example")));
    }
    if examples.sequences.len() != n || examples.ids.len() != n {
        let (ids, sequences) = (examples.ids.len(), examples.sequences.len());
        return Err(Error::Data(format!("{split}: {n} labels, {sequences} sequences, {ids} ids")));
    }
    for (id, sequence) in examples.ids.iter().zip(&examples.sequences) {
        config.check_sequence(sequence).map_err(|problem| Error::Data(format!("{split}, example {id}: {problem}")))?;
    }
    match examples.labels.iter().position(|&label| label >= model.classes()) {
        Some(i) => Err(Error::Data(format!(
            "{split}, example {}: expected a class below {}, got {}",
            examples.ids[i],
            model.classes(),
            examples.labels[i]
        ))),
        None => Ok(()),
    }
}

/// The order of an epoch: a function of seed and epoch alone, so that a resumed run finds it again.
fn shuffled(n: usize, seed: u64, epoch: usize) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(epoch as u64 + 1);
    let mut order: Vec<usize> = (0..n).collect();
    order.shuffle(&mut rng);
    order
}

/// Each exit on dev; none where the observer stops it between two batches.
fn evaluate(
    model: &Model<f32>,
    dev: &Examples,
    epoch: usize,
    observer: &mut dyn Observer,
) -> Result<Option<Vec<ExitMetrics>>, Error> {
    let Some(recording) = Engine::new(model, Precision::F32).record_while(&dev.sequences, |_| !observer.stop()) else {
        return Ok(None);
    };
    let parts = TraceParts {
        exits: model.depth(),
        classes: model.classes(),
        logits: recording.logits,
        labels: dev.labels.iter().map(|&label| label as i64).collect(),
        ids: dev.ids.clone(),
        ..TraceParts::default()
    };
    let trace = Trace::new(parts).map_err(|source| Error::Evaluation { epoch, source })?;
    Ok(Some(per_exit(&trace)))
}

fn score(exits: &[ExitMetrics], options: &TrainOptions) -> f64 {
    let values = exits.iter().map(|exit| exit.get(options.metric));
    match options.select {
        Select::BestExit => values.fold(f64::NEG_INFINITY, f64::max),
        Select::WeightedMean => values.zip(exit_weights(exits.len())).map(|(value, weight)| value * weight).sum(),
    }
}

fn results(report: &EpochReport) -> String {
    let mut text = format!("On the dev split, after epoch {}:\n\n", report.epoch);
    text.push_str("| exit | accuracy | macro-F1 | mean entropy |\n|---|---|---|---|\n");
    for exit in &report.dev {
        text.push_str(&format!(
            "| {} | {:.3} | {:.3} | {:.3} |\n",
            exit.exit, exit.accuracy, exit.macro_f1, exit.entropy
        ));
    }
    text
}

/// The name of the log.
pub(crate) const LOG: &str = "metrics.jsonl";

/// `metrics.jsonl`: a line per step and per epoch.
struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Keeps what was written up to a state: a resumed run writes the rest again.
    fn open(dir: &Path, state: &State) -> Result<Log, Error> {
        let path = dir.join(LOG);
        let fail = |source| Error::Io { path: path.clone(), source };
        let old = if state.step == 0 { String::new() } else { std::fs::read_to_string(&path).unwrap_or_default() };
        let kept = old.lines().filter(|line| {
            serde_json::from_str::<serde_json::Value>(line).is_ok_and(|event| match event["event"].as_str() {
                // A checkpoint may stand between an epoch's last step and its evaluation.
                Some("epoch") => event["epoch"].as_u64() <= Some(state.epoch as u64),
                _ => event["step"].as_u64() <= Some(state.step),
            })
        });
        let kept: String = kept.flat_map(|line| [line, "\n"]).collect();
        write_atomic(&path, kept.as_bytes())?;
        let file = OpenOptions::new().append(true).open(&path).map_err(fail)?;
        Ok(Log { path, file })
    }

    fn write(&mut self, event: &Event<'_>) -> Result<(), Error> {
        let line = serde_json::to_string(event).map_err(|error| Error::Data(error.to_string()))?;
        writeln!(self.file, "{line}").map_err(|source| Error::Io { path: self.path.clone(), source })
    }

    /// Before a checkpoint: a log never lacks a step that its checkpoint counts.
    fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(|source| Error::Io { path: self.path.clone(), source })
    }
}
