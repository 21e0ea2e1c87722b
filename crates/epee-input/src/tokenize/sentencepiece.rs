//! Reading a SentencePiece model file, as far as a unigram tokenizer needs it.
//!
//! The file is one protocol buffer, `ModelProto` of `sentencepiece_model.proto`. Only six of its fields are needed, so this reads
//! the wire format instead of using generated code: a key (`number << 3 | type`), then a varint (type 0),
//! eight bytes (1), a length and that many bytes (2), or four bytes (5). Other fields are skipped.

use std::path::Path;

use crate::error::{Error, Result};

/// A piece of the vocabulary; its id is its place.
#[derive(Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) text: String,
    /// Log-probability.
    pub(super) score: f32,
    pub(super) kind: u64,
}

/// The kinds of pieces that stand for themselves: unknown, control.
pub(super) const UNKNOWN: u64 = 2;
pub(super) const CONTROL: u64 = 3;

/// A model's vocabulary and normaliser.
#[derive(Debug)]
pub(super) struct Spiece {
    pub(super) pieces: Vec<Piece>,
    pub(super) unk_id: usize,
    pub(super) byte_fallback: bool,
    /// Rewrites characters: a trie and the texts that it points to.
    pub(super) charsmap: Vec<u8>,
}

/// Reads a unigram model.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Spiece> {
    let refuse = |problem: String| Error::content(path, format!("expected a SentencePiece model, {problem}"));
    let mut spiece = Spiece { pieces: Vec::new(), unk_id: 0, byte_fallback: false, charsmap: Vec::new() };
    let mut model_type = 1;
    let mut read = || -> Option<()> {
        let mut model = Wire(bytes);
        while let Some((number, value)) = model.field()? {
            match (number, value) {
                (1, Value::Bytes(bytes)) => spiece.pieces.push(piece(bytes)?),
                (2, Value::Bytes(bytes)) => {
                    let mut trainer = Wire(bytes);
                    while let Some((number, value)) = trainer.field()? {
                        match (number, value) {
                            (3, Value::Varint(value)) => model_type = value,
                            (35, Value::Varint(value)) => spiece.byte_fallback = value != 0,
                            (40, Value::Varint(value)) => spiece.unk_id = usize::try_from(value).ok()?,
                            _ => {}
                        }
                    }
                }
                (3, Value::Bytes(bytes)) => {
                    let mut normalizer = Wire(bytes);
                    while let Some((number, value)) = normalizer.field()? {
                        if let (2, Value::Bytes(bytes)) = (number, value) {
                            spiece.charsmap = bytes.to_vec();
                        }
                    }
                }
                _ => {}
            }
        }
        Some(())
    };
    if read().is_none() {
        return Err(refuse(format!("got {} bytes that end or break off within a field", bytes.len())));
    }
    if spiece.pieces.is_empty() {
        return Err(refuse("got no pieces".to_owned()));
    }
    if model_type != 1 {
        let got = ["", "unigram", "BPE", "word", "character"].get(model_type as usize).copied().unwrap_or("unknown");
        return Err(Error::content(path, format!("expected a unigram model, as ALBERT's is, got one of type {got}")));
    }
    if let Some(id) = spiece.pieces.iter().position(|piece| !piece.score.is_finite()) {
        return Err(refuse(format!("got a score that is not finite for piece {id}")));
    }
    if spiece.pieces.get(spiece.unk_id).is_none_or(|piece| piece.kind != UNKNOWN) {
        return Err(refuse(format!("got no unknown piece at id {}", spiece.unk_id)));
    }
    Ok(spiece)
}

fn piece(bytes: &[u8]) -> Option<Piece> {
    let mut piece = Piece { text: String::new(), score: 0.0, kind: 1 };
    let mut wire = Wire(bytes);
    while let Some((number, value)) = wire.field()? {
        match (number, value) {
            (1, Value::Bytes(bytes)) => std::str::from_utf8(bytes).ok()?.clone_into(&mut piece.text),
            (2, Value::Fixed32(bits)) => piece.score = f32::from_bits(bits),
            (3, Value::Varint(value)) => piece.kind = value,
            _ => {}
        }
    }
    Some(piece)
}

/// A field's value.
enum Value<'a> {
    Varint(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
    Skipped,
}

/// The unread rest of a message.
struct Wire<'a>(&'a [u8]);

impl<'a> Wire<'a> {
    /// The next field: `None` if the bytes are not a message, `Some(None)` at its end.
    #[expect(clippy::option_option, reason = "the end of a message is not a failure")]
    fn field(&mut self) -> Option<Option<(u64, Value<'a>)>> {
        if self.0.is_empty() {
            return Some(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => self.take(8).map(|_| Value::Skipped)?,
            2 => {
                let len = self.varint()?;
                Value::Bytes(self.take(usize::try_from(len).ok()?)?)
            }
            5 => Value::Fixed32(u32::from_le_bytes(self.take(4)?.try_into().ok()?)),
            _ => return None,
        };
        (key >> 3 > 0).then_some(Some((key >> 3, value)))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(len)?;
        self.0 = tail;
        Some(head)
    }
}
