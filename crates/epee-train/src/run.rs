//! The training loop.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use epee_input::Sequence;
use epee_model::{Batch, Config, ExitsFile, InputShape, Model, ModelCard, ModelDir};
use epee_nn::{Dropout, Targets};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::evaluate::{Evaluation, evaluate, results, score};
use crate::log::{Event, Log};
use crate::order::Order;
use crate::plan::Plan;
use crate::recipe::Form;
use crate::trainer::{StepInput, StepResult};
use crate::{
    Checkpoints, EpochReport, Error, Examples, LinearSchedule, Observer, RunIdentity, State, StepReport, TrainOptions,
    Trainer, order_digest,
};

/// Where a run writes, and what it writes beside the weights.
pub struct Output<'a> {
    /// The model directory's directory; `metrics.jsonl`, `tensorboard/` and `checkpoints/` go there too.
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

/// What a run is made of.
pub struct Run<'a> {
    /// What is trained on.
    pub train: &'a Examples,
    /// What models are compared on.
    pub dev: &'a Examples,
    /// How.
    pub options: &'a TrainOptions,
    /// Where to.
    pub output: &'a Output<'a>,
    /// Names the run for `resume`: a checkpoint of another one is refused.
    pub identity: &'a RunIdentity,
    /// Whether to go on from a checkpoint.
    pub resume: bool,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// True where the run came to its end; false where the observer stopped it.
    pub finished: bool,
    /// Steps taken in all.
    pub steps: u64,
    /// Epochs behind it; fewer than asked for where early stopping ended it.
    pub epochs: usize,
    /// The epoch of the model that was kept, and its score on dev; none before the first epoch's end.
    pub best: Option<(usize, f64)>,
}

/// What is left of a run that diverged.
#[derive(Clone, Debug)]
pub struct LastGood {
    dir: PathBuf,
    best: Option<(usize, f64)>,
}

impl fmt::Display for LastGood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.best {
            Some((epoch, score)) => {
                write!(f, "the model of epoch {epoch}, {score:.3} on dev, is kept in {}", self.dir.display())
            }
            None => write!(f, "no model of this run was kept: it was the first epoch"),
        }
    }
}

/// An epoch whose mean loss is this many times that of guessing has diverged.
const DIVERGED: f64 = 4.0;

/// Trains all exits and keeps the best model in `output.dir`.
///
/// # Errors
/// Options out of range, data that does not fit, a loss that diverges or is not finite, files that cannot be written.
pub fn train(model: Model<f32>, run: &Run<'_>, observer: &mut dyn Observer) -> Result<Outcome, Error> {
    let Run { train, dev, options, output, .. } = run;
    options.check()?;
    if matches!(output.config.shape.input, InputShape::Text(_)) && !options.augmentation().is_none() {
        let got = format!("a dataset of texts for {}", output.config.title());
        return Err(Error::option("flip, shift and mixup", "pictures", got));
    }
    if let InputShape::Image(input) = output.config.shape.input
        && options.shift >= input.height.min(input.width)
    {
        let expected = format!("less than a picture's side of {}", input.height.min(input.width));
        return Err(Error::option("shift", &expected, options.shift.to_string()));
    }
    train.check(&model, output.config, "train")?;
    dev.check(&model, output.config, "dev")?;
    std::fs::create_dir_all(output.dir).map_err(Error::write(&output.dir))?;
    Loop::new(model, run, observer)?.go(observer)
}

/// A run on its way.
struct Loop<'a> {
    run: &'a Run<'a>,
    trainer: Trainer,
    order: Order,
    plan: Plan,
    state: State,
    checkpoints: Checkpoints,
    log: Log,
    class_weights: Vec<f64>,
    start: Instant,
}

impl<'a> Loop<'a> {
    fn new(model: Model<f32>, run: &'a Run<'a>, observer: &mut dyn Observer) -> Result<Loop<'a>, Error> {
        let Run { train, options, output, .. } = run;
        let class_weights = options.recipe().class_weights.of(&train.labels, model.classes());
        let order = Order::new(train.sequences.iter().map(Sequence::tokens).collect(), options);
        let plan = Plan::new(options, &order);
        let mut trainer = Trainer::new(model, options.weight_decay);
        let mut checkpoints = Checkpoints::open(output.dir, run.resume, output.checkpoint_seconds)?;
        let found = match run.resume {
            true => checkpoints.load(run.identity, &mut trainer, &mut |text| observer.warn(text))?,
            false => None,
        };
        let digest = order_digest(&order.batches(found.as_ref().map_or(0, |found| found.epoch)));
        let schedule = plan.schedule(found.as_ref().map_or(0, |found| found.step));
        let state = match found {
            Some(found) => {
                checkpoints.check(&found, options.seed, schedule, &digest)?;
                trainer.optimiser.steps = found.step - plan.stage_steps(found.step).start;
                found
            }
            None if run.resume => {
                observer.warn("no checkpoint was written yet: the run begins anew");
                Loop::first(run, schedule, digest)
            }
            None => Loop::first(run, schedule, digest),
        };
        let log = Log::open(output.dir, &state, &mut |text| observer.warn(text))?;
        let start = Instant::now();
        Ok(Loop { run, trainer, order, plan, state, checkpoints, log, class_weights, start })
    }

    /// Where a run begins.
    fn first(run: &Run<'_>, schedule: LinearSchedule, order: String) -> State {
        State {
            run: run.identity.clone(),
            step: 0,
            epoch: 0,
            batch: 0,
            epoch_loss: 0.0,
            seed: run.options.seed,
            best: None,
            schedule,
            order,
        }
    }

    fn go(mut self, observer: &mut dyn Observer) -> Result<Outcome, Error> {
        for epoch in self.state.epoch..self.run.options.epochs {
            // Also where a run is resumed that was over.
            if self.plan.is_stuck(epoch, self.state.best.map(|(epoch, _)| epoch)) {
                break;
            }
            let batches = self.order.batches(epoch);
            for indices in batches.iter().skip(self.state.batch) {
                self.step(epoch, indices, observer)?;
                let stop = observer.stop();
                if stop || self.checkpoints.due() {
                    self.save()?;
                }
                if stop {
                    return Ok(self.outcome(false));
                }
            }
            if !self.end_epoch(epoch, batches.len(), observer)? {
                return Ok(self.outcome(false));
            }
        }
        Ok(self.outcome(true))
    }

    fn outcome(&self, finished: bool) -> Outcome {
        let State { step, epoch, best, .. } = self.state;
        Outcome { finished, steps: step, epochs: epoch, best }
    }

    fn kept(&self) -> Box<LastGood> {
        Box::new(LastGood { dir: self.run.output.dir.to_owned(), best: self.state.best })
    }

    fn save(&mut self) -> Result<(), Error> {
        self.log.sync()?;
        self.checkpoints.save(&self.state, &self.trainer)
    }

    /// A batch and what it should be answered with: pictures changed, targets smoothed, rows weighted as the options say.
    fn batch(&self, indices: &[usize]) -> (Batch, Targets, Vec<usize>) {
        let Run { train, options, output, .. } = self.run;
        let mut batch = Batch::new(indices.iter().map(|&i| &train.sequences[i]));
        let labels: Vec<usize> = indices.iter().map(|&i| train.labels[i]).collect();
        let mut targets = Targets::of(&labels, self.class_weights.len());
        let augmentation = options.augmentation();
        if let (InputShape::Image(input), false) = (output.config.shape.input, augmentation.is_none()) {
            let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
            // Epochs' orders have the streams from 1 on.
            rng.set_stream(u64::MAX - self.state.step);
            let sizes = [input.channels, input.height, input.width];
            if let Some(mixed) = augmentation.apply(&mut batch.pixels, sizes, &mut rng) {
                targets = targets.mixed(mixed.lambda, &mixed.partners);
            }
        }
        let targets = targets.weighted(&self.class_weights).smoothed(self.plan.recipe.label_smoothing);
        (batch, targets, labels)
    }

    /// One step, logged.
    fn step(&mut self, epoch: usize, indices: &[usize], observer: &mut dyn Observer) -> Result<(), Error> {
        let Run { train, options, .. } = self.run;
        let (at, plan) = (self.state.step, &self.plan);
        if at == plan.stage_steps(at).start {
            self.trainer.optimiser.reset();
        }
        let (batch, targets, labels) = self.batch(indices);
        let form = Form::of(&self.trainer.model);
        let step = plan.step(at, form.exits);
        let learning_rate = plan.rate(at);
        let input = StepInput {
            batch: &batch,
            targets: &targets,
            labels: &labels,
            step: &step,
            // A source of masks: each place in the model has its own rate.
            dropout: Dropout::new(0.5, options.seed).site(at),
            clip: options.clip,
        };
        let rate = |name: &str| plan.rate_factor(name, at, form).map(|factor| learning_rate * factor);
        let StepResult { loss, per_exit, accuracies, gradient_norm } = self.trainer.step(&input, rate);
        self.state.step += 1;
        self.state.batch += 1;
        for (what, value) in [("loss", loss), ("gradient norm", gradient_norm)] {
            if !value.is_finite() {
                let (step, batch, kept) = (self.state.step, train.name(indices), self.kept());
                return Err(Error::NotFinite { what, value, step, epoch: epoch + 1, batch, kept });
            }
        }
        self.state.epoch_loss += loss;
        let report = StepReport {
            step: self.state.step,
            steps: plan.steps(),
            epoch: epoch + 1,
            sequences: batch.len(),
            tokens: batch.tokens(),
            loss,
            exit_losses: per_exit,
            exit_accuracies: accuracies,
            gradient_norm,
            learning_rate,
            seconds: self.seconds(),
        };
        self.log.write(&Event::Step(&report))?;
        observer.step(&report);
        Ok(())
    }

    /// What follows an epoch's last step: evaluation, the model if it is the best, a checkpoint. False where the observer stops the run.
    fn end_epoch(&mut self, epoch: usize, batches: usize, observer: &mut dyn Observer) -> Result<bool, Error> {
        let Run { dev, options, .. } = self.run;
        let train_loss = self.state.epoch_loss / batches as f64;
        let guess = (self.class_weights.len() as f64).ln();
        if train_loss > DIVERGED * guess.max(f64::MIN_POSITIVE) {
            return Err(Error::Diverged { epoch: epoch + 1, loss: train_loss, guess, kept: self.kept() });
        }
        let evaluated = evaluate(&self.trainer.model, dev, observer);
        let evaluated =
            evaluated.map_err(|source| Error::Evaluation { epoch: epoch + 1, kept: self.kept(), source })?;
        let Some(Evaluation { exits, constant_exits }) = evaluated else {
            // The evaluation is done again.
            self.save()?;
            return Ok(false);
        };
        let score = score(&exits, options);
        // What the first of two stages kept is no model of all exits: the second begins anew.
        let before = self.state.best.filter(|(best, _)| self.plan.same_stage(*best, epoch + 1));
        let best = before.is_none_or(|(_, best)| score > best);
        let report = EpochReport {
            epoch: epoch + 1,
            step: self.state.step,
            train_loss,
            dev: exits,
            constant_exits,
            score,
            best,
            seconds: self.seconds(),
        };
        if best {
            self.state.best = Some((epoch + 1, score));
            self.keep(&report)?;
        }
        self.log.write(&Event::Epoch(&report))?;
        self.state.epoch = epoch + 1;
        self.state.batch = 0;
        self.state.epoch_loss = 0.0;
        self.state.order = order_digest(&self.order.batches(epoch + 1));
        self.state.schedule = self.plan.schedule(self.state.step);
        self.save()?;
        observer.epoch(&report);
        Ok(epoch + 1 == options.epochs || !observer.stop())
    }

    /// Seconds of the run so far.
    fn seconds(&self) -> f64 {
        self.log.seconds_before() + self.start.elapsed().as_secs_f64()
    }

    /// Writes the model.
    fn keep(&self, report: &EpochReport) -> Result<(), Error> {
        let Output { dir, config, labels, exits, input, card, .. } = self.run.output;
        let card = ModelCard { results: results(report), ..card.clone() };
        Ok(ModelDir::save(dir, &self.trainer.model, config, labels, exits, *input, &card)?)
    }
}
