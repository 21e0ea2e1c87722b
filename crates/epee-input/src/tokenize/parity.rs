//! Token ids against the reference implementations, which `scripts/parity/reference_tokens.py` names.

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use super::{Encoding, TextTokenizer};
use epee_files::Sha256;
use epee_testing::shared_data;

const FIXTURE: &str = include_str!("../../tests/fixtures/tokens.json");

/// No text is cut.
const MOST: usize = 1 << 20;

#[derive(Deserialize)]
struct Fixture {
    texts: Vec<Text>,
    tokenizers: BTreeMap<String, Reference>,
}

#[derive(Deserialize)]
struct Text {
    text: String,
    pair: Option<String>,
}

#[derive(Deserialize)]
struct Reference {
    files: BTreeMap<String, Hash>,
    written: Vec<Ids>,
}

#[derive(Deserialize)]
struct Hash {
    count: usize,
    sha256: String,
    #[serde(default)]
    except: Vec<usize>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Ids {
    ids: Vec<u32>,
    /// Segments; none where the model has none.
    types: Option<Vec<u32>>,
}

/// Ids and segments; none where the text gives no token, which this crate refuses.
fn ids(tokenizer: &TextTokenizer, text: &str, pair: Option<&str>) -> Ids {
    match tokenizer.encode(text, pair, MOST) {
        Ok(Encoding { ids, type_ids, .. }) => Ids { ids, types: Some(type_ids) },
        Err(error) => {
            assert!(error.to_string().ends_with("the text gives no token"), "{error}");
            Ids { ids: Vec::new(), types: Some(Vec::new()) }
        }
    }
}

/// The texts of a file, as the script reads them.
fn texts(name: &str, path: &Path) -> Vec<String> {
    let keys: &[&str] =
        if name.starts_with("phee") { &["context"] } else { &["SUBJECT_TEXT", "OBJECT_TEXT", "SENTENCE"] };
    let content = std::fs::read_to_string(path).unwrap();
    let rows = content.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.flat_map(|row| keys.iter().map(move |key| row[key].as_str().unwrap().to_owned())).collect()
}

/// Compares a tokenizer, and once more what its saved bytes load to.
fn compare(test: &str, tokenizer: &TextTokenizer, reference: &str) {
    let fixture: Fixture = serde_json::from_str(FIXTURE).unwrap();
    let expected = &fixture.tokenizers[reference];
    let reloaded = TextTokenizer::from_bytes(tokenizer.bytes()).unwrap();
    assert_eq!(reloaded.vocab_size(), tokenizer.vocab_size());
    for (text, expected) in fixture.texts.iter().zip(&expected.written) {
        let of = |tokenizer| {
            let mut got = ids(tokenizer, &text.text, text.pair.as_deref());
            got.types = got.types.filter(|_| expected.types.is_some());
            got
        };
        assert_eq!(&of(tokenizer), expected, "{reference}: {:?}, {:?}", text.text, text.pair);
        assert_eq!(&of(&reloaded), expected, "{reference}, saved and read again: {:?}", text.text);
    }
    for (name, hash) in &expected.files {
        let Some(path) = shared_data(test, name) else { continue };
        let texts = texts(name, &path);
        assert_eq!(texts.len(), hash.count, "{name}");
        let all: Vec<Vec<u32>> = texts.par_iter().map(|text| ids(&reloaded, text, None).ids).collect();
        let mut sha = Sha256::default();
        for (_, ids) in all.iter().enumerate().filter(|(i, _)| !hash.except.contains(i)) {
            for number in std::iter::once(&(ids.len() as u32)).chain(ids) {
                sha.update(number.to_le_bytes());
            }
        }
        assert_eq!(sha.finish(), format!("sha256:{}", hash.sha256), "{reference}: {name}");
    }
}

#[test]
fn gpt2_from_vocab_and_merges_is_the_reference() {
    let test = "gpt2_from_vocab_and_merges_is_the_reference";
    let Some(dir) = shared_data(test, "tokenizers/gpt2") else { return };
    let tokenizer = TextTokenizer::from_dir(dir).unwrap();
    assert_eq!(tokenizer.vocab_size(), 50257);
    compare(test, &tokenizer, "gpt2");
}

#[test]
fn albert_from_its_model_alone_is_the_reference() {
    let test = "albert_from_its_model_alone_is_the_reference";
    let Some(dir) = shared_data(test, "tokenizers/albert-v2") else { return };
    let tokenizer = TextTokenizer::from_dir(dir).unwrap();
    assert_eq!(tokenizer.vocab_size(), 30000);
    compare(test, &tokenizer, "albert-v2");
    compare(test, &tokenizer, "albert-sentencepiece");
}

#[test]
fn bert_from_vocab_txt_is_the_reference() {
    let test = "bert_from_vocab_txt_is_the_reference";
    let Some(vocab) = shared_data(test, "tokenizers/bert-base-uncased/vocab.txt") else { return };
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(vocab, dir.path().join("vocab.txt")).unwrap();
    let tokenizer = TextTokenizer::from_dir(dir.path()).unwrap();
    assert_eq!(tokenizer.vocab_size(), 30522);
    compare(test, &tokenizer, "bert-base-uncased");
}
