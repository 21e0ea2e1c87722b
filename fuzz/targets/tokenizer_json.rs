//! `tokenizer.json`, and texts encoded with one that is read.
#![no_main]

use epee_input::TextTokenizer;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(tokenizer) = TextTokenizer::from_bytes(data) else { return };
    for text in ["Takes 2 fish oils, é™ ﷺ [SEP]\t日本 abab", "", " a\u{0301}\u{200d}𝔸 <unk>ab "] {
        if let Ok(encoding) = tokenizer.encode(text, None, 16) {
            assert!(encoding.ids.iter().all(|&id| (id as usize) < tokenizer.vocab_size()));
        }
        let _ = tokenizer.encode(text, Some("iron b"), 8);
    }
});
