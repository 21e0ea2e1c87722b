//! A small WordPiece vocabulary, and the `tokenizer.json` around it.
//!
//! The `tokenizers` crate has a trainer of its own, but its ids depend on the order of a hash map. This one merges the most
//! frequent pair of neighbouring pieces, of equals the alphabetically first, so that the same text gives the same bytes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tokenizers::normalizers::bert::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

use crate::error::{Error, Result};

/// The special tokens; a token's id is its place.
const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// A pair is merged only if it occurs at least this often.
const RARE: u64 = 2;

/// The vocabulary's greatest size.
const LARGEST: usize = 1000;

/// Trains a vocabulary on `texts` and returns it as the bytes of a `tokenizer.json`.
///
/// Lower case, BERT's normaliser and pre-tokeniser, `[CLS] text [SEP]` or `[CLS] text [SEP] pair [SEP]` with segments 0 and 1.
/// Every printable ASCII character is a piece, alone and within a word, so that any English text can be written in it.
///
/// # Errors
/// What the `tokenizers` crate refuses, as [`Error::Tokenizer`].
pub fn train_tokenizer<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<u8>> {
    let refuse = |e: tokenizers::Error| Error::Invalid(format!("the notes: {e}"));
    let normaliser = BertNormalizer::new(true, true, None, true);
    let mut words = BTreeMap::new();
    for text in texts {
        for word in split(&normaliser, text).map_err(refuse)? {
            *words.entry(word).or_insert(0) += 1;
        }
    }
    let mut bytes = serde_json::to_vec_pretty(&tokenizer(&pieces(&words)))
        .map_err(|e| Error::Invalid(format!("the vocabulary: {e}")))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The content of `tokenizer.json` for `vocabulary`, in which a piece's id is its place.
fn tokenizer(vocabulary: &[String]) -> Value {
    let ids: Map<String, Value> =
        vocabulary.iter().zip(0_u32..).map(|(piece, id)| (piece.clone(), id.into())).collect();
    let added: Vec<Value> = (0_u32..)
        .zip(SPECIAL)
        .map(|(id, content)| {
            json!({
                "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true,
            })
        })
        .collect();
    let mark = |token: &str, segment: u32| json!({ "SpecialToken": { "id": token, "type_id": segment } });
    let text = |sequence: &str, segment: u32| json!({ "Sequence": { "id": sequence, "type_id": segment } });
    let single = [mark("[CLS]", 0), text("A", 0), mark("[SEP]", 0)];
    let pair = [mark("[CLS]", 0), text("A", 0), mark("[SEP]", 0), text("B", 1), mark("[SEP]", 1)];
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": {
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,
            "lowercase": true,
        },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": single,
            "pair": pair,
            "special_tokens": {
                "[CLS]": { "id": "[CLS]", "ids": [2], "tokens": ["[CLS]"] },
                "[SEP]": { "id": "[SEP]", "ids": [3], "tokens": ["[SEP]"] },
            },
        },
        "decoder": { "type": "WordPiece", "prefix": "##", "cleanup": true },
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": ids,
        },
    })
}

/// The words of a text, as BERT cuts it.
fn split(normaliser: &BertNormalizer, text: &str) -> tokenizers::Result<Vec<String>> {
    let mut text = NormalizedString::from(text);
    normaliser.normalize(&mut text)?;
    let mut cut = PreTokenizedString::from(text);
    BertPreTokenizer.pre_tokenize(&mut cut)?;
    let words = cut.get_splits(OffsetReferential::Normalized, OffsetType::Byte);
    Ok(words.into_iter().map(|(word, _, _)| word.to_owned()).collect())
}

/// Special tokens, single characters, then merged pieces in the order of their making.
fn pieces(words: &BTreeMap<String, u64>) -> Vec<String> {
    let mut vocabulary: Vec<String> = SPECIAL.map(str::to_owned).to_vec();
    vocabulary.extend(('!'..='~').filter(|c| !c.is_ascii_uppercase()).map(String::from));
    vocabulary.extend(('0'..='9').chain('a'..='z').map(|c| format!("##{c}")));
    let mut cut: Vec<(Vec<String>, u64)> = words.iter().map(|(word, &count)| (characters(word), count)).collect();
    let alphabet: Vec<String> = cut.iter().flat_map(|(word, _)| word.clone()).collect();
    for piece in alphabet {
        if !vocabulary.contains(&piece) {
            vocabulary.push(piece);
        }
    }
    while vocabulary.len() < LARGEST {
        let Some((left, right)) = most_frequent(&cut) else { break };
        let merged = format!("{left}{}", right.trim_start_matches('#'));
        for (word, _) in &mut cut {
            merge(word, &left, &right, &merged);
        }
        if !vocabulary.contains(&merged) {
            vocabulary.push(merged);
        }
    }
    vocabulary
}

/// `word` as `w ##o ##r ##d`.
fn characters(word: &str) -> Vec<String> {
    word.chars().enumerate().map(|(i, c)| if i == 0 { c.to_string() } else { format!("##{c}") }).collect()
}

/// The most frequent pair of neighbours; of equals, the alphabetically first.
fn most_frequent(words: &[(Vec<String>, u64)]) -> Option<(String, String)> {
    let mut pairs: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for (word, count) in words {
        for pair in word.windows(2) {
            *pairs.entry((&pair[0], &pair[1])).or_default() += count;
        }
    }
    let mut best: Option<((&str, &str), u64)> = None;
    for (pair, count) in pairs {
        if count >= RARE && best.is_none_or(|(_, highest)| count > highest) {
            best = Some((pair, count));
        }
    }
    best.map(|((left, right), _)| (left.to_owned(), right.to_owned()))
}

fn merge(word: &mut Vec<String>, left: &str, right: &str, merged: &str) {
    let mut i = 0;
    while i + 1 < word.len() {
        if word[i] == left && word[i + 1] == right {
            merged.clone_into(&mut word[i]);
            word.remove(i + 1);
        }
        i += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_pair_is_merged_first_and_equals_by_the_alphabet() {
        let words = BTreeMap::from([("ab".to_owned(), 3), ("cd".to_owned(), 3), ("ce".to_owned(), 1)]);
        let made = pieces(&words);
        let first_merged = SPECIAL.len() + 68 + 36;
        assert_eq!(made[first_merged..], ["ab", "cd"]);
    }

    #[test]
    fn a_run_of_equal_pieces_merges_from_the_left() {
        let mut word = characters("aaaa");
        merge(&mut word, "##a", "##a", "##aa");
        assert_eq!(word, ["a", "##aa", "##a"]);
    }

    #[test]
    fn words_are_cut_as_bert_cuts_them() {
        let normaliser = BertNormalizer::new(true, true, None, true);
        let words = split(&normaliser, "D/c'd [Ginkgo] 120 mg, Café").unwrap();
        assert_eq!(words, ["d", "/", "c", "'", "d", "[", "ginkgo", "]", "120", "mg", ",", "cafe"]);
    }

    #[test]
    fn special_tokens_have_their_ids_and_segments() {
        let bytes = train_tokenizer(["stops garlic", "stops ginger"]).unwrap();
        let tokenizer = tokenizers::Tokenizer::from_bytes(&bytes).unwrap();
        for (id, token) in (0..).zip(SPECIAL) {
            assert_eq!(tokenizer.token_to_id(token), Some(id));
        }
        let pair = tokenizer.encode(("stops garlic", "ginger"), true).unwrap();
        assert_eq!(pair.get_tokens().first().map(String::as_str), Some("[CLS]"));
        assert!(pair.get_type_ids().iter().filter(|&&id| id == 1).count() > 1);
        assert_eq!(pair.get_type_ids().last(), Some(&1));
    }

    #[test]
    fn any_english_text_has_pieces() {
        let bytes = train_tokenizer(["stops garlic"]).unwrap();
        let tokenizer = tokenizers::Tokenizer::from_bytes(&bytes).unwrap();
        let printable: String = (' '..='~').collect();
        let encoding = tokenizer.encode(printable + " Zyx9w quux", true).unwrap();
        assert!(!encoding.get_ids().contains(&1), "{:?}", encoding.get_tokens());
    }
}
