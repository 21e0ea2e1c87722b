//! The training loop.

use std::time::Instant;

use epee_input::Sequence;
use epee_model::{Batch, Engine, InputShape, Model, ModelCard, ModelDir};
use epee_nn::{Dropout, Precision, Targets};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::error::LastGood;
use crate::evaluate::{Evaluation, evaluate, results, score};
use crate::job::{Outcome, TrainingJob};
use crate::log::{Event, Log};
use crate::plan::{Order, Plan};
use crate::trainer::{StepInput, StepResult};
use crate::{Checkpoints, EpochReport, Error, ModelShape, Observer, State, StepReport, Trainer, order_digest};

/// An epoch whose mean loss is this many times that of guessing has diverged.
const DIVERGED: f64 = 4.0;

pub(crate) struct Loop<'a> {
    job: &'a TrainingJob<'a>,
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
    /// Starts the run, or resumes it from its newest checkpoint.
    pub(crate) fn start(
        model: Model<f32>,
        job: &'a TrainingJob<'a>,
        observer: &mut dyn Observer,
    ) -> Result<Loop<'a>, Error> {
        let TrainingJob { train, options, dir, .. } = job;
        let class_weights = options.recipe().class_weights.of(&train.labels, model.classes());
        let order = Order::new(train.sequences.iter().map(Sequence::tokens).collect(), options);
        let plan = Plan::new(options, &order);
        let mut trainer = Trainer::new(model, options.weight_decay);
        let mut checkpoints = Checkpoints::open(dir, job.resume, job.checkpoint_seconds)?;
        let identity = job.identity();
        let found = match job.resume {
            true => checkpoints.load(&identity, &mut trainer, &mut |text| observer.warn(text))?,
            false => None,
        };
        if job.resume && found.is_none() {
            observer.warn("no checkpoint was written yet: the run starts again");
        }
        let (step, epoch) = found.as_ref().map_or((0, 0), |found| (found.step, found.epoch));
        let order_digest = order_digest(&order.batches(epoch));
        let schedule = plan.schedule(step);
        let state = match found {
            Some(found) => {
                checkpoints.check(&found, options.seed, schedule, &order_digest)?;
                trainer.optimiser.steps = step - plan.stage_steps(step).start;
                found
            }
            None => State { run: identity, seed: options.seed, schedule, order: order_digest, ..State::default() },
        };
        let log = Log::open(dir, &state, &mut |text| observer.warn(text))?;
        Ok(Loop { job, trainer, order, plan, state, checkpoints, log, class_weights, start: Instant::now() })
    }

    /// Trains until the last epoch, early stopping or a stop signal.
    pub(crate) fn run(mut self, observer: &mut dyn Observer) -> Result<Outcome, Error> {
        observer.begin();
        for epoch in self.state.epoch..self.job.options.epochs {
            // Also if a run is resumed that was over.
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
        Box::new(LastGood { dir: self.job.dir.to_owned(), best: self.state.best })
    }

    fn save(&mut self) -> Result<(), Error> {
        self.log.sync()?;
        self.checkpoints.save(&self.state, &self.trainer)
    }

    /// A batch with its targets and labels: images augmented, targets weighted and smoothed.
    fn batch(&self, indices: &[usize]) -> (Batch, Targets, Vec<usize>) {
        let TrainingJob { train, options, config, .. } = self.job;
        let mut batch = Batch::new(indices.iter().map(|&i| &train.sequences[i]));
        let labels: Vec<usize> = indices.iter().map(|&i| train.labels[i]).collect();
        let mut targets = Targets::of(&labels, self.class_weights.len());
        let augmentation = options.augmentation();
        if let (InputShape::Image(input), false) = (config.shape.input, augmentation.is_none()) {
            let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
            // The orders of epochs use the streams from 1 up.
            rng.set_stream(u64::MAX - self.state.step);
            let sizes = [input.num_channels, input.height, input.width];
            if let Some(mixed) = augmentation.apply(&mut batch.pixels, sizes, &mut rng) {
                targets = targets.mixed(mixed.lambda, &mixed.partners);
            }
        }
        let targets = targets.weighted(&self.class_weights).smoothed(self.plan.recipe.label_smoothing);
        (batch, targets, labels)
    }

    fn step(&mut self, epoch: usize, indices: &[usize], observer: &mut dyn Observer) -> Result<(), Error> {
        let TrainingJob { train, options, .. } = self.job;
        let (at, plan) = (self.state.step, &self.plan);
        if at == plan.stage_steps(at).start {
            self.trainer.optimiser.reset();
        }
        let (batch, targets, labels) = self.batch(indices);
        let shape = ModelShape::of(&self.trainer.model);
        let objective = plan.objective(at, shape.exits);
        let learning_rate = plan.rate(at);
        let input = StepInput {
            batch: &batch,
            targets: &targets,
            labels: &labels,
            objective: &objective,
            dropout: Dropout::new(0.5, options.seed).site(at),
            clip: options.clip,
        };
        let rate = |name: &str| plan.rate_factor(name, at, shape).map(|factor| learning_rate * factor);
        let StepResult { loss, exit_losses, exit_accuracies, gradient_norm } = self.trainer.step(&input, rate);
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
            exit_losses,
            exit_accuracies,
            gradient_norm,
            learning_rate,
            seconds: self.seconds(),
        };
        self.log.write(&Event::Step(&report))?;
        observer.step(&report);
        Ok(())
    }

    /// After an epoch's last step: evaluates, keeps the model if it is the best, writes a checkpoint. False if the observer stops the
    /// run.
    fn end_epoch(&mut self, epoch: usize, batches: usize, observer: &mut dyn Observer) -> Result<bool, Error> {
        let TrainingJob { dev, options, .. } = self.job;
        let train_loss = self.state.epoch_loss / batches as f64;
        let guess = (self.class_weights.len() as f64).ln();
        if train_loss > DIVERGED * guess.max(f64::MIN_POSITIVE) {
            return Err(Error::Diverged { epoch: epoch + 1, loss: train_loss, guess, kept: self.kept() });
        }
        let engine = Engine::new(&self.trainer.model, Precision::F32)?;
        let evaluated = evaluate(&engine, dev, observer);
        let evaluated =
            evaluated.map_err(|source| Error::Evaluation { epoch: epoch + 1, kept: self.kept(), source })?;
        let Some(Evaluation { exits, constant_exits }) = evaluated else {
            // The resumed run evaluates again.
            self.save()?;
            return Ok(false);
        };
        let score = score(&exits, options);
        // The best model of a first stage has untrained exits: the second stage compares among its own.
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

    fn seconds(&self) -> f64 {
        self.log.seconds_before + self.start.elapsed().as_secs_f64()
    }

    fn keep(&self, report: &EpochReport) -> Result<(), Error> {
        let TrainingJob { dir, config, labels, exits, input, .. } = self.job;
        let card = ModelCard { results: results(report), ..self.job.card() };
        Ok(ModelDir::save(dir, &self.trainer.model, config, labels, exits, *input, &card)?)
    }
}
