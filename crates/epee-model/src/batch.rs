//! A batch of sequences, packed end to end.

use std::ops::Range;

use epee_input::Sequence;

use crate::Config;
use crate::shape::Input;

/// Sequences without padding: sequence i is rows `offsets[i]..offsets[i + 1]`. Of texts it holds ids, of pictures pixels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Token ids of all texts.
    pub ids: Vec<u32>,
    /// Segment of each token: 0, or 1 in the second text of a pair.
    pub type_ids: Vec<u32>,
    /// Pixels of all pictures, `[pictures, channels, height, width]`.
    pub pixels: Vec<f32>,
    /// Where each sequence begins, and the number of rows at the end.
    pub offsets: Vec<usize>,
}

impl Batch {
    /// Packs sequences end to end; pictures are prepared here.
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

    /// Some of its sequences, in order.
    pub(crate) fn slice(&self, sequences: Range<usize>) -> Batch {
        let tokens = self.offsets[sequences.start]..self.offsets[sequences.end];
        let of_text = if self.ids.is_empty() { 0..0 } else { tokens.clone() };
        let picture = self.pixels.len().checked_div(self.len()).unwrap_or(0);
        Batch {
            ids: self.ids[of_text.clone()].to_vec(),
            type_ids: self.type_ids[of_text].to_vec(),
            pixels: self.pixels[sequences.start * picture..sequences.end * picture].to_vec(),
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

    /// Tokens of all sequences.
    pub fn tokens(&self) -> usize {
        self.offsets.last().copied().unwrap_or(0)
    }
}

impl Config {
    /// Checks that the model can read a sequence: a text's ids, segments and length, a picture's channels and size.
    ///
    /// # Errors
    /// What was expected and what was found.
    pub fn check_sequence(&self, sequence: &Sequence) -> Result<(), String> {
        match (self.shape.input, sequence) {
            (Input::Text(input), Sequence::Text(text)) => {
                let length = text.ids.len();
                if !(1..=input.positions).contains(&length) {
                    return Err(format!("expected 1 to {} tokens, got {length}", input.positions));
                }
                if let Some(id) = text.ids.iter().find(|&&id| id as usize >= input.vocab_size) {
                    return Err(format!("expected token ids below {}, got {id}", input.vocab_size));
                }
                if input.segments == 0 {
                    return Ok(());
                }
                match text.type_ids.iter().find(|&&id| id as usize >= input.segments) {
                    Some(id) => Err(format!("expected segments below {} (type_vocab_size), got {id}", input.segments)),
                    None => Ok(()),
                }
            }
            (Input::Image(input), Sequence::Image(image)) => {
                let processor = &image.processor;
                let made = [processor.channels(), processor.height(), processor.width()];
                let expected = [input.channels, input.height, input.width];
                if made != expected || image.tokens != input.rows() {
                    return Err(format!(
                        "expected pictures of {} x {} pixels and {} channels, preprocessor_config.json makes {} x {} and {}",
                        input.height, input.width, input.channels, made[1], made[2], made[0]
                    ));
                }
                processor.check(&image.image).map_err(|error| error.to_string())
            }
            (Input::Text(_), Sequence::Image(_)) => {
                Err(format!("expected a text, got a picture: {} reads text", self.title()))
            }
            (Input::Image(_), Sequence::Text(_)) => {
                Err(format!("expected a picture, got a text: {} reads pictures", self.title()))
            }
        }
    }
}
