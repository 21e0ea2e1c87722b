//! Files made to exhaust the library that reads them, or to make it panic.

use serde_json::{Value, json};

use super::TextTokenizer;
use crate::Error;
use crate::guard::TOKENIZERS;
use epee_testing::check_refusals;

/// A small tokenizer of words, with `value` at one place.
fn with(place: &str, value: Value) -> Value {
    let mut file: Value = serde_json::from_slice(include_bytes!("../../tests/fixtures/small_tokenizer.json")).unwrap();
    let (parent, name) = place.rsplit_once('/').unwrap();
    file.pointer_mut(parent).unwrap()[name] = value;
    file
}

fn load(file: &Value) -> crate::Result<TextTokenizer> {
    TextTokenizer::from_bytes(file.to_string().as_bytes())
}

fn refusal(file: &Value) -> String {
    let error = load(file).unwrap_err().to_string();
    error.strip_prefix("tokenizer.json: ").unwrap().to_owned()
}

#[test]
fn contradictions_are_refused_before_the_library_sees_them() {
    check_refusals(include_str!("hostile.json"), |(place, value): (String, Value)| refusal(&with(&place, value)));
}

/// Each of these is a small file that would take gigabytes, or more stack than there is.
#[test]
fn sizes_are_bounded_before_the_library_sees_them() {
    let replace = json!({ "type": "Replace", "pattern": { "String": "a" }, "content": "aa" });
    let refuse = |place: &str, value: Value, expected: &str| {
        let got = refusal(&with(place, value));
        assert!(got.contains(expected), "{got}");
    };
    let sequence = |steps: Vec<Value>| json!({ "type": "Sequence", "normalizers": steps });
    refuse("/normalizer", sequence(vec![replace.clone(); 40]), "make a text at most 4096 times longer");
    refuse("/normalizer", sequence(vec![json!({ "type": "NFC" }); 4000]), "at most 4096 values");
    refuse("/normalizer", (0..13).fold(replace, |inner, _| sequence(vec![inner])), "at most 24 nested values");
    let split = json!({ "type": "Split", "pattern": { "Regex": "x" }, "behavior": "Isolated", "invert": false });
    let pre_tokenizer = json!({ "type": "Sequence", "pretokenizers": vec![split; 17] });
    refuse("/pre_tokenizer", pre_tokenizer, "at most 16 regular expressions");
    let long = json!({ "type": "Split", "pattern": { "Regex": "x".repeat(5000) }, "behavior": "Isolated" });
    refuse("/pre_tokenizer", long, "strings of at most 4096 bytes, got 5000");
    let text = json!({ "Sequence": { "id": "A", "type_id": 0 } });
    let template = json!({ "type": "TemplateProcessing", "single": vec![text; 65], "pair": [], "special_tokens": {} });
    refuse("/post_processor", template, "at most 64 pieces, got 65");
    // A tree as deep as the longest piece, which is dropped by recursion.
    let unigram = |pieces: Vec<Value>| json!({ "type": "Unigram", "unk_id": 0, "vocab": pieces });
    refuse("/model", unigram(vec![json!(["x".repeat(100_000), 0.0])]), "tokens of at most 512 bytes, got 100000");
    let pieces = (0..4200).map(|i| json!([format!("{i:0512}").chars().rev().collect::<String>(), 0.0])).collect();
    refuse("/model", unigram(pieces), "at most 2097152 different beginnings");
    refuse("/added_tokens", json!(vec![Value::Null; 140_000]), "at most 131072, got 140000");
    let nested = "[".repeat(100_000);
    assert!(TextTokenizer::from_bytes(nested.as_bytes()).unwrap_err().to_string().contains("recursion limit"));
}

/// The deepest file that is let through fits the stack of a small thread, also to encode and to drop.
#[test]
fn what_is_let_through_needs_little_stack() {
    let sequence = |inner: Value| json!({ "type": "Sequence", "normalizers": [inner] });
    let file = with("/normalizer", (0..11).fold(json!({ "type": "Lowercase" }), |inner, _| sequence(inner)));
    let work = move || load(&file).unwrap().clone().encode("Takes iron", None, 8).unwrap().ids;
    let thread = std::thread::Builder::new().stack_size(1 << 19).spawn(work).unwrap();
    assert_eq!(thread.join().unwrap(), [2, 4, 7, 3]);
    let piece = json!(["x".repeat(512), 0.0]);
    let file = with("/model", json!({ "type": "Unigram", "unk_id": 0, "vocab": [piece, ["a", 0.0]] }));
    let thread = std::thread::Builder::new().stack_size(1 << 19).spawn(move || load(&file).unwrap().clone());
    assert!(thread.unwrap().join().is_ok());
}

/// The library panics on a damaged decoder, which epee does not hand over.
#[test]
fn parts_that_make_no_ids_are_left_out() {
    let mut file = with("/decoder", json!("zinc"));
    file["padding"] = json!({ "strategy": 7 });
    let tokenizer = load(&file).unwrap();
    assert_eq!(tokenizer.encode("takes iron", None, 8).unwrap().ids, [2, 4, 7, 3]);
    assert_eq!(tokenizer.bytes(), file.to_string().as_bytes(), "the file stays as it was");
}

/// A file that passes the checks and makes the library panic is an error that names the library.
#[test]
fn a_panic_of_the_library_is_an_error() {
    let fails = |place: &str, value: Value| {
        let error = load(&with(place, value)).unwrap_err();
        assert!(
            matches!(&error, Error::Library { input, fault } if input == "tokenizer.json" && fault.library == TOKENIZERS)
        );
        error.to_string()
    };
    // The token that the merge makes is longer than any of the vocabulary.
    let merge = json!({ "type": "BPE", "vocab": { "a": 0, "b": 1 }, "merges": [["a", "b"]] });
    let error = fails("/model", merge);
    assert!(error.starts_with("tokenizer.json: the library tokenizers 0.23.2 fails on it (model.rs:"), "{error}");
    fails("/normalizer", json!({ "type": "Precompiled" }));
}
