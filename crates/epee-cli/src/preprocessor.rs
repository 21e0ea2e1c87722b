//! What turns examples into a model's inputs: a tokenizer, or an image processor.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use epee_input::{Example, ImageInput, ImageProcessor, Sequence, TextTokenizer};
use epee_model::{Config, InputShape};

use crate::ui::Ui;

/// What stands between examples and a model.
#[derive(Clone)]
pub(crate) enum Preprocessor {
    Text(Box<TextTokenizer>),
    Image(Arc<ImageProcessor>),
}

impl Preprocessor {
    /// Reads what a model directory has for the inputs of its configuration.
    pub(crate) fn load(dir: &Path, config: &Config) -> anyhow::Result<Preprocessor> {
        match config.shape.input {
            InputShape::Text(_) => {
                let whole = dir.join("tokenizer.json");
                let from = if whole.exists() { whole } else { dir.to_owned() };
                Preprocessor::text(TextTokenizer::from_dir(dir)?, config).with_context(|| from.display().to_string())
            }
            InputShape::Image(_) => {
                let path = dir.join("preprocessor_config.json");
                if !path.exists() {
                    bail!("{}: expected preprocessor_config.json: {} reads pictures", dir.display(), config.title());
                }
                let processor = ImageProcessor::from_file(&path)?;
                Preprocessor::image(processor, config).with_context(|| path.display().to_string())
            }
        }
    }

    /// A tokenizer whose ids the model has.
    pub(crate) fn text(tokenizer: TextTokenizer, config: &Config) -> anyhow::Result<Preprocessor> {
        match config.vocab_size() {
            Some(entries) => tokenizer.check_vocab(entries)?,
            None => bail!("{} reads pictures, not text", config.title()),
        }
        Ok(Preprocessor::Text(Box::new(tokenizer)))
    }

    /// A processor that makes pictures of the model's size.
    pub(crate) fn image(processor: ImageProcessor, config: &Config) -> anyhow::Result<Preprocessor> {
        let InputShape::Image(input) = config.shape.input else {
            bail!("{} reads text, not pictures", config.title());
        };
        if !matches!(input.num_channels, 1 | 3) {
            bail!("config.json: num_channels: expected 1 or 3, as pictures have, got {}", input.num_channels);
        }
        let (made, expected) = ([processor.height(), processor.width()], [input.height, input.width]);
        if made != expected {
            bail!(
                "expected pictures of {} x {} pixels as config.json does, got {} x {}\nhint: train with --image-size to change both",
                expected[0],
                expected[1],
                made[0],
                made[1]
            );
        }
        Ok(Preprocessor::Image(Arc::new(processor)))
    }

    /// The file it is stored as in a model directory.
    pub(crate) fn file(&self) -> (&'static str, Vec<u8>) {
        match self {
            Preprocessor::Text(tokenizer) => ("tokenizer.json", tokenizer.bytes().to_vec()),
            Preprocessor::Image(processor) => ("preprocessor_config.json", processor.to_json()),
        }
    }

    /// Turns examples into inputs of a model, at most `max_tokens` long; says once how many were too long.
    pub(crate) fn encode(
        &self,
        config: &Config,
        examples: &[Example],
        max_tokens: usize,
        ui: Ui,
    ) -> anyhow::Result<Vec<Sequence>> {
        let sequences: Vec<Sequence> = match self {
            Preprocessor::Text(tokenizer) => {
                if let Some(example) = examples.iter().find(|example| example.image.is_some()) {
                    bail!("example {}: expected a text, got a picture: {} reads text", example.id, config.title());
                }
                let encodings = tokenizer.encode_batch(examples, max_tokens)?;
                let cut = encodings.iter().filter(|encoding| encoding.truncated).count();
                if cut > 0 {
                    let all = examples.len();
                    ui.note(format!(
                        "note: {cut} of {all} texts are longer than {max_tokens} tokens and lost their end"
                    ));
                }
                encodings.into_iter().map(Sequence::Text).collect()
            }
            Preprocessor::Image(processor) => {
                let input = |example: &Example| {
                    let image = example.image.clone();
                    let image = image.ok_or_else(|| {
                        anyhow!(
                            "example {}: expected a picture, got a text: {} reads pictures",
                            example.id,
                            config.title()
                        )
                    })?;
                    Ok(Sequence::Image(ImageInput {
                        image,
                        processor: Arc::clone(processor),
                        tokens: config.positions(),
                    }))
                };
                examples.iter().map(input).collect::<anyhow::Result<_>>()?
            }
        };
        for (example, sequence) in examples.iter().zip(&sequences) {
            config.check_sequence(sequence).map_err(|problem| anyhow!("example {}: {problem}", example.id))?;
        }
        Ok(sequences)
    }
}
