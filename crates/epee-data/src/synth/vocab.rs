//! A small WordPiece vocabulary, trained on the generated notes.
//!
//! The `tokenizers` crate has a trainer of its own, but its ids depend on the order of a hash map. This one merges the
//! most frequent pair of neighbouring pieces, of equals the alphabetically first, so that the same text gives the same
//! bytes.

use std::collections::BTreeMap;

use epee_input::TextTokenizer;
use serde_json::Value;

use super::baseline::words;
use crate::error::{Error, Result};

/// The special tokens; a token's id is its place.
const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// A pair is merged only if it occurs at least this often.
const RARE: u64 = 2;

/// The vocabulary's greatest size.
const LARGEST: usize = 1000;

/// Trains a vocabulary on ASCII `texts` and returns it as the bytes of a `tokenizer.json` of BERT's kind.
///
/// Every printable ASCII character is a piece, alone and within a word, so that any English text can be written in it.
pub(super) fn train_tokenizer<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<u8>> {
    let mut counts = BTreeMap::new();
    for word in texts.into_iter().flat_map(words) {
        *counts.entry(word).or_insert(0) += 1;
    }
    let tokenizer = TextTokenizer::from_vocab_txt(&pieces(&counts).join("\n"))?;
    // Indented, as it is kept in `assets`.
    let refuse = |error: serde_json::Error| Error::Invalid(format!("the vocabulary: {error}"));
    let json: Value = serde_json::from_slice(tokenizer.bytes()).map_err(refuse)?;
    let mut bytes = serde_json::to_vec_pretty(&json).map_err(refuse)?;
    bytes.push(b'\n');
    Ok(bytes)
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
    fn special_tokens_have_their_ids_and_segments() {
        let bytes = train_tokenizer(["stops garlic", "stops ginger"]).unwrap();
        let tokenizer = TextTokenizer::from_bytes(&bytes).unwrap();
        for (id, token) in (0..).zip(SPECIAL) {
            assert_eq!(tokenizer.token(id).as_deref(), Some(token));
        }
        let pair = tokenizer.encode("stops garlic", Some("ginger"), 64).unwrap();
        assert_eq!(pair.ids[0], 2);
        assert!(pair.type_ids.iter().filter(|&&id| id == 1).count() > 1);
        assert_eq!(pair.type_ids.last(), Some(&1));
    }

    #[test]
    fn any_english_text_has_pieces() {
        let bytes = train_tokenizer(["stops garlic"]).unwrap();
        let tokenizer = TextTokenizer::from_bytes(&bytes).unwrap();
        let printable: String = (' '..='~').collect();
        let encoding = tokenizer.encode(&(printable + " Zyx9w quux"), None, 1000).unwrap();
        assert!(!encoding.ids.contains(&1), "{:?}", encoding.ids);
    }
}
