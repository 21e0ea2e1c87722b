//! Grids and files of training options.
#![no_main]

use std::path::Path;

use epee_train::TrainOptions;
use epee_train::grid::{GridConfig, Plan};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(options) = TrainOptions::read(&epee_fuzz::put("options.toml", data)) {
        let _ = options.check();
        let _ = options.to_toml();
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let path = Path::new("grid.toml");
    if let Ok(config) = GridConfig::parse(path, text) {
        let _ = Plan::new(&config, path);
    }
});
