//! The tokenizer of a Hugging Face directory, whichever of its files hold it.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::{TextTokenizer, albert, bert, gpt2, read};
use crate::error::{Error, Result};
use epee_files::utf8;

/// Settings of `tokenizer_config.json` for a tokenizer without a `tokenizer.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Settings {
    pub(super) do_lower_case: Option<bool>,
    pub(super) keep_accents: Option<bool>,
    pub(super) strip_accents: Option<bool>,
    pub(super) tokenize_chinese_chars: Option<bool>,
    pub(super) add_prefix_space: Option<bool>,
}

const SETTINGS: &str = "tokenizer_config.json";

impl Settings {
    fn read(dir: &Path) -> Result<Settings> {
        let path = dir.join(SETTINGS);
        if !path.is_file() {
            return Ok(Settings::default());
        }
        serde_json::from_slice(&read(&path)?).map_err(|error| Error::content(&path, error.to_string()))
    }
}

/// The files of a directory that hold its tokenizer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Whole,
    BytePairs,
    Pieces,
    Words,
}

impl Form {
    /// The first form whose files are all there.
    fn find(dir: &Path) -> Result<Form> {
        let all = [Form::Whole, Form::BytePairs, Form::Pieces, Form::Words];
        let has = |name: &&str| dir.join(name).is_file();
        if let Some(form) = all.into_iter().find(|form| form.files().iter().all(has)) {
            return Ok(form);
        }
        let [vocab, merges] = ["vocab.json", "merges.txt"];
        if let Some((have, lacks)) = [(vocab, merges), (merges, vocab)].into_iter().find(|(have, _)| has(have)) {
            let problem = format!("expected {lacks} beside it: GPT-2's tokenizer needs both");
            return Err(Error::content(&dir.join(have), problem));
        }
        let expected = "expected a tokenizer: tokenizer.json, vocab.json with merges.txt, spiece.model or vocab.txt; got none \
                        of them";
        Err(Error::content(dir, expected))
    }

    fn files(self) -> &'static [&'static str] {
        match self {
            Form::Whole => &["tokenizer.json"],
            Form::BytePairs => &["vocab.json", "merges.txt"],
            Form::Pieces => &["spiece.model"],
            Form::Words => &["vocab.txt"],
        }
    }
}

impl TextTokenizer {
    /// The names of the files that [`TextTokenizer::from_dir`] reads in a directory.
    ///
    /// # Errors
    /// A directory without a tokenizer.
    pub fn files(dir: impl AsRef<Path>) -> Result<Vec<&'static str>> {
        let dir = dir.as_ref();
        let form = Form::find(dir)?;
        let settings = (form != Form::Whole && dir.join(SETTINGS).is_file()).then_some(SETTINGS);
        Ok(form.files().iter().copied().chain(settings).collect())
    }

    /// Reads the tokenizer of a Hugging Face directory from the first of these that is there.
    ///
    /// | files | read as |
    /// |---|---|
    /// | `tokenizer.json` | what it says |
    /// | `vocab.json` and `merges.txt` | GPT-2's byte pairs |
    /// | `spiece.model` | ALBERT's SentencePiece model |
    /// | `vocab.txt` | BERT's word pieces |
    ///
    /// The last three are put into a `tokenizer.json`'s form, which [`TextTokenizer::bytes`] gives; what
    /// `tokenizer_config.json` says about case, accents and spaces is honoured.
    ///
    /// # Errors
    /// A directory with none of them, and files that are not what their names promise.
    pub fn from_dir(dir: impl AsRef<Path>) -> Result<Self> {
        let dir = dir.as_ref();
        let form = Form::find(dir)?;
        let [from, merges] = [form.files()[0], "merges.txt"].map(|name| dir.join(name));
        let settings = || Settings::read(dir);
        let json = match form {
            Form::Whole => return Self::from_file(from),
            Form::BytePairs => gpt2::read(&from, &merges, &settings()?)?,
            Form::Pieces => albert::read(&from, &settings()?)?,
            Form::Words => bert::parse(&from, utf8(&from, &read(&from)?)?, &settings()?)?,
        };
        Self::parse(json.to_string().into_bytes(), &from.display().to_string())
    }

    /// Makes BERT's tokenizer from the content of a `vocab.txt`: a token per line, its id the line's number from 0.
    ///
    /// # Errors
    /// A token that is there twice, or no `[UNK]`, `[CLS]` or `[SEP]`.
    pub fn from_vocab_txt(text: &str) -> Result<Self> {
        let path = Path::new("vocab.txt");
        Self::parse(bert::parse(path, text, &Settings::default())?.to_string().into_bytes(), "vocab.txt")
    }
}

/// A token that stands for itself wherever the text spells it out, as `tokenizer.json` lists it.
pub(super) fn special(id: u32, content: &str) -> Value {
    // What stands before a mask belongs to it, as in the published tokenizers of BERT's family.
    let lstrip = content == "[MASK]";
    serde_json::json!({
        "id": id, "content": content, "single_word": false, "lstrip": lstrip, "rstrip": false,
        "normalized": false, "special": true,
    })
}

/// `[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`, the second text in segment 1.
pub(super) fn cls_sep(cls: u32, sep: u32) -> Value {
    let token = |id: &str, segment: u32| serde_json::json!({ "SpecialToken": { "id": id, "type_id": segment } });
    let text = |id: &str, segment: u32| serde_json::json!({ "Sequence": { "id": id, "type_id": segment } });
    let entry = |name: &str, id: u32| serde_json::json!({ "id": name, "ids": [id], "tokens": [name] });
    serde_json::json!({
        "type": "TemplateProcessing",
        "single": [token("[CLS]", 0), text("A", 0), token("[SEP]", 0)],
        "pair": [token("[CLS]", 0), text("A", 0), token("[SEP]", 0), text("B", 1), token("[SEP]", 1)],
        "special_tokens": { "[CLS]": entry("[CLS]", cls), "[SEP]": entry("[SEP]", sep) },
    })
}

/// A whole `tokenizer.json`, without truncation or padding.
pub(super) fn whole(parts: [(&str, Value); 6]) -> Value {
    let mut json = serde_json::Map::new();
    json.insert("version".to_owned(), "1.0".into());
    json.insert("truncation".to_owned(), Value::Null);
    json.insert("padding".to_owned(), Value::Null);
    json.extend(parts.into_iter().map(|(key, value)| (key.to_owned(), value)));
    Value::Object(json)
}
