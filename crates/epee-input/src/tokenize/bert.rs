//! BERT's word pieces, from `vocab.txt`.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Value, json};

use super::directory::{Settings, cls_sep, special, whole};
use crate::error::{Error, Result};

/// A `vocab.txt` in the form of a `tokenizer.json`: a token per line, its id the line's number from 0.
pub(super) fn parse(path: &Path, text: &str, settings: &Settings) -> Result<Value> {
    let mut vocab = serde_json::Map::new();
    let mut lines: HashMap<&str, u32> = HashMap::new();
    for (id, token) in (0_u32..).zip(text.lines()) {
        if let Some(first) = lines.insert(token, id) {
            let problem = format!("expected each token once, got `{token}` again (line {})", first + 1);
            return Err(Error::line(path, u64::from(id) + 1, problem));
        }
        vocab.insert(token.to_owned(), id.into());
    }
    let of = |token: &str| {
        lines.get(token).copied().ok_or_else(|| Error::content(path, format!("expected a line `{token}`, got none")))
    };
    let (_, cls, sep) = (of("[UNK]")?, of("[CLS]")?, of("[SEP]")?);
    let added: Vec<Value> = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        .into_iter()
        .filter_map(|token| lines.get(token).map(|&id| bert_special(id, token)))
        .collect();
    Ok(whole([
        ("added_tokens", added.into()),
        (
            "normalizer",
            json!({
                "type": "BertNormalizer", "clean_text": true,
                "handle_chinese_chars": settings.tokenize_chinese_chars.unwrap_or(true),
                "strip_accents": settings.strip_accents, "lowercase": settings.do_lower_case.unwrap_or(true),
            }),
        ),
        ("pre_tokenizer", json!({ "type": "BertPreTokenizer" })),
        ("post_processor", cls_sep(cls, sep)),
        ("decoder", json!({ "type": "WordPiece", "prefix": "##", "cleanup": true })),
        (
            "model",
            json!({
                "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100, "vocab": vocab,
            }),
        ),
    ]))
}

/// BERT's own mask, unlike ALBERT's, leaves the space before it alone.
fn bert_special(id: u32, token: &str) -> Value {
    let mut special = special(id, token);
    special["lstrip"] = false.into();
    special
}
