//! Text to token ids, with a Hugging Face `tokenizer.json` or the older vocabulary files.

mod albert;
#[cfg(test)]
mod bad_files;
mod bert;
mod bounds;
mod charsmap;
mod directory;
mod gpt2;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod parity;
mod sentencepiece;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;

use rayon::prelude::*;
use tokenizers::{PostProcessor, Tokenizer, TruncationDirection};

use self::bounds::Checked;
use crate::error::{Error, Result};
use crate::example::Example;
use crate::guard::{TOKENIZERS, guarded};
use crate::text::SampleText;

/// The most ids without a token, beside as many as there are tokens: a model has an embedding for every id.
const SPARE_IDS: usize = 1 << 17;

/// Token ids of one sequence, special tokens included. `Debug` shows their number: ids can be turned back into text.
#[derive(Clone, PartialEq, Eq)]
pub struct Encoding {
    /// Token ids.
    pub ids: Vec<u32>,
    /// Segment of each token: 0 for the text, 1 for the pair (as the tokenizer says).
    pub type_ids: Vec<u32>,
    /// True if the text was longer than allowed and lost its end.
    pub truncated: bool,
}

impl fmt::Debug for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoding({} tokens, truncated: {})", self.ids.len(), self.truncated)
    }
}

/// A tokenizer, with its own truncation and padding settings switched off.
///
/// Many published `tokenizer.json` files ask for truncation at 128 tokens and padding to as many. Here the caller limits
/// the length, and nothing is padded.
#[derive(Clone, Debug)]
pub struct TextTokenizer {
    inner: Tokenizer,
    /// The file it is from, for errors.
    origin: String,
    bytes: Vec<u8>,
    vocab_size: usize,
}

impl TextTokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// A file that cannot be read, or that the `tokenizers` crate does not understand.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::parse(read(path)?, &path.display().to_string())
    }

    /// Reads the content of a `tokenizer.json`.
    ///
    /// # Errors
    /// As [`TextTokenizer::from_file`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::parse(bytes.to_vec(), "tokenizer.json")
    }

    fn parse(bytes: Vec<u8>, origin: &str) -> Result<Self> {
        let origin = origin.to_owned();
        let refuse = |problem: String| Error::Tokenizer { input: origin.clone(), problem };
        let file = serde_json::from_slice(&bytes).map_err(|error| refuse(error.to_string()))?;
        let Checked { parts, highest } = bounds::check(file).map_err(refuse)?;
        let inner: Tokenizer = guarded(TOKENIZERS, || serde_json::from_value(parts))
            .map_err(|fault| Error::Library { input: origin.clone(), fault })?
            .map_err(|error| refuse(error.to_string()))?;
        let vocabulary = inner.get_vocab(true);
        let (tokens, named) = (vocabulary.len(), vocabulary.into_values().max());
        let vocab_size = match named {
            Some(id) => id.max(highest.unwrap_or(0)) as usize + 1,
            None => return Err(refuse("the vocabulary is empty".to_owned())),
        };
        if vocab_size > 2 * tokens + SPARE_IDS {
            let problem = format!("expected ids below {} for {tokens} tokens", 2 * tokens + SPARE_IDS);
            return Err(refuse(format!("{problem}, got {}", vocab_size - 1)));
        }
        Ok(Self { inner, origin, bytes, vocab_size })
    }

    /// The highest id plus one: the number of embeddings a model needs.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// Checks that every id has an embedding in a model with `model_vocab_size` of them.
    ///
    /// A model may have more than the tokenizer has ids: some vocabularies are rounded up.
    ///
    /// # Errors
    /// [`Error::Vocabulary`] with expected and got.
    pub fn check_vocab(&self, model_vocab_size: usize) -> Result<()> {
        if self.vocab_size <= model_vocab_size {
            return Ok(());
        }
        Err(Error::Vocabulary { expected: model_vocab_size, got: self.vocab_size })
    }

    /// The tokens that stand around one text (`false`) or a pair (`true`): 2 and 3 for BERT.
    pub fn special_tokens(&self, pair: bool) -> usize {
        self.inner.get_post_processor().map_or(0, |processor| processor.added_tokens(pair))
    }

    /// Encodes one text or pair to at most `max_tokens` tokens, special tokens included.
    ///
    /// A text that is too long loses its end; in a pair the longer of the two does. The special tokens stay:
    /// `[CLS] … [SEP]`.
    ///
    /// # Errors
    /// A `max_tokens` without room for a token of each text, a text that gives no token at all,
    /// and what the `tokenizers` crate refuses.
    pub fn encode(&self, text: &str, pair: Option<&str>, max_tokens: usize) -> Result<Encoding> {
        let texts = 1 + usize::from(pair.is_some());
        let special = self.special_tokens(pair.is_some());
        let room = max_tokens.saturating_sub(special);
        if room < texts {
            return Err(Error::Room { expected: special + texts, special, got: max_tokens });
        }
        let refuse = |problem: String| Error::Tokenizer { input: format!("a text of {} bytes", text.len()), problem };
        let (encoding, truncated) = guarded(TOKENIZERS, || self.encode_to(text, pair, room))
            .map_err(|fault| Error::Library { input: self.origin.clone(), fault })?
            .map_err(|error| refuse(error.to_string()))?;
        if encoding.is_empty() {
            return Err(refuse("the text gives no token".to_owned()));
        }
        let (ids, type_ids) = (encoding.get_ids().to_vec(), encoding.get_type_ids().to_vec());
        Ok(Encoding { ids, type_ids, truncated })
    }

    /// Tokens of the texts, at most `room` of them, and special tokens around; true if they were cut.
    fn encode_to(
        &self,
        text: &str,
        pair: Option<&str>,
        room: usize,
    ) -> tokenizers::Result<(tokenizers::Encoding, bool)> {
        let plain = |text: &str| self.inner.encode_fast(text, false);
        let mut first = plain(text)?;
        let mut second = pair.map(plain).transpose()?;
        let lengths = (first.len(), second.as_ref().map_or(0, tokenizers::Encoding::len));
        let truncated = lengths.0 + lengths.1 > room;
        if truncated {
            let (keep_first, keep_second) = longest_first(lengths, room);
            first.truncate(keep_first, 0, TruncationDirection::Right);
            first.take_overflowing();
            if let Some(second) = &mut second {
                second.truncate(keep_second, 0, TruncationDirection::Right);
                second.take_overflowing();
            }
        }
        Ok((self.inner.post_process(first, second, true)?, truncated))
    }

    /// Encodes many examples on all threads, in their order.
    ///
    /// # Errors
    /// As [`TextTokenizer::encode`], for the first example that fails.
    pub fn encode_batch(&self, examples: &[Example], max_tokens: usize) -> Result<Vec<Encoding>> {
        examples
            .par_iter()
            .enumerate()
            .map(|(i, example)| {
                let pair = example.pair.as_ref().map(SampleText::expose);
                self.encode(example.text.expose(), pair, max_tokens).map_err(|error| match error {
                    Error::Tokenizer { input, problem } => {
                        Error::Tokenizer { input: format!("example {}, {input}", i + 1), problem }
                    }
                    other => other,
                })
            })
            .collect::<Vec<_>>()
            .into_iter()
            .collect()
    }

    /// The token with this id.
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// The `tokenizer.json` as it was read, its own settings included; one made of other files is as they say.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes the `tokenizer.json` as it was read.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        Ok(epee_files::write_atomic(path.as_ref(), &[&self.bytes])?)
    }
}

/// The bytes of a tokenizer's file.
fn read(path: &Path) -> Result<Vec<u8>> {
    Ok(epee_files::read_file_up_to(path, bounds::MAX_BYTES)?)
}

/// How much two texts keep of `room` tokens: the longer one gives way until both are equal.
fn longest_first((first, second): (usize, usize), room: usize) -> (usize, usize) {
    let half = room / 2;
    if second <= half {
        (first.min(room - second), second)
    } else if first <= room - half {
        (first, second.min(room - first))
    } else {
        (room - half, half)
    }
}
