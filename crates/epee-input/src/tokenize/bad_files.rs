//! Damaged and mismatched tokenizer files.

use std::path::Path;

use serde_json::json;

use super::TextTokenizer;
use epee_testing::{check_refusals, message};

/// A field of a protocol buffer that holds bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut len = bytes.len();
    while len >= 0x80 {
        out.push(len as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
    out.extend(bytes);
    out
}

fn piece(text: &str, score: f32, kind: u8) -> Vec<u8> {
    let mut out = field(1, text.as_bytes());
    out.push(2 << 3 | 5);
    out.extend(score.to_le_bytes());
    out.extend([3 << 3, kind]);
    field(1, &out)
}

/// A model of a few pieces; unknown is the second, as ALBERT has it.
fn spiece(model_type: u8, charsmap: &[u8]) -> Vec<u8> {
    let controls = [piece("<pad>", 0.0, 3), piece("<unk>", 0.0, 2), piece("[CLS]", 0.0, 3), piece("[SEP]", 0.0, 3)];
    let words = [("▁", -2.0), ("▁iron", -3.0), ("s", -4.0), ("▁9,", -3.0), ("▁9", -5.0), (",", -5.0), ("É", -6.0)];
    let mut out = controls.concat();
    out.extend(words.iter().flat_map(|(text, score)| piece(text, *score, 1)));
    out.extend(field(2, &[3 << 3, model_type, 0xC0, 0x02, 1]));
    out.extend(field(3, &field(2, charsmap)));
    out
}

fn refusal(dir: &Path) -> String {
    message(TextTokenizer::from_dir(dir).unwrap_err(), dir)
}

fn refused(files: &[(&str, &[u8])]) -> String {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(dir.path().join(name), content).unwrap();
    }
    refusal(dir.path())
}

#[test]
fn a_small_model_is_read_and_its_settings_are_honoured() {
    let dir = tempfile::tempdir().unwrap();
    let encode = |text: &str| TextTokenizer::from_dir(dir.path()).unwrap().encode(text, None, 64).unwrap().ids;
    std::fs::write(dir.path().join("spiece.model"), spiece(1, b"")).unwrap();
    assert_eq!(encode("Irons 9, [SEP]"), [2, 5, 6, 8, 9, 3, 3]);
    assert_eq!(encode("É"), [2, 4, 1, 3], "an accent and a capital less");
    std::fs::write(dir.path().join("tokenizer_config.json"), r#"{"keep_accents": true, "do_lower_case": false}"#)
        .unwrap();
    assert_eq!(encode("É Iron"), [2, 4, 10, 4, 1, 3]);
    std::fs::write(dir.path().join("tokenizer_config.json"), r#"{"keep_accents": "yes"}"#).unwrap();
    let error = refusal(dir.path());
    assert!(error.starts_with("tokenizer_config.json: invalid type: string \"yes\""), "{error}");
}

#[test]
fn a_model_that_is_none_is_refused() {
    let of = |bytes: &[u8]| refused(&[("spiece.model", bytes)]);
    let whole = spiece(1, b"");
    for len in [1, 5, 30, whole.len() - 1] {
        let error = of(&whole[..len]);
        let expected = format!(
            "spiece.model: expected a SentencePiece model, got {len} bytes that end or break off within a field"
        );
        assert_eq!(error, expected);
    }
    assert_eq!(of(b""), "spiece.model: expected a SentencePiece model, got no pieces");
    assert!(of(b"This is a text, not a model.\n").starts_with("spiece.model: expected a SentencePiece model, got"));
    assert!(
        of(b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 760289\n")
            .contains("expected a SentencePiece")
    );
    assert_eq!(of(&spiece(2, b"")), "spiece.model: expected a unigram model, as ALBERT's is, got one of type BPE");
    let bare = [piece("<unk>", 0.0, 2), piece("a", -1.0, 1)].concat();
    assert_eq!(of(&bare), "spiece.model: expected the model of an ALBERT, with the control piece [CLS], got none");
    assert_eq!(of(&piece("a", -1.0, 1)), "spiece.model: expected a SentencePiece model, got no unknown piece at id 0");
    let odd = [piece("<unk>", 0.0, 2), piece("a", f32::NAN, 1)].concat();
    assert!(of(&odd).ends_with("got a score that is not finite for piece 1"));
}

/// `spm_precompiled` follows the table's indices unchecked.
#[test]
fn a_damaged_table_of_characters_is_refused() {
    let damaged: [&[u8]; 5] = [
        b"x",
        &[0, 0, 0, 0],
        &[8, 0, 0, 0, 1, 2, 3, 4],
        &[4, 0, 0, 0, 0, 0, 0, 0, b'a', 0],
        &[0xFF, 0xFF, 0xFF, 0xFF, 0, 0],
    ];
    for table in damaged {
        let error = refused(&[("spiece.model", &spiece(1, table))]);
        assert_eq!(error, "spiece.model: the table of characters (precompiled_charsmap) is damaged", "{table:?}");
    }
    // 256 units: the root's child for `a` has a leaf, which points beyond the texts, then to their first.
    let table = |text: u32| {
        let mut units = [0_u32; 256];
        // Children stand at 1 ^ byte.
        units[0] = 1 << 10;
        units[1 ^ 0x61] = 0x61 | 1 << 8 | 2 << 10;
        units[1 ^ 0x61 ^ 2] = 1 << 31 | text;
        let trie = units.iter().flat_map(|unit| unit.to_le_bytes());
        1024_u32.to_le_bytes().into_iter().chain(trie).chain(*b"iron\0").collect::<Vec<u8>>()
    };
    assert!(refused(&[("spiece.model", &spiece(1, &table(6)))]).ends_with("is damaged"));
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("spiece.model"), spiece(1, &table(0))).unwrap();
    let tokenizer = TextTokenizer::from_dir(dir.path()).unwrap();
    assert_eq!(tokenizer.encode("A", None, 8).unwrap().ids, [2, 5, 3], "the table makes `iron` of an `a`");
}

#[test]
fn vocab_and_merges_have_to_fit_each_other() {
    check_refusals(include_str!("refusals.json"), |(vocab, merges): (Option<String>, Option<String>)| {
        let files = [("vocab.json", &vocab), ("merges.txt", &merges)];
        let files = files.into_iter().filter_map(|(name, content)| Some((name, content.as_ref()?.as_bytes())));
        refused(&files.collect::<Vec<_>>())
    });
}

#[test]
fn a_special_token_in_a_text_is_that_token() {
    let dir = tempfile::tempdir().unwrap();
    let vocab = json!({ "a": 0, "b": 1, "ab": 2, "<|endoftext|>": 3, "Ġ": 4, "Ġa": 5 }).to_string();
    std::fs::write(dir.path().join("vocab.json"), vocab).unwrap();
    std::fs::write(dir.path().join("merges.txt"), "#version: 0.2\na b\nĠ a\n").unwrap();
    let encode = |text: &str| TextTokenizer::from_dir(dir.path()).unwrap().encode(text, None, 64).unwrap().ids;
    assert_eq!(encode("ab a<|endoftext|>b"), [2, 5, 3, 1]);
    assert_eq!(encode("a"), [0]);
    std::fs::write(dir.path().join("tokenizer_config.json"), r#"{"add_prefix_space": true}"#).unwrap();
    assert_eq!(encode("a"), [5]);
}

#[test]
fn vocab_txt_holds_each_token_once_and_the_special_ones() {
    let of = |text: &str| refused(&[("vocab.txt", text.as_bytes())]);
    assert_eq!(
        of("[UNK]\n[CLS]\n[SEP]\na\n[CLS]\n"),
        "vocab.txt:5: expected each token once, got `[CLS]` again (line 2)"
    );
    assert_eq!(of("a\nb\n"), "vocab.txt: expected a line `[UNK]`, got none");
}

#[test]
fn a_folder_without_a_tokenizer_says_what_was_looked_for() {
    let dir = tempfile::tempdir().unwrap();
    let error = TextTokenizer::from_dir(dir.path()).unwrap_err().to_string();
    let expected =
        "expected a tokenizer: tokenizer.json, vocab.json with merges.txt, spiece.model or vocab.txt; got none of them";
    assert_eq!(error, format!("{}: {expected}", dir.path().display()));
}

/// Whatever byte of a model is damaged, it is refused or read, and a text encoded: nothing panics.
#[test]
fn no_damaged_byte_makes_it_panic() {
    let dir = tempfile::tempdir().unwrap();
    let whole = spiece(1, b"");
    for at in 0..whole.len() {
        for change in [0xFF, 0x80, 0x01] {
            let mut bytes = whole.clone();
            bytes[at] ^= change;
            std::fs::write(dir.path().join("spiece.model"), bytes).unwrap();
            if let Ok(tokenizer) = TextTokenizer::from_dir(dir.path()) {
                let _ = tokenizer.encode("Irons 9, É [SEP]", Some("iron"), 64);
            }
        }
    }
}
