//! Problems of JSON in words that quote no value: a value may be the text of a sample.

use serde_json::Value;
use serde_json::error::Category;

/// The kind of a value: `a string`, `an object`.
///
/// ```
/// assert_eq!(epee_files::json_kind(&"Takes zinc.".into()), "a string");
/// ```
pub fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// An error of reading JSON: what was expected, the kind of what was found, and the column. Values and unknown keys,
/// which `serde_json` quotes, are left out. The line is for the caller to name.
///
/// ```
/// let read = |line: &str| epee_files::json_problem(&serde_json::from_str::<Vec<u32>>(line).unwrap_err());
/// assert_eq!(read("[\"Takes zinc.\"]"), "invalid type: string, expected u32 (column 14)");
/// assert_eq!(read("[1, 2"), "EOF while parsing a list (column 5)");
/// ```
pub fn json_problem(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&place).unwrap_or(&message);
    let problem = match error.classify() {
        // Fixed sentences, and those of the operating system.
        Category::Syntax | Category::Eof | Category::Io => message.to_owned(),
        Category::Data => without_values(message),
    };
    if error.line() == 0 { problem } else { format!("{problem} (column {})", error.column()) }
}

/// A message of serde without the values and names that it quotes. A wording that is not serde's may quote anything.
fn without_values(message: &str) -> String {
    // The names of fields that serde misses, or finds twice, are the type's own.
    if ["missing field `", "duplicate field `"].iter().any(|start| message.starts_with(start)) {
        return message.to_owned();
    }
    let starts = ["invalid type: ", "invalid value: ", "unknown field ", "unknown variant "];
    let Some(start) = starts.iter().find(|start| message.starts_with(**start)) else {
        return "a value is not as expected".to_owned();
    };
    let found = message[start.len()..].split(['"', '`', ',']).next().unwrap_or_default();
    // Behind the last comma stands what the type expects; a quoted value cannot be behind it.
    let expected = match message.rsplit_once(", expected ") {
        // Serde names the type.
        Some((_, expected)) if expected.starts_with("struct ") => ", expected an object".to_owned(),
        Some((_, expected)) if !message.contains("`, there are no ") => format!(", expected {expected}"),
        _ => String::new(),
    };
    format!("{}{expected}", format!("{start}{found}").trim_end())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only the errors are looked at")]
    struct Row {
        id: u32,
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    enum Kind {
        Plain,
        Odd,
    }

    #[test]
    fn no_message_holds_a_value_or_an_unknown_key() {
        let problem = |line: &str| json_problem(&serde_json::from_str::<Row>(line).unwrap_err());
        for (line, expected) in [
            (r#"{"id": "CANARY", "kind": null}"#, "invalid type: string, expected u32 (column 15)"),
            (r#"{"id": "CANARY, expected CANARY\" `CANARY"}"#, "invalid type: string, expected u32 (column 42)"),
            (r#"{"id": 7777777777777}"#, "invalid value: integer, expected u32 (column 20)"),
            (r#"{"CANARY": 1}"#, "unknown field, expected `id` or `kind` (column 9)"),
            (r#"{"id": 1, "kind": "CANARY"}"#, "unknown variant, expected `Plain` or `Odd` (column 26)"),
            (r#"{"kind": null}"#, "missing field `id` (column 14)"),
            (r#"{"id": 1, "id": 2}"#, "duplicate field `id` (column 14)"),
            (r#"["CANARY"]"#, "invalid type: string, expected u32 (column 9)"),
            (r#""CANARY""#, "invalid type: string, expected an object (column 8)"),
            (r#"{"id": CANARY}"#, "expected value (column 8)"),
            (r#"{"id": "CANARY"#, "EOF while parsing a string (column 14)"),
        ] {
            assert_eq!(problem(line), expected, "{line}");
        }
        let custom: serde_json::Error = serde::de::Error::custom("no such thing as CANARY, expected CANARY");
        assert_eq!(json_problem(&custom), "a value is not as expected");
    }
}
