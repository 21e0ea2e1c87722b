//! `exits.json`.
#![no_main]

use epee_model::ExitsFile;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    epee_fuzz::put("exits.json", data);
    if let Ok(exits) = ExitsFile::load(epee_fuzz::folder()) {
        let policy = exits.check(&exits.policy).expect("checked at load");
        let _ = policy.full_depth();
    }
});
