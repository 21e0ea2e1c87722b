//! Own files of one JSON object per line.

use std::path::Path;

use epee_files::json_kind;
use serde_json::{Map, Value};

use super::Columns;
use crate::error::{Error, Result};
use crate::import::rows::{Row, json_lines};

pub(super) fn read(path: &Path, text: &str, columns: &Columns) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (at, value) in json_lines::<Value>(path, text)? {
        let refuse = |problem: String| Error::line(path, at, problem);
        let Value::Object(object) = &value else {
            return Err(refuse(format!("expected a JSON object, got {}", json_kind(&value))));
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
        Some(value) => Err(format!("expected text or a number in `{key}`, got {}", json_kind(value))),
        None => Err(format!("no key `{key}` among the {} of the object", object.len())),
    }
}
