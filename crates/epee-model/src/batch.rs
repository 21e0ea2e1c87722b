//! A batch of token sequences, packed end to end.

use epee_data::Encoding;

use crate::{BertConfig, Error};

/// Token sequences without padding: sequence i is tokens `offsets[i]..offsets[i + 1]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Token ids of all sequences.
    pub ids: Vec<u32>,
    /// Segment of each token: 0, or 1 in the second text of a pair.
    pub type_ids: Vec<u32>,
    /// Where each sequence begins, and the number of tokens at the end.
    pub offsets: Vec<usize>,
}

impl Batch {
    /// Packs sequences end to end.
    pub fn new<'a>(sequences: impl IntoIterator<Item = &'a Encoding>) -> Batch {
        let mut batch = Batch { offsets: vec![0], ..Batch::default() };
        for sequence in sequences {
            batch.ids.extend_from_slice(&sequence.ids);
            batch.type_ids.extend_from_slice(&sequence.type_ids);
            batch.offsets.push(batch.ids.len());
        }
        batch
    }

    /// The number of sequences.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// True where it holds no sequence.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tokens of sequence i.
    pub fn length(&self, i: usize) -> usize {
        self.offsets[i + 1] - self.offsets[i]
    }

    /// Checks ids, segments and lengths against a configuration.
    ///
    /// # Errors
    /// [`Error::Batch`] names the sequence, what was expected and what was found.
    pub fn check(&self, config: &BertConfig) -> Result<(), Error> {
        let fail = |i: usize, expected: String| Err(Error::Batch(format!("sequence {i}: {expected}")));
        for i in 0..self.len() {
            let tokens = self.offsets[i]..self.offsets[i + 1];
            if tokens.is_empty() {
                return fail(i, "expected at least one token, got none".to_owned());
            }
            if tokens.len() > config.max_position_embeddings {
                let most = config.max_position_embeddings;
                return fail(i, format!("expected at most {most} tokens, got {}", tokens.len()));
            }
            if let Some(id) = self.ids[tokens.clone()].iter().find(|&&id| id as usize >= config.vocab_size) {
                return fail(i, format!("expected token ids below {}, got {id}", config.vocab_size));
            }
            if let Some(id) = self.type_ids[tokens].iter().find(|&&id| id as usize >= config.type_vocab_size) {
                return fail(i, format!("expected segments below {}, got {id}", config.type_vocab_size));
            }
        }
        Ok(())
    }
}
