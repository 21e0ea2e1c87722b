//! A training run from start to end: its inputs, its identity, its outcome.

use std::path::Path;

use epee_files::{sha256, short};
use epee_input::Sequence;
use epee_model::{Config, ExitsFile, InputShape, Model, ModelCard};

use crate::run::Loop;
use crate::{Error, Observer, RunIdentity, TrainOptions};

/// Prepared examples with labels.
#[derive(Clone, Debug, Default)]
pub struct Examples {
    /// One id per example, for error messages.
    pub ids: Vec<String>,
    /// Texts as tokens, or images.
    pub sequences: Vec<Sequence>,
    /// Classes, from 0.
    pub labels: Vec<usize>,
    /// A digest of the data, for the model card and to recognise the data when a run is resumed.
    pub digest: String,
}

impl Examples {
    /// Refuses examples that do not fit the model.
    pub(crate) fn check(&self, model: &Model<f32>, config: &Config, split: &str) -> Result<(), Error> {
        let n = self.labels.len();
        if n == 0 {
            return Err(Error::Data(format!("the {split} split holds no labelled example")));
        }
        if self.sequences.len() != n || self.ids.len() != n {
            let (ids, sequences) = (self.ids.len(), self.sequences.len());
            return Err(Error::Data(format!("{split}: {n} labels, {sequences} sequences, {ids} ids")));
        }
        let classes = model.classes();
        for ((id, sequence), &label) in self.ids.iter().zip(&self.sequences).zip(&self.labels) {
            let fail = |problem: String| Err(Error::Data(format!("{split}, example {id}: {problem}")));
            if let Err(problem) = config.check_sequence(sequence) {
                return fail(problem.to_string());
            }
            if label >= classes {
                return fail(format!("expected a class below {classes}, got {label}"));
            }
        }
        Ok(())
    }

    /// The first ids of a batch, for error messages.
    pub(crate) fn name(&self, indices: &[usize]) -> String {
        let ids: Vec<&str> = indices.iter().take(4).map(|&i| self.ids[i].as_str()).collect();
        format!("{} examples: {} …", indices.len(), ids.join(", "))
    }
}

/// A training run. Prepared examples go in; a model directory comes out.
pub struct TrainingJob<'a> {
    /// Training examples.
    pub train: &'a Examples,
    /// Examples for the evaluation after each epoch, which chooses the best one.
    pub dev: &'a Examples,
    /// The options.
    pub options: &'a TrainOptions,
    /// The folder to write: the model directory, with `metrics.jsonl`, `tensorboard/` and `checkpoints/`.
    pub dir: &'a Path,
    /// The model's configuration.
    pub config: &'a Config,
    /// Class names.
    pub labels: &'a [String],
    /// The form of the exits.
    pub exits: &'a ExitsFile,
    /// The file that prepares inputs, `tokenizer.json` or `preprocessor_config.json`: its name and content.
    pub input: (&'a str, &'a [u8]),
    /// The name of the dataset, for the model card.
    pub data: &'a str,
    /// The origin of the initial weights, for the model card and to recognise the run when it is resumed.
    pub base: &'a str,
    /// Seconds between checkpoints within an epoch; 0 writes one after each step. A resumed run may use another value.
    pub checkpoint_seconds: f64,
    /// Resume from the newest checkpoint in `dir`.
    pub resume: bool,
}

/// The end of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// True if the run came to its end; false if the observer stopped it.
    pub finished: bool,
    /// Steps taken in all.
    pub steps: u64,
    /// Epochs completed; fewer than asked for if early stopping ended the run.
    pub epochs: usize,
    /// The epoch of the model that was kept and its score on dev; `None` before the end of the first epoch.
    pub best: Option<(usize, f64)>,
}

/// Trains all exits and keeps the best model in `job.dir`.
///
/// # Errors
/// Options out of range, data that does not fit the model, a loss that diverges or is not finite, a checkpoint of another run,
/// files that cannot be written.
pub fn train(model: Model<f32>, job: &TrainingJob<'_>, observer: &mut dyn Observer) -> Result<Outcome, Error> {
    let TrainingJob { options, config, dir, .. } = job;
    options.check()?;
    match config.shape.input {
        InputShape::Text(_) if !options.augmentation().is_none() => {
            let name = if options.flip {
                "flip"
            } else if options.shift > 0 {
                "shift"
            } else {
                "mixup"
            };
            return Err(Error::option(name, "images", format!("a dataset of texts for {}", config.title())));
        }
        InputShape::Image(input) if options.shift >= input.height.min(input.width) => {
            let expected = format!("less than an image's side of {}", input.height.min(input.width));
            return Err(Error::option("shift", &expected, options.shift.to_string()));
        }
        _ => {}
    }
    job.train.check(&model, config, "train")?;
    job.dev.check(&model, config, "dev")?;
    std::fs::create_dir_all(dir).map_err(Error::write(dir))?;
    Loop::start(model, job, observer)?.run(observer)
}

impl TrainingJob<'_> {
    /// The parts that must be equal for a run to be resumed.
    pub(crate) fn identity(&self) -> RunIdentity {
        let (input, content) = self.input;
        let json = |value: serde_json::Result<String>| value.unwrap_or_default();
        [
            ("train", self.train.digest.clone()),
            ("dev", self.dev.digest.clone()),
            ("labels", json(serde_json::to_string(self.labels))),
            ("options", json(serde_json::to_string(self.options))),
            ("base", self.base.to_owned()),
            ("exits", json(serde_json::to_string(self.exits))),
            ("config", self.config.to_json(self.labels).to_string()),
            (input, sha256(content)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// The model card, without results.
    pub(crate) fn card(&self) -> ModelCard {
        let TrainingJob { train, dev, data, base, options, .. } = self;
        let digests = [train, dev].map(|examples| short(&examples.digest));
        ModelCard {
            data: format!(
                "{data}: {} training examples (digest {}), {} dev examples (digest {})",
                train.labels.len(),
                digests[0],
                dev.labels.len(),
                digests[1]
            ),
            base: (*base).to_owned(),
            recipe: options.to_string(),
            results: String::new(),
        }
    }
}
