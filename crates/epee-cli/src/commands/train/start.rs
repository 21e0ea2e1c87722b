//! What a training run starts from: a checkpoint, or fresh weights.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use epee_data::{Dataset, synth};
use epee_files::sha256;
use epee_input::{ImageProcessor, TextTokenizer};
use epee_model::{Config, ExitConfig, InputShape, Model, model_digest, read_backbone};
use epee_train::TrainOptions;

use super::{Args, short};
use crate::fetch;
use crate::ui::Ui;
use epee::Preprocessor;

/// What a run starts from.
pub(super) struct Start {
    pub(super) model: Model<f32>,
    pub(super) config: Config,
    pub(super) preprocessor: Preprocessor,
    pub(super) heads: ExitConfig,
    pub(super) base: String,
}

/// Refuses a dataset of pictures for a model that reads text, and the other way round, before weights are read.
fn check_input(config: &Config, dataset: &Dataset) -> anyhow::Result<()> {
    let (is, reads) = match (config.shape.input, dataset.info().input) {
        (InputShape::Text(_), epee_data::Input::Image) => ("pictures", "text"),
        (InputShape::Image(_), epee_data::Input::Text) => ("texts", "pictures"),
        _ => return Ok(()),
    };
    bail!("{}: a dataset of {is}, but {} reads {reads}", dataset.dir().display(), config.title())
}

/// A checkpoint's backbone and fresh exits.
pub(super) fn from_checkpoint(
    named: &Path,
    args: &Args,
    dataset: &Dataset,
    options: &TrainOptions,
    ui: Ui,
) -> anyhow::Result<Start> {
    let dir = &fetch::local_model(named, ui)?;
    check_folder(dir)?;
    let mut config = Config::read(&dir.join("config.json"))?;
    check_input(&config, dataset)?;
    let heads = args.heads(&config, dataset.info().classes(), &options.recipe())?;
    let (mut model, report) = read_backbone(dir, &config, heads, options.seed)?;
    let preprocessor = match args.image_size {
        Some([height, width]) => {
            let resized =
                config.with_image_size(height, width).map_err(|problem| anyhow!("--image-size: {problem}"))?;
            model.resize_images(&config, &resized);
            config = resized;
            let processor = ImageProcessor::from_file(dir.join("preprocessor_config.json"))?;
            Preprocessor::image(processor.with_size(height, width)?, &config)?
        }
        None => Preprocessor::load(dir, &config)?,
    };
    if !report.left_out.is_empty() {
        ui.note(format!("left out: {}", report.left_out.join(", ")));
    }
    ui.note(format!("starts fresh: {}", report.fresh.join(", ")));
    let name = named.file_name().map_or_else(|| named.display().to_string(), |name| name.display().to_string());
    let base = format!("{name} ({})", short(&model_digest(dir)?));
    Ok(Start { model, config, preprocessor, heads, base })
}

/// Fresh weights in the sizes of a `config.json`; a vocabulary is as large as its tokenizer's.
pub(super) fn from_nothing(
    init: &Path,
    args: &Args,
    dataset: &Dataset,
    options: &TrainOptions,
    ui: Ui,
) -> anyhow::Result<Start> {
    let config = Config::read_for(init, 1)?;
    check_input(&config, dataset)?;
    let (config, preprocessor) = match config.shape.input {
        InputShape::Text(_) => {
            if args.image_size.is_some() {
                bail!("--image-size: {} reads text", config.title());
            }
            let tokenizer = fresh_tokenizer(args.tokenizer.as_deref(), &args.data, ui)?;
            let config = Config::read_for(init, tokenizer.vocab_size())?;
            let preprocessor = Preprocessor::text(tokenizer, &config)?;
            (config, preprocessor)
        }
        InputShape::Image(input) => {
            if args.tokenizer.is_some() {
                bail!("--tokenizer: {} reads pictures", config.title());
            }
            let config = match args.image_size {
                Some([height, width]) => {
                    config.with_image_size(height, width).map_err(|problem| anyhow!("--image-size: {problem}"))?
                }
                None => Config::read(init)?,
            };
            let [height, width] = args.image_size.unwrap_or([input.height, input.width]);
            let preprocessor = Preprocessor::image(ImageProcessor::new(height, width, input.num_channels), &config)?;
            (config, preprocessor)
        }
    };
    let heads = args.heads(&config, dataset.info().classes(), &options.recipe())?;
    let model = Model::new(&config, heads, options.seed);
    Ok(Start { model, config, preprocessor, heads, base: "fresh weights".to_owned() })
}

/// Digests of all that a run reads besides its dataset: a model, or a config and its tokenizer, by name. What else is wrong with them than
/// that they are not there is left to the run, which says how to mend it.
pub(crate) fn digests(
    model: Option<&Path>,
    init: Option<&Path>,
    tokenizer: Option<&Path>,
    data: &Path,
    ui: Ui,
) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut digests = Vec::new();
    if let Some(dir) = model {
        check_folder(dir)?;
        let config = Config::read(&dir.join("config.json"));
        let preprocessor = config.ok().and_then(|config| Preprocessor::load(dir, &config).ok());
        digests.extend(model_digest(dir).ok().map(|digest| ("model", digest)));
        digests.extend(preprocessor.map(|preprocessor| ("tokenizer", sha256(&preprocessor.file().1))));
    }
    if let Some(init) = init {
        let bytes = std::fs::read(init).with_context(|| format!("cannot read {}", init.display()))?;
        digests.push(("init", sha256(&bytes)));
        let reads_text =
            Config::read_for(init, 1).is_ok_and(|config| matches!(config.shape.input, InputShape::Text(_)));
        let tokenizer = reads_text.then(|| fresh_tokenizer(tokenizer, data, ui).ok()).flatten();
        digests.extend(tokenizer.map(|tokenizer| ("tokenizer", sha256(tokenizer.bytes()))));
    }
    Ok(digests)
}

/// Refuses a model's folder that is not there.
fn check_folder(dir: &Path) -> anyhow::Result<()> {
    if !dir.is_dir() {
        bail!("{}: no such folder: expected a Hugging Face model directory", dir.display());
    }
    Ok(())
}

/// The tokenizer that was named, else the dataset's, else the built-in one.
fn fresh_tokenizer(named: Option<&Path>, data: &Path, ui: Ui) -> anyhow::Result<TextTokenizer> {
    let own = data.join("tokenizer.json");
    // One of the files that a folder's tokenizer is made of.
    let part = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str());
        matches!(name, Some("spiece.model" | "vocab.json" | "merges.txt" | "vocab.txt"))
    };
    Ok(match named {
        Some(path) if path.is_file() && part(path) => TextTokenizer::from_dir(path.parent().unwrap_or(Path::new(".")))?,
        Some(path) if path.is_dir() => TextTokenizer::from_dir(path)?,
        Some(path) => TextTokenizer::from_file(path)?,
        None if own.exists() => TextTokenizer::from_file(&own)?,
        None => {
            ui.note("note: the dataset has no tokenizer.json; the small vocabulary of clinical notes is used");
            TextTokenizer::from_bytes(synth::DEFAULT_TOKENIZER)?
        }
    })
}
