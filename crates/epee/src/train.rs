//! One call for training from a dataset folder.

use std::path::{Path, PathBuf};

use epee_data::{Dataset, Input as DataInput, synth};
use epee_files::{FileError, sha256, short};
use epee_input::{ImageProcessor, TextTokenizer};
use epee_model::{Config, ExitConfig, ExitsFile, InputShape, Model, PoolerKind, Pooling, model_digest, read_backbone};
use epee_train::{Examples, Observer, Outcome, TrainOptions, TrainingJob};

use crate::recording::read_split;
use crate::{Error, Preprocessor};

/// Trains a model with an exit after every layer on a dataset folder with the splits `train` and `dev`, and keeps the best model
/// in `out`. `base` is a Hugging Face model directory, or a `config.json` for fresh weights.
///
/// [`Training`] has more choices: the form of the exits, the image size, resuming.
///
/// # Errors
/// As [`Training::run`].
pub fn train(
    base: impl AsRef<Path>,
    data: impl AsRef<Path>,
    out: impl AsRef<Path>,
    options: TrainOptions,
    observer: &mut dyn Observer,
) -> Result<Outcome, Error> {
    Training { options, ..Training::new(Base::of(base.as_ref())) }.run(data.as_ref(), out.as_ref(), observer)
}

/// The origin of the initial weights.
#[derive(Clone, Debug)]
pub enum Base {
    /// The backbone of a Hugging Face model directory, with fresh exits.
    Pretrained {
        /// The directory, or a hub id (feature `hub`).
        dir: PathBuf,
        /// The name of the model on the model card.
        name: String,
    },
    /// Fresh weights in the sizes of a `config.json`.
    Fresh {
        /// The `config.json`. The vocabulary size is the tokenizer's.
        config: PathBuf,
        /// A `tokenizer.json`, or a folder with the files of GPT-2's or ALBERT's tokenizer. The default is the dataset's
        /// `tokenizer.json`, or else a small vocabulary of clinical notes.
        tokenizer: Option<PathBuf>,
    },
    /// Fresh weights for a configuration in memory.
    Config {
        /// The configuration.
        config: Box<Config>,
        /// A preprocessor that fits it.
        preprocessor: Preprocessor,
    },
}

impl Base {
    /// A model directory or hub id, or the path of a `config.json` for fresh weights.
    pub fn of(path: &Path) -> Base {
        if path.extension().is_some_and(|extension| extension == "json") {
            return Base::Fresh { config: path.to_owned(), tokenizer: None };
        }
        let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.display().to_string());
        Base::Pretrained { dir: path.to_owned(), name }
    }
}

/// Changes to the exits that architecture and recipe decide otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExitOptions {
    /// The row of a sequence that an exit reads.
    pub pooling: Option<Pooling>,
    /// One pooler for all exits, one per exit, or none.
    pub pooler: Option<PoolerKind>,
    /// Apply the model's final norm before each exit.
    pub norm: Option<bool>,
}

/// A training run on a dataset folder.
#[derive(Clone, Debug)]
pub struct Training {
    /// The origin of the initial weights.
    pub base: Base,
    /// The options of the run.
    pub options: TrainOptions,
    /// Changes to the exits.
    pub exits: ExitOptions,
    /// Height and width of images, if other than the model's. Position embeddings are interpolated.
    pub image_size: Option<[usize; 2]>,
    /// Seconds between checkpoints within an epoch; 0 writes one after each step.
    pub checkpoint_seconds: f64,
    /// Resume the run from the newest checkpoint in its folder.
    pub resume: bool,
}

/// A model before its first step.
struct Start {
    model: Model,
    config: Config,
    preprocessor: Preprocessor,
    origin: String,
}

impl Training {
    /// A run with default options and a checkpoint every minute.
    pub fn new(base: Base) -> Training {
        Training {
            base,
            options: TrainOptions::default(),
            exits: ExitOptions::default(),
            image_size: None,
            checkpoint_seconds: 60.0,
            resume: false,
        }
    }

    /// Trains on the splits `train` and `dev` of the dataset folder `data`; examples without a label are left out. Writes the model
    /// directory `out`, with `metrics.jsonl`, `tensorboard/` and `checkpoints/`. It replaces a model that is there.
    ///
    /// # Errors
    /// Options out of range, a model or dataset that cannot be read, inputs that do not fit the model, a checkpoint of another
    /// run, a loss that diverges, files that cannot be written.
    pub fn run(&self, data: &Path, out: &Path, observer: &mut dyn Observer) -> Result<Outcome, Error> {
        let options = &self.options;
        options.check()?;
        let dataset = Dataset::open(data)?;
        let info = dataset.info();
        let Start { model, config, preprocessor, origin } = self.start(&dataset, observer)?;
        let max_tokens = options.max_tokens.min(config.positions());
        let exits = ExitsFile {
            max_tokens: config.vocab_size().map(|_| max_tokens),
            ..ExitsFile::new(&config, self.exit_config(&config, info.classes())?)
        };
        let mut read = |split| examples(&dataset, split, &preprocessor, &config, max_tokens, observer);
        let (train, dev) = (read("train")?, read("dev")?);
        let (input, content) = preprocessor.file();
        let job = TrainingJob {
            train: &train,
            dev: &dev,
            options,
            dir: out,
            config: &config,
            labels: &info.labels,
            exits: &exits,
            input: (input, &content),
            data: &info.name,
            base: &origin,
            checkpoint_seconds: self.checkpoint_seconds,
            resume: self.resume,
        };
        epee_train::train(model, &job, observer).map_err(|error| match error {
            epee_train::Error::OtherRun { part, expected, got, .. } if part == "train" || part == "dev" => {
                Error::ChangedSplit { path: data.join(format!("{part}.jsonl")), split: part, expected, got }
            }
            other => other.into(),
        })
    }

    /// The form of the exits: the architecture's, changed by the recipe and then by [`Training::exits`].
    ///
    /// # Errors
    /// A final norm that the model does not have.
    pub fn exit_config(&self, config: &Config, classes: usize) -> Result<ExitConfig, Error> {
        let exits = self.options.recipe().exit_config(config, classes);
        if self.exits.norm.is_some() && !config.shape.final_norm {
            return Err(option("exit_norm", format!("{} has no final norm", config.title())));
        }
        Ok(ExitConfig {
            pooling: self.exits.pooling.unwrap_or(exits.pooling),
            pooler: self.exits.pooler.unwrap_or(exits.pooler),
            norm: self.exits.norm.unwrap_or(exits.norm),
            ..exits
        })
    }

    /// Digests of the files that the initial model is read from, by name: the model or its config, and its tokenizer. Damaged
    /// files are left out; [`Training::run`] says what is wrong with them.
    ///
    /// # Errors
    /// A model or config that is not there.
    pub fn digests(&self, data: &Path) -> Result<Vec<(&'static str, String)>, Error> {
        let (name, digest, preprocessor) = match &self.base {
            Base::Pretrained { dir, .. } => {
                let dir = model_dir(dir)?;
                let config = Config::read(&dir.join("config.json"));
                let preprocessor = config.ok().and_then(|config| Preprocessor::load(&dir, &config).ok());
                ("model", model_digest(&dir).ok(), preprocessor.map(|it| it.file().1))
            }
            Base::Fresh { config, tokenizer } => {
                let bytes = std::fs::read(config).map_err(FileError::io("read", config))?;
                let text = Config::read_for(config, 1).is_ok_and(|it| matches!(it.shape.input, InputShape::Text(_)));
                let tokenizer = text.then(|| fresh_tokenizer(tokenizer.as_deref(), data, &mut ()).ok()).flatten();
                ("init", Some(sha256(&bytes)), tokenizer.map(|it| it.bytes().to_vec()))
            }
            Base::Config { preprocessor, .. } => ("init", None, Some(preprocessor.file().1)),
        };
        let tokenizer = preprocessor.map(|bytes| ("tokenizer", sha256(&bytes)));
        Ok(digest.map(|digest| (name, digest)).into_iter().chain(tokenizer).collect())
    }

    fn start(&self, dataset: &Dataset, observer: &mut dyn Observer) -> Result<Start, Error> {
        let (config, preprocessor) = match &self.base {
            Base::Pretrained { dir, name } => return self.pretrained(&model_dir(dir)?, name, dataset, observer),
            Base::Fresh { config, tokenizer } => self.fresh(config, tokenizer.as_deref(), dataset, observer)?,
            Base::Config { config, preprocessor } => ((**config).clone(), preprocessor.clone()),
        };
        check_input(&config, dataset)?;
        let model = Model::new(&config, self.exit_config(&config, dataset.info().classes())?, self.options.seed);
        Ok(Start { model, config, preprocessor, origin: "fresh weights".to_owned() })
    }

    fn pretrained(
        &self,
        dir: &Path,
        name: &str,
        dataset: &Dataset,
        observer: &mut dyn Observer,
    ) -> Result<Start, Error> {
        let mut config = Config::read(&dir.join("config.json"))?;
        check_input(&config, dataset)?;
        let exits = self.exit_config(&config, dataset.info().classes())?;
        let (mut model, report) = read_backbone(dir, &config, exits, self.options.seed)?;
        let preprocessor = match self.image_size {
            Some([height, width]) => {
                let resized = resized(&config, [height, width])?;
                model.resize_images(&config, &resized);
                config = resized;
                let processor = ImageProcessor::from_file(dir.join("preprocessor_config.json"))?;
                Preprocessor::image(processor.with_size(height, width)?, &config)?
            }
            None => Preprocessor::load(dir, &config)?,
        };
        if !report.left_out.is_empty() {
            observer.note(&format!("not needed from the checkpoint: {}", report.left_out.join(", ")));
        }
        observer.note(&format!("fresh parameters: {}", report.fresh.join(", ")));
        let origin = format!("{name} ({})", short(&model_digest(dir)?));
        Ok(Start { model, config, preprocessor, origin })
    }

    fn fresh(
        &self,
        path: &Path,
        tokenizer: Option<&Path>,
        dataset: &Dataset,
        observer: &mut dyn Observer,
    ) -> Result<(Config, Preprocessor), Error> {
        let config = Config::read_for(path, 1)?;
        check_input(&config, dataset)?;
        match config.shape.input {
            InputShape::Text(_) if self.image_size.is_some() => {
                Err(option("image_size", format!("{} reads text", config.title())))
            }
            InputShape::Text(_) => {
                let tokenizer = fresh_tokenizer(tokenizer, dataset.dir(), observer)?;
                let config = Config::read_for(path, tokenizer.vocab_size())?;
                let preprocessor = Preprocessor::text(tokenizer, &config)?;
                Ok((config, preprocessor))
            }
            InputShape::Image(_) if tokenizer.is_some() => {
                Err(option("tokenizer", format!("{} reads images", config.title())))
            }
            InputShape::Image(input) => {
                let config = match self.image_size {
                    Some(size) => resized(&config, size)?,
                    None => Config::read(path)?,
                };
                let [height, width] = self.image_size.unwrap_or([input.height, input.width]);
                let preprocessor =
                    Preprocessor::image(ImageProcessor::new(height, width, input.num_channels), &config)?;
                Ok((config, preprocessor))
            }
        }
    }
}

/// The labelled examples of a split, as inputs of a model.
fn examples(
    dataset: &Dataset,
    split: &str,
    preprocessor: &Preprocessor,
    config: &Config,
    max_tokens: usize,
    observer: &mut dyn Observer,
) -> Result<Examples, Error> {
    let split = read_split(dataset, split, None)?;
    let labelled: Vec<_> = split.examples.into_iter().filter(|example| example.label.is_some()).collect();
    let encoded = preprocessor.encode(config, &labelled, max_tokens)?;
    if let Some(warning) = encoded.warning() {
        observer.note(&format!("note: {warning}"));
    }
    Ok(Examples {
        sequences: encoded.sequences,
        labels: labelled.iter().filter_map(|example| example.label).collect(),
        ids: labelled.into_iter().map(|example| example.id).collect(),
        digest: split.digest,
    })
}

fn option(name: &'static str, problem: String) -> Error {
    Error::TrainOption { name, problem }
}

fn resized(config: &Config, [height, width]: [usize; 2]) -> Result<Config, Error> {
    config.with_image_size(height, width).map_err(|problem| option("image_size", problem.to_string()))
}

/// The folder of a model, which must be there.
fn model_dir(dir: &Path) -> Result<PathBuf, Error> {
    #[cfg(feature = "hub")]
    let dir = &crate::hub::model(dir, &mut |_| ())?;
    if dir.is_dir() { Ok(dir.to_owned()) } else { Err(Error::NoModel { path: dir.to_owned() }) }
}

/// Refuses images for a text model, and texts for an image model, before weights are read.
fn check_input(config: &Config, dataset: &Dataset) -> Result<(), Error> {
    let (given, reads) = match (config.shape.input, dataset.info().input) {
        (InputShape::Text(_), DataInput::Image) => ("images", "text"),
        (InputShape::Image(_), DataInput::Text) => ("texts", "images"),
        _ => return Ok(()),
    };
    Err(Error::content(dataset.dir(), format!("a dataset of {given}, but {} reads {reads}", config.title())))
}

/// The tokenizer for fresh weights: the given one, else the dataset's, else the built-in one.
fn fresh_tokenizer(
    given: Option<&Path>,
    data: &Path,
    observer: &mut dyn Observer,
) -> Result<TextTokenizer, epee_input::Error> {
    let own = data.join("tokenizer.json");
    // One of several files that make up a tokenizer.
    let part = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str());
        matches!(name, Some("spiece.model" | "vocab.json" | "merges.txt" | "vocab.txt"))
    };
    match given {
        Some(path) if path.is_file() && part(path) => TextTokenizer::from_dir(path.parent().unwrap_or(Path::new("."))),
        Some(path) if path.is_dir() => TextTokenizer::from_dir(path),
        Some(path) => TextTokenizer::from_file(path),
        None if own.exists() => TextTokenizer::from_file(&own),
        None => {
            observer.note("note: the dataset has no tokenizer.json; the built-in vocabulary of clinical notes is used");
            TextTokenizer::from_bytes(synth::DEFAULT_TOKENIZER)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use epee_train::RecipeName;

    use super::*;

    const CONFIG: &str = r#"{"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 16, "max_position_embeddings": 48}"#;

    #[test]
    fn architecture_recipe_and_options_decide_the_exits() {
        let config = Config::from_bytes_for(CONFIG.as_bytes(), 9).unwrap();
        let exits = |recipe, pooler, norm| {
            let options = TrainOptions { recipe, ..TrainOptions::default() };
            let exits = ExitOptions { pooler, norm, ..ExitOptions::default() };
            Training { options, exits, ..Training::new(Base::of(Path::new("config.json"))) }.exit_config(&config, 3)
        };
        let poolers = [
            (RecipeName::Paper, None, PoolerKind::Shared),
            (RecipeName::TwoStage, None, PoolerKind::PerExit),
            (RecipeName::TwoStage, Some(PoolerKind::Shared), PoolerKind::Shared),
            (RecipeName::Paper, Some(PoolerKind::None), PoolerKind::None),
        ];
        for (recipe, given, expected) in poolers {
            assert_eq!(exits(recipe, given, None).unwrap().pooler, expected, "{recipe}, {given:?}");
        }
        assert!(exits(RecipeName::Alternating, None, None).unwrap().score);
        let error = exits(RecipeName::Paper, None, Some(true)).unwrap_err().to_string();
        assert_eq!(error, "exit_norm: BERT has no final norm");
    }

    #[test]
    fn a_dataset_folder_is_trained_on_and_a_changed_split_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (data, out) = (dir.path().join("data"), dir.path().join("model"));
        let sizes = synth::SynthConfig { seed: 1, train: 48, dev: 24, test: 24 };
        synth::write(&sizes, &data, false).unwrap();
        let config = dir.path().join("config.json");
        std::fs::write(&config, CONFIG).unwrap();
        let options = TrainOptions { epochs: 1, ..TrainOptions::default() };
        let outcome = train(&config, &data, &out, options.clone(), &mut ()).unwrap();
        assert_eq!((outcome.finished, outcome.steps, outcome.epochs), (true, 3, 1));
        let classifier = crate::Classifier::load(&out).unwrap();
        assert_eq!(classifier.predict(["Stopped taking ginkgo."]).unwrap().len(), 1);
        let card = std::fs::read_to_string(out.join("README.md")).unwrap();
        assert!(card.contains("48 training examples (digest sha256:") && card.contains("24 dev examples"), "{card}");

        synth::write(&synth::SynthConfig { seed: 2, ..sizes }, &data, true).unwrap();
        let resumed = Training { options, resume: true, ..Training::new(Base::of(&config)) };
        let error = resumed.run(&data, &out, &mut ()).unwrap_err();
        assert!(matches!(&error, Error::ChangedSplit { split, .. } if split == "train"), "{error}");
        assert!(error.to_string().contains("train.jsonl: the train split changed since the checkpoint"), "{error}");
    }
}
