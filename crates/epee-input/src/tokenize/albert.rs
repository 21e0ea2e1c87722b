//! ALBERT's tokenizer, from its `spiece.model` alone.
//!
//! The model was pretrained on what SentencePiece makes of a text, and that is what this is held against
//! (`scripts/parity/reference_tokens.py`). It is also what Transformers makes of the published `tokenizer.json` of
//! albert-base-v2. Transformers alone with a `spiece.model` (5.23) differs in half of PHEE's sentences: it lets the
//! model's user-defined symbols, `(`, `-`, `.` and others, begin a new word after them, which ALBERT never saw.

use std::path::Path;

use serde_json::{Value, json};
use tokenizers::normalizers::Precompiled;

use super::charsmap;
use super::directory::{Settings, cls_sep, special, whole};
use super::sentencepiece::{CONTROL, Piece, UNKNOWN, parse};
use crate::error::{Error, Result};

/// The model in the form of a `tokenizer.json`.
pub(super) fn read(path: &Path, settings: &Settings) -> Result<Value> {
    let model = parse(path, &super::read(path)?)?;
    let id_of = |token: &str| {
        let id = model.pieces.iter().position(|piece| piece.text == token && piece.kind == CONTROL);
        id.and_then(|id| u32::try_from(id).ok()).ok_or_else(|| {
            Error::content(path, format!("expected the model of an ALBERT, with the control piece {token}, got none"))
        })
    };
    let (cls, sep) = (id_of("[CLS]")?, id_of("[SEP]")?);
    let added: Vec<Value> = (0..)
        .zip(&model.pieces)
        .filter(|(_, piece)| piece.kind == UNKNOWN || piece.kind == CONTROL)
        .map(|(id, piece)| special(id, &piece.text))
        .collect();
    let vocab: Vec<Value> = model.pieces.iter().map(|piece| json!([piece.text, score(piece)])).collect();
    let metaspace = json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true });
    Ok(whole([
        ("added_tokens", added.into()),
        ("normalizer", normalizer(path, &model.charsmap, settings)?),
        (
            "pre_tokenizer",
            json!({ "type": "Sequence", "pretokenizers": [{ "type": "WhitespaceSplit" }, metaspace.clone()] }),
        ),
        ("post_processor", cls_sep(cls, sep)),
        ("decoder", metaspace),
        (
            "model",
            json!({
                "type": "Unigram", "unk_id": model.unk_id, "vocab": vocab, "byte_fallback": model.byte_fallback,
            }),
        ),
    ]))
}

/// A piece's log-probability; so low if a comma follows a digit that `9,` always becomes `9` and `,`, as ALBERT's own
/// code cuts it.
fn score(piece: &Piece) -> f64 {
    let mut end = piece.text.chars().rev();
    let number_comma = end.next() == Some(',') && end.next().is_some_and(char::is_numeric);
    f64::from(piece.score) - if number_comma { 100.0 } else { 0.0 }
}

/// Quotes, accents, case, then the model's own table.
fn normalizer(path: &Path, charsmap: &[u8], settings: &Settings) -> Result<Value> {
    let quotes = |pattern: &str| json!({ "type": "Replace", "pattern": { "String": pattern }, "content": "\"" });
    let mut steps = vec![quotes("``"), quotes("''")];
    if !settings.keep_accents.unwrap_or(false) {
        steps.extend([json!({ "type": "NFKD" }), json!({ "type": "StripAccents" })]);
    }
    if settings.do_lower_case.unwrap_or(true) {
        steps.push(json!({ "type": "Lowercase" }));
    }
    if !charsmap.is_empty() {
        let refuse = |problem: String| Error::content(path, problem);
        if charsmap::longest_text(charsmap).is_none() {
            return Err(refuse("the table of characters (precompiled_charsmap) is damaged".to_owned()));
        }
        let table = Precompiled::from(charsmap).map_err(|error| refuse(error.to_string()))?;
        steps.push(serde_json::to_value(table).map_err(|error| refuse(error.to_string()))?);
    }
    Ok(json!({ "type": "Sequence", "normalizers": steps }))
}
