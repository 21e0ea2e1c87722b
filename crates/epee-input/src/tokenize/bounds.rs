//! Checks a `tokenizer.json` before the `tokenizers` crate reads it.
//!
//! The library trusts its file: it allocates what the file states, recurses as deep as the file nests, and panics on some
//! contradictions (`docs/upstream.md`). Here every size is bounded by what was given, and only the parts that give token
//! ids are handed over: no decoder, no truncation, no padding.

use serde_json::{Map, Value};

use super::charsmap;

/// The largest file, in bytes: three times the largest published one.
pub(super) const MAX_BYTES: u64 = 1 << 27;
/// Nested lists and objects of a normalizer, a pre-tokenizer or a post-processor. Published ones have seven.
const MAX_DEPTH: usize = 24;
/// Values in all of them together, and bytes of one of their strings.
const MAX_VALUES: usize = 4096;
const MAX_STRING: usize = 4096;
/// Regular expressions; each may take 10 MB when it is compiled.
const MAX_REGEXES: usize = 16;
/// The greatest factor by which normalizers and pre-tokenizers may lengthen a text.
const MAX_GROWTH: usize = 4096;
/// Bytes of a piece or an added token, and nodes of the prefix tree of all pieces, about 300 bytes each.
const MAX_PIECE: usize = 512;
const MAX_NODES: usize = 1 << 21;
/// Tokens added to the model's.
const MAX_ADDED: usize = 1 << 17;
/// Characters of a word that WordPiece tries to cut, in time that grows with the square.
const MAX_WORD: u64 = 10_000;
/// Special tokens and texts that a template puts together.
const MAX_TEMPLATE: usize = 64;

/// The parts of a `tokenizer.json` that make token ids, checked.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) parts: Value,
    /// The highest id that the file names outside of its vocabulary.
    pub(super) highest: Option<u32>,
}

/// Checks a parsed file.
pub(super) fn check(file: Value) -> Result<Checked, String> {
    let Value::Object(mut file) = file else { return Err("expected a JSON object".to_owned()) };
    for unread in ["decoder", "padding", "truncation"] {
        file.remove(unread);
    }
    let known = ["version", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "model"];
    if let Some(unknown) = file.keys().find(|key| !known.contains(&key.as_str())) {
        let name: String = unknown.chars().take(40).collect();
        return Err(format!("expected the fields of a tokenizer.json, got `{}`", name.escape_debug()));
    }
    let mut walk = Walk { values: 0, regexes: 0, growth: 1, highest: None };
    for name in ["normalizer", "pre_tokenizer", "post_processor"] {
        if let Some(part) = file.get(name) {
            walk.value(part, 0).map_err(|problem| format!("`{name}`: {problem}"))?;
        }
    }
    if let Some(tokens) = file.get("added_tokens") {
        added_tokens(tokens).map_err(|problem| format!("`added_tokens`: {problem}"))?;
    }
    if let Some(Value::Object(parts)) = file.get("model") {
        model(parts).map_err(|problem| format!("`model`: {problem}"))?;
    }
    Ok(Checked { highest: walk.highest, parts: Value::Object(file) })
}

/// Counts over the normalizer, the pre-tokenizer and the post-processor.
struct Walk {
    values: usize,
    regexes: usize,
    growth: usize,
    highest: Option<u32>,
}

impl Walk {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        self.values += 1;
        if depth > MAX_DEPTH {
            return Err(format!("expected at most {MAX_DEPTH} nested values"));
        }
        if self.values > MAX_VALUES {
            return Err(format!("expected at most {MAX_VALUES} values in all"));
        }
        match value {
            Value::String(text) => check_string(text),
            Value::Array(values) => values.iter().try_for_each(|value| self.value(value, depth + 1)),
            Value::Object(fields) => self.object(fields, depth),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    fn object(&mut self, fields: &Map<String, Value>, depth: usize) -> Result<(), String> {
        if let (Some(single), Some(pair)) = (fields.get("single"), fields.get("pair")) {
            let special = fields.get("special_tokens").unwrap_or(&Value::Null);
            template(single, special, ["A"].as_slice()).map_err(|problem| format!("`single`: {problem}"))?;
            template(pair, special, ["A", "B"].as_slice()).map_err(|problem| format!("`pair`: {problem}"))?;
        }
        for (name, value) in fields {
            check_string(name)?;
            match (name.as_str(), value) {
                ("precompiled_charsmap", Value::String(text)) => {
                    let longest = charsmap::decode(text).and_then(|table| charsmap::longest_text(&table));
                    self.grow(longest.ok_or("the table of characters (precompiled_charsmap) is damaged")?)?;
                    continue;
                }
                ("content", Value::String(content)) => self.grow(replacement(content, fields.get("pattern")))?,
                ("prepend", Value::String(start)) if start.is_empty() => {
                    return Err("expected a text to prepend, got an empty one".to_owned());
                }
                ("prepend", Value::String(start)) => self.grow(1 + start.len())?,
                // `Metaspace` puts a character before each word, of up to four bytes.
                ("replacement", _) => self.grow(4)?,
                // `ByteLevel` makes two bytes of one.
                ("type", Value::String(kind)) if kind == "ByteLevel" => self.grow(2)?,
                ("length", Value::Number(length)) if length.as_u64() == Some(0) => {
                    return Err("expected a length of at least 1, got 0".to_owned());
                }
                ("Regex", _) => {
                    self.regexes += 1;
                    if self.regexes > MAX_REGEXES {
                        return Err(format!("expected at most {MAX_REGEXES} regular expressions"));
                    }
                }
                ("ids", Value::Array(ids)) => ids.iter().for_each(|id| self.id(id)),
                ("cls" | "sep", Value::Array(token)) => token.iter().for_each(|id| self.id(id)),
                _ => {}
            }
            self.value(value, depth + 1)?;
        }
        Ok(())
    }

    fn id(&mut self, id: &Value) {
        self.highest = self.highest.max(id.as_u64().and_then(|id| u32::try_from(id).ok()));
    }

    fn grow(&mut self, factor: usize) -> Result<(), String> {
        self.growth = self.growth.saturating_mul(factor.max(1));
        match self.growth {
            ..=MAX_GROWTH => Ok(()),
            _ => Err(format!("expected steps that make a text at most {MAX_GROWTH} times longer")),
        }
    }
}

/// `daachorse`, which finds added tokens, finds a zero byte where there is none.
fn check_string(text: &str) -> Result<(), String> {
    if text.len() > MAX_STRING {
        return Err(format!("expected strings of at most {MAX_STRING} bytes, got {}", text.len()));
    }
    if text.contains('\0') {
        return Err("expected texts without a zero byte".to_owned());
    }
    Ok(())
}

/// The factor by which a text lengthens if a pattern is replaced by `content`. A regular expression may match nothing,
/// and so anywhere.
fn replacement(content: &str, pattern: Option<&Value>) -> usize {
    match pattern.and_then(|pattern| pattern.get("String")).and_then(Value::as_str) {
        Some(pattern) if !pattern.is_empty() => content.len().div_ceil(pattern.len()),
        _ => 1 + content.len(),
    }
}

/// A template names each of the `texts` once, and special tokens that are there.
fn template(pieces: &Value, special: &Value, texts: &[&str]) -> Result<(), String> {
    let Value::Array(pieces) = pieces else { return Ok(()) };
    if pieces.len() > MAX_TEMPLATE {
        return Err(format!("expected at most {MAX_TEMPLATE} pieces, got {}", pieces.len()));
    }
    let id = |kind: &'static str| pieces.iter().filter_map(move |piece| piece.get(kind)?.get("id")?.as_str());
    let mut named: Vec<&str> = id("Sequence").collect();
    named.sort_unstable();
    if named != texts {
        return Err(format!("expected each text once: {}", texts.join(" and ")));
    }
    for name in id("SpecialToken") {
        let list = |field: &str| special.get(name)?.get(field)?.as_array().map(Vec::len);
        match (list("ids"), list("tokens")) {
            (Some(ids @ 1..=MAX_TEMPLATE), Some(tokens)) if ids == tokens => {}
            _ => return Err("expected special tokens with as many ids as tokens, at least one".to_owned()),
        }
    }
    Ok(())
}

fn added_tokens(tokens: &Value) -> Result<(), String> {
    let Value::Array(tokens) = tokens else { return Ok(()) };
    if tokens.len() > MAX_ADDED {
        return Err(format!("expected at most {MAX_ADDED}, got {}", tokens.len()));
    }
    tokens.iter().filter_map(|token| token.get("content")?.as_str()).try_for_each(|content| {
        check_string(content)?;
        check_piece(content)
    })
}

fn check_piece(piece: &str) -> Result<(), String> {
    match piece.len() {
        ..=MAX_PIECE => Ok(()),
        len => Err(format!("expected tokens of at most {MAX_PIECE} bytes, got {len}")),
    }
}

fn model(parts: &Map<String, Value>) -> Result<(), String> {
    if let Some(dropout) = parts.get("dropout").filter(|value| value.as_f64().is_some_and(|share| share != 0.0)) {
        return Err(format!("expected no `dropout`, which would make tokens random, got {dropout}"));
    }
    if let Some(longest) = parts.get("max_input_chars_per_word").and_then(Value::as_u64).filter(|n| *n > MAX_WORD) {
        return Err(format!("expected `max_input_chars_per_word` of at most {MAX_WORD}, got {longest}"));
    }
    if let Some(Value::Array(pieces)) = parts.get("vocab") {
        check_pieces(pieces)?;
    }
    let affix = |name: &str| parts.get(name).and_then(Value::as_str).unwrap_or_default();
    let prefix = affix("continuing_subword_prefix");
    for name in ["continuing_subword_prefix", "end_of_word_suffix", "unk_token"] {
        check_piece(affix(name)).map_err(|problem| format!("`{name}`: {problem}"))?;
    }
    if let Some(Value::Array(merges)) = parts.get("merges").filter(|_| !prefix.is_empty()) {
        // The library cuts so many bytes off the second token, whatever they are.
        let second = |merge: &Value| match merge {
            Value::String(both) => both.split_once(' ').is_none_or(|(_, second)| second.starts_with(prefix)),
            pair => pair.get(1).and_then(Value::as_str).is_none_or(|second| second.starts_with(prefix)),
        };
        if let Some(at) = merges.iter().position(|merge| !second(merge)) {
            return Err(format!("expected `continuing_subword_prefix` before the second token of merge {at}"));
        }
    }
    Ok(())
}

/// A unigram model's pieces stand in a tree with a node for each byte, which the library walks by recursion.
fn check_pieces(pieces: &[Value]) -> Result<(), String> {
    let mut texts: Vec<&str> = pieces.iter().filter_map(|piece| piece.get(0)?.as_str()).collect();
    texts.iter().try_for_each(|text| check_piece(text))?;
    texts.sort_unstable();
    let shared = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let first = texts.first().map_or(0, |text| text.len());
    let nodes = texts.windows(2).map(|pair| pair[1].len() - shared(pair[0], pair[1])).sum::<usize>() + first;
    if nodes > MAX_NODES {
        return Err(format!("expected pieces with at most {MAX_NODES} different beginnings, got {nodes}"));
    }
    Ok(())
}
