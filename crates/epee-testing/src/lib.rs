//! Helpers that the tests of the epee crates share.

use std::error::Error;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

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

/// A JSON document with one value changed, for every value in it: `(what was changed, the document)`. Numbers move a little and far,
/// texts grow and vanish, lists lose their first, their last and all of their items.
pub fn json_edits(whole: &Value) -> Vec<(String, Value)> {
    let mut pointers = Vec::new();
    find_pointers(whole, "", &mut pointers);
    let mut edits = Vec::new();
    for pointer in pointers {
        for other in whole.pointer(&pointer).map(other_values).unwrap_or_default() {
            let mut edited = whole.clone();
            match edited.pointer_mut(&pointer) {
                Some(field) if *field != other => *field = other.clone(),
                _ => continue,
            }
            edits.push((format!("{pointer} = {other}"), edited));
        }
    }
    edits
}

fn find_pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.extend((!at.is_empty()).then(|| at.to_owned()));
    let mut inside = |key: &str, value: &Value| {
        find_pointers(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), all);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| inside(key, value)),
        Value::Array(list) => list.iter().enumerate().for_each(|(i, value)| inside(&i.to_string(), value)),
        _ => {}
    }
}

fn other_values(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => vec![json!("x")],
        Value::Bool(it) => vec![json!(!it)],
        Value::Number(it) => match (it.as_i64(), it.as_f64().unwrap_or_default()) {
            (Some(it), _) => {
                vec![json!(it.wrapping_add(1)), json!(it.wrapping_sub(1)), json!(0), json!(u32::MAX), json!(i64::MAX)]
            }
            (None, it) => [it * 1.001 + 1e-4, it * 0.999 - 1e-4, 1.0 - it, 0.0, f64::MAX].map(|it| json!(it)).into(),
        },
        Value::String(it) => vec![json!(format!("{it}x")), json!("")],
        Value::Array(list) if list.is_empty() => vec![json!(["x"])],
        Value::Array(list) => {
            let doubled: Vec<&Value> = list.iter().chain(list.last()).collect();
            vec![json!(list[1..]), json!(list[..list.len() - 1]), json!(doubled), json!([])]
        }
        Value::Object(_) => vec![json!({})],
    }
}
