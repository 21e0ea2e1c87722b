//! Helpers of this crate's tests.

#![allow(dead_code, clippy::unwrap_used)]

use std::path::PathBuf;

use epee_input::{Encoding, Sequence};
use epee_model::Config;
use serde_json::Value;

/// All architectures. Each has the fixtures `tiny-NAME` and `tiny-NAME-hub`.
pub(crate) const FAMILIES: [&str; 6] = ["bert", "albert", "distilbert", "gpt2", "vit", "deit"];

/// A file or folder of `tests/fixtures`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The configuration of a fixture.
pub(crate) fn fixture_config(name: &str) -> Config {
    Config::read(&fixture(name).join("config.json")).unwrap()
}

/// A configuration from the JSON of a `config.json`.
pub(crate) fn config(json: &Value) -> Config {
    Config::from_json(json.as_object().unwrap().clone()).unwrap()
}

/// A text with these token ids and token types.
pub(crate) fn text(ids: impl IntoIterator<Item = u32>, type_ids: impl IntoIterator<Item = u32>) -> Sequence {
    let (ids, type_ids) = (ids.into_iter().collect(), type_ids.into_iter().collect());
    Sequence::from(Encoding { ids, type_ids, truncated: false })
}

pub(crate) fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}
