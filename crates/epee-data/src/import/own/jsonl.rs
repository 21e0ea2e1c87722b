//! Own files of one JSON object per line.

use std::path::Path;

use serde_json::{Map, Value};

use super::Columns;
use crate::error::{Error, Result};
use crate::import::rows::{Row, json_lines, list};

pub(super) fn read(path: &Path, text: &str, columns: &Columns) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (at, value) in json_lines::<Value>(path, text)? {
        let refuse = |problem: String| Error::line(path, at, problem);
        let Value::Object(object) = &value else {
            return Err(refuse(format!("expected a JSON object, got {}", kind(&value))));
        };
        rows.push(columns.row(path, at, rows.len() + 1, |key| scalar(object, key).map_err(refuse))?);
    }
    Ok(rows)
}

/// A string, a number or a boolean, as text.
fn scalar(object: &Map<String, Value>, key: &str) -> Result<String, String> {
    match object.get(key) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value.to_string()),
        Some(value) => Err(format!("expected text or a number in `{key}`, got {}", kind(value))),
        None => {
            let have = list(object.keys().map(String::as_str));
            Err(format!("no key `{key}`, the object has {have}"))
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
