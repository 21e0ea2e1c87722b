//! Examples to model inputs: a tokenizer or an image processor, checked against the model.

use std::path::Path;
use std::sync::Arc;

use epee_input::{Example, ImageInput, ImageProcessor, Sequence, TextTokenizer};
use epee_model::{Config, InputShape};

use crate::{Error, Warning};

/// The tokenizer or the image processor of a model.
#[derive(Clone, Debug)]
pub enum Preprocessor {
    /// The tokenizer of a text model.
    Text(Box<TextTokenizer>),
    /// The processor of an image model.
    Image(Arc<ImageProcessor>),
}

/// Model inputs made of examples.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// One sequence for each example, in order.
    pub sequences: Vec<Sequence>,
    /// True for each text that was longer than the limit and lost its end.
    pub truncated: Vec<bool>,
    /// The limit, in tokens.
    pub max_tokens: usize,
}

impl Encoded {
    /// The warning for texts that lost their end, if some did.
    pub fn warning(&self) -> Option<Warning> {
        let count = self.truncated.iter().filter(|&&truncated| truncated).count();
        let (of, max_tokens) = (self.truncated.len(), self.max_tokens);
        (count > 0).then_some(Warning::Truncated { count, of, max_tokens })
    }
}

impl Preprocessor {
    /// Reads the tokenizer or the `preprocessor_config.json` of a model directory.
    ///
    /// # Errors
    /// A missing or damaged file, or one that does not fit the configuration.
    pub fn load(dir: &Path, config: &Config) -> Result<Preprocessor, Error> {
        match config.shape.input {
            InputShape::Text(_) => {
                let whole = dir.join("tokenizer.json");
                let from = if whole.exists() { whole } else { dir.to_owned() };
                Preprocessor::text(TextTokenizer::from_dir(dir)?, config).map_err(|error| error.at(&from))
            }
            InputShape::Image(_) => {
                let path = dir.join("preprocessor_config.json");
                if !path.exists() {
                    let problem = format!("expected preprocessor_config.json: {} reads images", config.title());
                    return Err(Error::content(dir, problem));
                }
                Preprocessor::image(ImageProcessor::from_file(&path)?, config).map_err(|error| error.at(&path))
            }
        }
    }

    /// A tokenizer, checked against the model's vocabulary.
    ///
    /// # Errors
    /// An image model, or a tokenizer with more ids than the model has embeddings.
    pub fn text(tokenizer: TextTokenizer, config: &Config) -> Result<Preprocessor, Error> {
        match config.vocab_size() {
            Some(entries) => tokenizer.check_vocab(entries)?,
            None => return Err(Error::Preprocessor(format!("{} reads images, not text", config.title()))),
        }
        Ok(Preprocessor::Text(Box::new(tokenizer)))
    }

    /// An image processor, checked against the model's image size and channels.
    ///
    /// # Errors
    /// A text model, or a processor that makes images of another size.
    pub fn image(processor: ImageProcessor, config: &Config) -> Result<Preprocessor, Error> {
        let InputShape::Image(input) = config.shape.input else {
            return Err(Error::Preprocessor(format!("{} reads text, not images", config.title())));
        };
        if !matches!(input.num_channels, 1 | 3) {
            let got = input.num_channels;
            return Err(Error::Preprocessor(format!("config.json: num_channels: expected 1 or 3, got {got}")));
        }
        let (got, expected) = ([processor.height(), processor.width()], [input.height, input.width]);
        if got != expected {
            return Err(Error::ImageSize { expected, got });
        }
        Ok(Preprocessor::Image(Arc::new(processor)))
    }

    /// The name and the content of the file it is stored as in a model directory.
    pub fn file(&self) -> (&'static str, Vec<u8>) {
        match self {
            Preprocessor::Text(tokenizer) => ("tokenizer.json", tokenizer.bytes().to_vec()),
            Preprocessor::Image(processor) => ("preprocessor_config.json", processor.to_json()),
        }
    }

    /// Turns examples into model inputs; texts are cut to `max_tokens` tokens.
    ///
    /// # Errors
    /// [`Error::Example`] for a text given to an image model, the reverse, or an input that the model cannot read.
    pub fn encode(&self, config: &Config, examples: &[Example], max_tokens: usize) -> Result<Encoded, Error> {
        let refuse = |example: &Example, problem: String| Error::Example { id: example.id.clone(), problem };
        let mut truncated = vec![false; examples.len()];
        let sequences: Vec<Sequence> = match self {
            Preprocessor::Text(tokenizer) => {
                if let Some(example) = examples.iter().find(|example| example.image.is_some()) {
                    let problem = format!("expected a text, got an image: {} reads text", config.title());
                    return Err(refuse(example, problem));
                }
                let encodings = tokenizer.encode_batch(examples, max_tokens)?;
                truncated.iter_mut().zip(&encodings).for_each(|(cut, encoding)| *cut = encoding.truncated);
                encodings.into_iter().map(Sequence::Text).collect()
            }
            Preprocessor::Image(processor) => {
                let input = |example: &Example| match example.image.clone() {
                    Some(image) => {
                        let (processor, tokens) = (Arc::clone(processor), config.positions());
                        Ok(Sequence::Image(ImageInput { image, processor, tokens }))
                    }
                    None => {
                        let problem = format!("expected an image, got a text: {} reads images", config.title());
                        Err(refuse(example, problem))
                    }
                };
                examples.iter().map(input).collect::<Result<_, _>>()?
            }
        };
        for (example, sequence) in examples.iter().zip(&sequences) {
            config.check_sequence(sequence).map_err(|problem| refuse(example, problem.to_string()))?;
        }
        Ok(Encoded { sequences, truncated, max_tokens })
    }
}
