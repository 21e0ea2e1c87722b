//! GPT-2's byte pairs, from `vocab.json` and `merges.txt`.

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Value, json};

use super::directory::{Settings, special, whole};
use crate::error::{Error, Result};
use epee_files::utf8;

/// The one special token: unknown, beginning and end of a text.
const END_OF_TEXT: &str = "<|endoftext|>";

/// Both files in the form of a `tokenizer.json`.
///
/// Bytes become printable characters, a regular expression cuts the text into words with the space before them, merges
/// are applied in their order; nothing is put around a text.
pub(super) fn read(vocab_path: &Path, merges_path: &Path, settings: &Settings) -> Result<Value> {
    let bytes = super::read(vocab_path)?;
    let vocab: HashMap<String, u32> = serde_json::from_slice(&bytes)
        .map_err(|error| Error::content(vocab_path, format!("expected one object of token to id: {error}")))?;
    check_ids(vocab_path, &vocab)?;
    let bytes = super::read(merges_path)?;
    let merges = read_merges(merges_path, utf8(merges_path, &bytes)?, &vocab)?;
    let added: Vec<Value> = vocab.get(END_OF_TEXT).map(|&id| special(id, END_OF_TEXT)).into_iter().collect();
    let mut vocab: Vec<(String, u32)> = vocab.into_iter().collect();
    vocab.sort_unstable_by_key(|(_, id)| *id);
    let vocab: serde_json::Map<String, Value> = vocab.into_iter().map(|(token, id)| (token, id.into())).collect();
    let byte_level = |add_prefix_space: bool| json!({ "type": "ByteLevel", "add_prefix_space": add_prefix_space, "trim_offsets": true, "use_regex": true });
    Ok(whole([
        ("added_tokens", added.into()),
        ("normalizer", Value::Null),
        ("pre_tokenizer", byte_level(settings.add_prefix_space.unwrap_or(false))),
        ("post_processor", Value::Null),
        ("decoder", byte_level(true)),
        (
            "model",
            json!({
                "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
                "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                "vocab": vocab, "merges": merges,
            }),
        ),
    ]))
}

/// Two tokens of one id could not be told apart.
fn check_ids(path: &Path, vocab: &HashMap<String, u32>) -> Result<()> {
    let mut seen: HashMap<u32, &str> = HashMap::with_capacity(vocab.len());
    for (token, &id) in vocab {
        if let Some(other) = seen.insert(id, token) {
            let mut both = [other, token.as_str()];
            both.sort_unstable();
            return Err(Error::content(path, format!("expected an id for each token, got {id} for {both:?}")));
        }
    }
    Ok(())
}

/// One merge a line, `left right`; both of them and what they make are tokens.
fn read_merges<'a>(path: &Path, text: &'a str, vocab: &HashMap<String, u32>) -> Result<Vec<[&'a str; 2]>> {
    let mut merges = Vec::new();
    for (i, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with("#version") {
            continue;
        }
        let refuse = |problem: String| Error::line(path, i as u64 + 1, problem);
        let Some((left, right)) =
            line.split_once(' ').filter(|(left, right)| !left.is_empty() && !right.is_empty() && !right.contains(' '))
        else {
            return Err(refuse(format!("expected two tokens with a space between them, got `{line}`")));
        };
        let merged = format!("{left}{right}");
        if let Some(unknown) = [left, right, &merged].into_iter().find(|token| !vocab.contains_key(*token)) {
            return Err(refuse(format!(
                "`{unknown}` is not in vocab.json: expected the merges.txt of the same tokenizer"
            )));
        }
        merges.push([left, right]);
    }
    Ok(merges)
}
