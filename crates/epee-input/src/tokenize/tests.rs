use std::path::PathBuf;

use proptest::prelude::*;

use super::{TextTokenizer, longest_first};
use crate::{Error, Example};
use epee_testing::shared_data;

/// A WordPiece tokenizer of a dozen tokens that asks for truncation at 3 and padding to 16.
fn small() -> TextTokenizer {
    TextTokenizer::from_bytes(include_bytes!("../../tests/fixtures/small_tokenizer.json")).unwrap()
}

#[test]
fn settings_inside_the_file_are_overridden() {
    let tokenizer = small();
    let encoding = tokenizer.encode("Takes fish oils.", None, 64).unwrap();
    assert_eq!(encoding.ids, [2, 4, 5, 6, 8, 9, 3]);
    assert_eq!(encoding.type_ids, [0; 7]);
    assert!(!encoding.truncated);
    // Kept as it was for whoever saves it.
    assert!(String::from_utf8_lossy(tokenizer.bytes()).contains("\"max_length\": 3"));
}

#[test]
fn special_tokens_stay_where_text_is_cut() {
    let tokenizer = small();
    let cut = tokenizer.encode("takes fish oil", None, 4).unwrap();
    assert_eq!((cut.ids, cut.truncated), (vec![2, 4, 5, 3], true));
    let whole = tokenizer.encode("takes fish oil", None, 5).unwrap();
    assert_eq!((whole.ids, whole.truncated), (vec![2, 4, 5, 6, 3], false));
}

#[test]
fn of_a_pair_the_longer_text_gives_way() {
    let tokenizer = small();
    let encode = |max| tokenizer.encode("iron", Some("takes fish oil."), max).unwrap();
    let whole = encode(64);
    assert_eq!(whole.ids, [2, 7, 3, 4, 5, 6, 9, 3]);
    assert_eq!(whole.type_ids, [0, 0, 0, 1, 1, 1, 1, 1]);
    let cut = encode(6);
    assert_eq!((cut.ids, cut.truncated), (vec![2, 7, 3, 4, 5, 3], true));
    assert_eq!(cut.type_ids, [0, 0, 0, 1, 1, 1]);
}

#[test]
fn an_empty_text_is_its_special_tokens() {
    assert_eq!(small().encode("", None, 64).unwrap().ids, [2, 3]);
}

#[test]
fn a_limit_without_room_is_refused() {
    let tokenizer = small();
    let error = tokenizer.encode("iron", None, 2).unwrap_err().to_string();
    assert_eq!(error, "expected room for at least 3 tokens, 2 of them special, got 2");
    let error = tokenizer.encode("iron", Some("zinc"), 4).unwrap_err().to_string();
    assert_eq!(error, "expected room for at least 5 tokens, 3 of them special, got 4");
}

#[test]
fn a_vocabulary_has_to_fit() {
    let tokenizer = small();
    assert_eq!(tokenizer.vocab_size(), 20, "the highest id plus one, not the number of tokens");
    tokenizer.check_vocab(20).unwrap();
    tokenizer.check_vocab(30522).unwrap();
    let error = tokenizer.check_vocab(19).unwrap_err();
    assert!(matches!(error, Error::Vocabulary { expected: 19, got: 20 }));
    assert_eq!(
        error.to_string(),
        "the tokenizer does not fit the model: expected at most 19 ids \
         (the model's vocabulary size), got 20"
    );
}

#[test]
fn a_file_that_is_no_tokenizer_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokenizer.json");
    let error = TextTokenizer::from_file(&path).unwrap_err().to_string();
    assert_eq!(error, format!("cannot read {}", path.display()));
    std::fs::write(&path, "{\"version\": \"1.0\"").unwrap();
    let error = TextTokenizer::from_file(&path).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}: EOF", path.display())), "{error}");
}

#[test]
fn a_batch_keeps_its_order_and_saving_keeps_its_bytes() {
    let tokenizer = small();
    let examples: Vec<Example> = (0..50).map(|i| Example::from(if i % 2 == 0 { "iron" } else { "fish oil" })).collect();
    let encodings = tokenizer.encode_batch(&examples, 8).unwrap();
    for (i, encoding) in encodings.iter().enumerate() {
        let expected: &[u32] = if i % 2 == 0 { &[2, 7, 3] } else { &[2, 5, 6, 3] };
        assert_eq!(encoding.ids, expected);
    }
    let dir = tempfile::tempdir().unwrap();
    tokenizer.save(dir.path().join("t.json")).unwrap();
    assert_eq!(std::fs::read(dir.path().join("t.json")).unwrap(), tokenizer.bytes());
}

/// Ids as `transformers` prints them for bert-base-uncased; "hello world" is in its documentation.
#[test]
fn bert_base_uncased_gives_its_published_ids() {
    let paths = ["tokenizers/bert-base-uncased/tokenizer.json", "minilm-l6-v2/tokenizer.json"];
    let test = "bert_base_uncased_gives_its_published_ids";
    let paths: Vec<PathBuf> = paths.iter().filter_map(|path| shared_data(test, path)).collect();
    for path in paths {
        let tokenizer = TextTokenizer::from_file(path).unwrap();
        assert_eq!(tokenizer.vocab_size(), 30522);
        let hello = tokenizer.encode("hello world", None, 512).unwrap();
        assert_eq!(hello.ids, [101, 7592, 2088, 102]);
        let pair = tokenizer.encode("hello", Some("world"), 512).unwrap();
        assert_eq!(pair.ids, [101, 7592, 102, 2088, 102]);
        assert_eq!(pair.type_ids, [0, 0, 0, 1, 1]);
        // MiniLM's file asks for 128 tokens, no more and no less.
        let long = tokenizer.encode(&"hello ".repeat(1000), None, 512).unwrap();
        assert_eq!((long.ids.len(), long.truncated), (512, true));
        assert_eq!((long.ids[0], long.ids[511]), (101, 102));
    }
}

/// A vocabulary of whole words without one for unknown words.
const WORDS: &str = r#"{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
    "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": null,
    "model": {"type": "WordLevel", "vocab": {"iron": 0}, "unk_token": "[UNK]"}}"#;

#[test]
fn no_error_quotes_the_text() {
    let tokenizer = TextTokenizer::from_bytes(WORDS.as_bytes()).unwrap();
    let examples = ["iron", "stopped ginkgo"].map(Example::from);
    let error = tokenizer.encode_batch(&examples, 8).unwrap_err();
    let expected = "example 2, a text of 14 bytes: WordLevel error: Missing [UNK] token from the vocabulary".to_owned();
    assert_eq!(error.to_string(), expected);
    let pair = tokenizer.encode("iron", Some("stopped ginkgo"), 8).unwrap_err();
    assert!(!format!("{error:?} {pair:?} {pair}").contains("ginkgo"), "{pair}");
    let error = tokenizer.encode(" ", None, 8).unwrap_err().to_string();
    assert_eq!(error, "a text of 1 bytes: the text gives no token");
}

proptest! {
    #[test]
    fn the_two_texts_of_a_pair_fill_the_room(a in 0_usize..50, b in 0_usize..50, room in 2_usize..40) {
        prop_assume!(a + b > room);
        let (keep_a, keep_b) = longest_first((a, b), room);
        prop_assert!(keep_a <= a && keep_b <= b);
        prop_assert_eq!(keep_a + keep_b, room);
        // Only what is longer than its share of the room is cut.
        prop_assert!(keep_a == a || keep_a + 1 >= keep_b);
        prop_assert!(keep_b == b || keep_b + 1 >= keep_a);
    }

    #[test]
    fn any_text_fits_and_never_panics(text in "\\PC{0,40}", max in 3_usize..12) {
        let encoding = small().encode(&text, None, max).unwrap();
        prop_assert!(encoding.ids.len() <= max && encoding.ids.len() >= 2);
        prop_assert_eq!(encoding.ids.len(), encoding.type_ids.len());
        prop_assert_eq!((encoding.ids[0], encoding.ids[encoding.ids.len() - 1]), (2, 3));
    }
}
