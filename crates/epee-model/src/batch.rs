//! A batch of sequences, packed end to end.

use std::fmt;
use std::ops::Range;

use epee_input::Sequence;

use crate::Config;
use crate::shape::InputShape;

/// Sequences without padding: sequence i is rows `offsets[i]..offsets[i + 1]`. Texts have token ids, images have pixels.
/// `Debug` shows the sizes: ids can be turned back into text.
#[derive(Clone, Default, PartialEq)]
pub struct Batch {
    /// Token ids of all texts.
    pub ids: Vec<u32>,
    /// Token type of each token: 0, or 1 in the second text of a pair.
    pub type_ids: Vec<u32>,
    /// Pixels of all images, `[images, channels, height, width]`.
    pub pixels: Vec<f32>,
    /// The first row of each sequence, and at the end the number of rows.
    pub offsets: Vec<usize>,
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch({} sequences, {} tokens)", self.len(), self.tokens())
    }
}

impl Batch {
    /// Packs sequences end to end. Images are preprocessed here.
    pub fn new<'a>(sequences: impl IntoIterator<Item = &'a Sequence>) -> Batch {
        let mut batch = Batch { offsets: vec![0], ..Batch::default() };
        let mut end = 0;
        for sequence in sequences {
            match sequence {
                Sequence::Text(text) => {
                    batch.ids.extend_from_slice(&text.ids);
                    batch.type_ids.extend_from_slice(&text.type_ids);
                }
                Sequence::Image(input) => {
                    let first = batch.pixels.len();
                    let processor = &input.processor;
                    let size = processor.channels() * processor.height() * processor.width();
                    batch.pixels.resize(first + size, 0.0);
                    processor.process(&input.image, &mut batch.pixels[first..]);
                }
            }
            end += sequence.tokens();
            batch.offsets.push(end);
        }
        batch
    }

    pub(crate) fn slice(&self, sequences: Range<usize>) -> Batch {
        let tokens = self.offsets[sequences.start]..self.offsets[sequences.end];
        let of_text = if self.ids.is_empty() { 0..0 } else { tokens.clone() };
        let image = self.pixels.len().checked_div(self.len()).unwrap_or(0);
        Batch {
            ids: self.ids[of_text.clone()].to_vec(),
            type_ids: self.type_ids[of_text].to_vec(),
            pixels: self.pixels[sequences.start * image..sequences.end * image].to_vec(),
            offsets: self.offsets[sequences.start..=sequences.end].iter().map(|offset| offset - tokens.start).collect(),
        }
    }

    /// Cuts the batch into ranges of at most `most` tokens, each with at least one sequence.
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

    /// True if there is no sequence.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tokens of sequence i.
    pub fn length(&self, i: usize) -> usize {
        self.offsets[i + 1] - self.offsets[i]
    }

    /// Tokens of all sequences.
    pub fn tokens(&self) -> usize {
        self.offsets.last().copied().unwrap_or(0)
    }
}

/// A sequence that a model cannot read. The message says what was expected and what was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SequenceError(String);

impl Config {
    /// Checks that the model can read a sequence: the ids, token types and length of a text, the channels and size of an image.
    ///
    /// # Errors
    /// If it cannot.
    pub fn check_sequence(&self, sequence: &Sequence) -> Result<(), SequenceError> {
        self.sequence_problem(sequence).map_or(Ok(()), |problem| Err(SequenceError(problem)))
    }

    fn sequence_problem(&self, sequence: &Sequence) -> Option<String> {
        match (self.shape.input, sequence) {
            (InputShape::Text(input), Sequence::Text(text)) => {
                let length = text.ids.len();
                let (ids, types) = (input.vocab_size, input.type_vocab_size);
                if !(1..=input.max_position_embeddings).contains(&length) {
                    return Some(format!("expected 1 to {} tokens, got {length}", input.max_position_embeddings));
                }
                if text.ids.iter().any(|&id| id as usize >= ids) {
                    return Some(format!("expected token ids below {ids}, got a greater one"));
                }
                let id = text.type_ids.iter().find(|&&id| types > 0 && id as usize >= types)?;
                Some(format!("expected token types below {types} (type_vocab_size), got {id}"))
            }
            (InputShape::Image(input), Sequence::Image(image)) => {
                let processor = &image.processor;
                let made = [processor.channels(), processor.height(), processor.width()];
                if made == [input.num_channels, input.height, input.width] && image.tokens == input.rows() {
                    return processor.check(&image.image).err().map(|problem| problem.to_string());
                }
                Some(format!(
                    "expected images of {} x {} pixels and {} channels, preprocessor_config.json makes {} x {} and {}",
                    input.height, input.width, input.num_channels, made[1], made[2], made[0]
                ))
            }
            (InputShape::Text(_), Sequence::Image(_)) => {
                Some(format!("expected a text, got an image: {} reads text", self.title()))
            }
            (InputShape::Image(_), Sequence::Text(_)) => {
                Some(format!("expected an image, got a text: {} reads images", self.title()))
            }
        }
    }
}
