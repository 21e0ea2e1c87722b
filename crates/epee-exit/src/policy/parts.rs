//! The parts of a setting, `name(part=value, …)`, read one by one.

use super::Threshold;
use crate::named::Named;

/// The `key=value` pairs of a setting that have not been read yet.
pub(super) struct Parts<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Parts<'a> {
    /// Splits the text between the parentheses.
    pub(super) fn read(inside: &'a str) -> Result<Self, String> {
        let mut parts = Vec::new();
        for pair in pieces(inside) {
            let (key, value) =
                pair.split_once('=').ok_or_else(|| format!("expected `name=value`, got `{}`", pair.trim()))?;
            let key = key.trim();
            if parts.iter().any(|(seen, _)| *seen == key) {
                return Err(format!("`{key}` is given twice"));
            }
            parts.push((key, value.trim()));
        }
        Ok(Parts(parts))
    }

    /// A part that the policy does not have.
    pub(super) fn left(&self) -> Option<&'a str> {
        self.0.first().map(|(key, _)| *key)
    }

    fn take(&mut self, key: &str) -> Option<&'a str> {
        let at = self.0.iter().position(|(found, _)| *found == key)?;
        Some(self.0.remove(at).1)
    }

    fn needed(&mut self, key: &str) -> Result<&'a str, String> {
        self.take(key).ok_or_else(|| format!("expected a part `{key}`"))
    }

    pub(super) fn number_if_given(&mut self, key: &str) -> Result<Option<f64>, String> {
        self.take(key).map(|text| number(key, text)).transpose()
    }

    pub(super) fn count(&mut self, key: &str) -> Result<usize, String> {
        count(key, self.needed(key)?)
    }

    pub(super) fn count_or_never(&mut self, key: &str) -> Result<Option<usize>, String> {
        or_never(self.needed(key)?, |text| count(key, text))
    }

    pub(super) fn threshold(&mut self) -> Result<Threshold, String> {
        Threshold::read("threshold", self.needed("threshold")?)
    }

    /// One of some names.
    pub(super) fn named<T: Named>(&mut self, key: &str) -> Result<Option<T>, String> {
        let Some(text) = self.take(key) else { return Ok(None) };
        T::read(text).map(Some).map_err(|problem| format!("`{key}`: {problem}, got `{text}`"))
    }
}

/// The text between commas outside brackets; empty for empty text.
fn pieces(inside: &str) -> Vec<&str> {
    if inside.trim().is_empty() {
        return Vec::new();
    }
    let mut depth = 0i32;
    let comma = |c: char| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        c == ',' && depth <= 0
    };
    inside.split(comma).collect()
}

pub(super) fn number(key: &str, text: &str) -> Result<f64, String> {
    let value = text.parse().ok().filter(|value: &f64| value.is_finite());
    value.ok_or_else(|| format!("`{key}`: expected a number, got `{text}`"))
}

fn count(key: &str, text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("`{key}`: expected a whole number, got `{text}`"))
}

pub(super) fn or_never<T>(text: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if text == "never" { Ok(None) } else { read(text).map(Some) }
}

/// A count or `never`, as it is printed.
pub(super) fn count_or_never(value: Option<usize>) -> String {
    value.map_or_else(|| "never".to_owned(), |value| value.to_string())
}
