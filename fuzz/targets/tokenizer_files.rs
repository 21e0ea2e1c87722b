//! The older files of tokenizers; the first part says which.
#![no_main]

use std::fs;

use epee_fuzz::{folder, parts, put};
use epee_input::TextTokenizer;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [kind, settings, first, second] = parts(data);
    for name in ["vocab.txt", "spiece.model", "vocab.json", "merges.txt", "tokenizer_config.json"] {
        let _ = fs::remove_file(folder().join(name));
    }
    match kind.first() {
        Some(b'b') => _ = put("vocab.txt", first),
        Some(b'a') => _ = put("spiece.model", first),
        _ => {
            put("vocab.json", first);
            put("merges.txt", second);
        }
    }
    if !settings.is_empty() {
        put("tokenizer_config.json", settings);
    }
    let Ok(tokenizer) = TextTokenizer::from_dir(folder()) else { return };
    for text in ["Takes 2 fish oils, é™ ﷺ [SEP]\t日本", ""] {
        let _ = tokenizer.encode(text, None, 16);
        let _ = tokenizer.encode(text, Some("iron b"), 8);
    }
});
