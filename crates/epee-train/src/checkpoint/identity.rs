//! The identity of a run: a run may only be resumed from a checkpoint of the same run.

use std::collections::BTreeSet;

use serde_json::Value;

/// Named parts that must be equal for a run to resume from a checkpoint: digests of data, and labels, options and
/// configurations as JSON. Causes stand before their consequences, because the first part that differs is reported.
pub type RunIdentity = Vec<(String, String)>;

/// Longest value that is printed in full; of longer ones the digest is printed.
const SHORT: usize = 80;

/// The first part that differs, in a JSON object the first field: its name, its old and its new value.
pub(super) fn difference(was: &RunIdentity, is: &RunIdentity) -> Option<(String, String, String)> {
    let value =
        |run: &'_ RunIdentity, name: &String| run.iter().find(|part| part.0 == *name).map(|part| part.1.clone());
    was.iter().chain(is).find_map(|(name, _)| {
        let (was, is) = (value(was, name), value(is, name));
        if was == is {
            return None;
        }
        let json = |text: &Option<String>| serde_json::from_str::<Value>(text.as_deref()?).ok();
        if let (Some(was), Some(is)) = (json(&was), json(&is))
            && let Some(field) = field(name, &was, &is)
        {
            return Some(field);
        }
        let text = |text: Option<String>| short(text.as_deref().unwrap_or("nothing"));
        Some((name.clone(), text(was), text(is)))
    })
}

fn field(name: &str, was: &Value, is: &Value) -> Option<(String, String, String)> {
    if was == is {
        return None;
    }
    if let (Value::Object(was), Value::Object(is)) = (was, is) {
        let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        let null = &Value::Null;
        return names.into_iter().find_map(|key| {
            let name = format!("{name}.{key}");
            field(&name, was.get(key).unwrap_or(null), is.get(key).unwrap_or(null))
        });
    }
    Some((name.to_owned(), short(&was.to_string()), short(&is.to_string())))
}

fn short(text: &str) -> String {
    if text.len() <= SHORT { text.to_owned() } else { epee_files::sha256(text.as_bytes()) }
}
