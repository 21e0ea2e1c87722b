//! Own files of one JSON object a line.

use std::path::Path;

use serde_json::{Map, Value};

use super::own::Columns;
use super::rows::{Row, list};
use crate::error::{Error, Result};

/// Reads every line that is not blank.
pub(super) fn read(path: &Path, text: &str, columns: &Columns) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (at, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let refuse = |problem: String| Error::line(path, at, problem);
        let value: Value = serde_json::from_str(line).map_err(|e| refuse(e.to_string()))?;
        let Value::Object(object) = value else {
            return Err(refuse(format!("expected a JSON object, got {}", kind(&value))));
        };
        let field = |key: &str| scalar(&object, key).map_err(refuse);
        let text = field(&columns.text)?;
        let label = field(&columns.label)?;
        if label.trim().is_empty() {
            return Err(refuse(format!("the label, `{}`, is empty", columns.label)));
        }
        let pair = columns.pair.as_deref().map(field).transpose()?;
        let id = match &columns.id {
            Some(key) => field(key)?,
            None => (rows.len() + 1).to_string(),
        };
        rows.push(Row { at, id, text, pair, label });
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
