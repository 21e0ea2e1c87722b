//! Helpers that the tests of the epee crates share.

use std::error::Error;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// A file or folder of the shared data (`$EPEE_DATA`, else `../shared/data` beside the project).
///
/// `None` after saying that `test` is skipped.
///
/// # Panics
/// If the file is absent and `EPEE_REQUIRE_DATA=1`.
pub fn shared_data(test: &str, path: &str) -> Option<PathBuf> {
    let root = match std::env::var_os("EPEE_DATA") {
        Some(root) => PathBuf::from(root),
        None => Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).into(),
    };
    let full = root.join(path);
    if full.exists() {
        return Some(full);
    }
    let required = std::env::var("EPEE_REQUIRE_DATA").is_ok_and(|value| value == "1");
    assert!(!required, "{test} needs {}", full.display());
    println!("skipped: {test} needs {}", full.display());
    None
}

/// An error with its causes on one line, as the command prints it, with paths inside `dir` cut to file names.
pub fn message(error: impl Error, dir: &Path) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text.replace(&format!("{}/", dir.display()), "")
}

/// Writes a file and creates the folders above it.
///
/// # Panics
/// If the file cannot be written.
#[allow(clippy::unwrap_used)]
pub fn put(dir: &Path, name: &str, content: impl AsRef<[u8]>) {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// Checks a JSON file of cases, each an input and the error message that it gives; `…` at the end stands for any rest.
///
/// # Panics
/// If the file holds no such cases or a message is another one.
#[allow(clippy::unwrap_used)]
pub fn check_refusals<T: DeserializeOwned>(cases: &str, mut refuse: impl FnMut(T) -> String) {
    for (input, expected) in serde_json::from_str::<Vec<(T, String)>>(cases).unwrap() {
        let got = refuse(input);
        match expected.strip_suffix('…') {
            Some(start) => assert!(got.starts_with(start), "expected `{expected}`, got `{got}`"),
            None => assert_eq!(got, expected),
        }
    }
}
