//! A batch of token sequences, packed end to end.

use std::ops::Range;

use epee_data::Encoding;

use crate::BertConfig;

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

    /// Some of its sequences, in order.
    pub(crate) fn slice(&self, sequences: Range<usize>) -> Batch {
        let tokens = self.offsets[sequences.start]..self.offsets[sequences.end];
        Batch {
            ids: self.ids[tokens.clone()].to_vec(),
            type_ids: self.type_ids[tokens.clone()].to_vec(),
            offsets: self.offsets[sequences.start..=sequences.end].iter().map(|offset| offset - tokens.start).collect(),
        }
    }

    /// Consecutive sequences of at most `most` tokens together, one at least.
    pub(crate) fn parts(&self, most: usize) -> Vec<Range<usize>> {
        let mut parts: Vec<Range<usize>> = Vec::new();
        for i in 0..self.len() {
            match parts.last_mut() {
                Some(part) if self.offsets[i + 1] - self.offsets[part.start] <= most => part.end = i + 1,
                _ => parts.push(i..i + 1),
            }
        }
        parts
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
}

impl BertConfig {
    /// Checks a sequence's ids, segments and length.
    ///
    /// # Errors
    /// What was expected and what was found.
    pub fn check_sequence(&self, sequence: &Encoding) -> Result<(), String> {
        let length = sequence.ids.len();
        if !(1..=self.max_position_embeddings).contains(&length) {
            return Err(format!("expected 1 to {} tokens, got {length}", self.max_position_embeddings));
        }
        if let Some(id) = sequence.ids.iter().find(|&&id| id as usize >= self.vocab_size) {
            return Err(format!("expected token ids below {}, got {id}", self.vocab_size));
        }
        match sequence.type_ids.iter().find(|&&id| id as usize >= self.type_vocab_size) {
            Some(id) => Err(format!("expected segments below {} (type_vocab_size), got {id}", self.type_vocab_size)),
            None => Ok(()),
        }
    }
}
