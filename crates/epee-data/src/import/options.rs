//! Which importer takes which option.

use serde::Serialize;
use serde_json::{Map, Value};

use super::Format;
use super::published::{self, PRESETS};
use crate::error::{Error, Result};

/// Names of the options that are set: fields that are neither `None` nor false, in kebab case.
///
/// ```
/// use epee_data::import::{Columns, given};
/// assert_eq!(given(&Columns::new("note", "status")), ["text", "label"]);
/// ```
pub fn given(options: &impl Serialize) -> Vec<String> {
    let set = |value: &Value| !matches!(value, Value::Null | Value::Bool(false));
    object(options).into_iter().filter(|(_, value)| set(value)).map(|(name, _)| name).collect()
}

/// Names of all options in a struct.
pub(super) fn fields(options: &impl Serialize) -> Vec<String> {
    object(options).into_iter().map(|(name, _)| name).collect()
}

fn object(options: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(options) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// Refuses options that this importer (a name of [`PRESETS`] or of [`Format::ALL`]) does not take.
///
/// # Errors
/// [`Error::Option`] with the importers that take it; [`Error::Importer`] for an unknown name.
pub fn check_options<S: AsRef<str>>(importer: &str, given: &[S]) -> Result<()> {
    if !importers().any(|name| name == importer) {
        return Err(Error::Importer { name: importer.to_owned(), have: importers().collect() });
    }
    for option in given.iter().map(S::as_ref) {
        let takers: Vec<&str> = importers().filter(|name| takes(name, option)).collect();
        if !takers.contains(&importer) {
            let all_published = PRESETS.iter().all(|preset| takers.contains(&preset.name));
            let takers = if all_published { "published datasets".to_owned() } else { takers.join(", ") };
            return Err(Error::Option { option: option.to_owned(), importer: importer.to_owned(), takers });
        }
    }
    Ok(())
}

fn importers() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|preset| preset.name).chain(Format::ALL.map(Format::name))
}

fn takes(importer: &str, option: &str) -> bool {
    let of_all = ["repeats", "drop-leaks"];
    match published::preset(importer) {
        Some(preset) => of_all.contains(&option) || preset.takes.contains(&option),
        None => importer.parse::<Format>().is_ok_and(|format| format.takes().iter().any(|name| name == option)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::OwnOptions;
    use crate::import::published::Options;

    #[test]
    fn every_option_has_an_importer_and_every_importer_known_options() {
        let mut all = [fields(&Options::default()), fields(&OwnOptions::default())].concat();
        all.extend(["train", "dev", "test"].map(str::to_owned));
        for option in &all {
            assert!(importers().any(|name| takes(name, option)), "no importer takes {option}");
        }
        let mut taken: Vec<String> = Format::ALL.into_iter().flat_map(Format::takes).collect();
        taken.extend(PRESETS.iter().flat_map(|preset| preset.takes).map(|&name| name.to_owned()));
        for option in taken {
            assert!(all.contains(&option), "no option {option}");
        }
    }

    #[test]
    fn an_option_of_another_importer_is_refused_with_its_takers() {
        let refusal = |importer, option| check_options(importer, &[option]).unwrap_err().to_string();
        assert_eq!(refusal("phee", "text"), "`phee` has no option `text`; it is for csv, tsv, jsonl");
        assert_eq!(refusal("phee", "separator"), "`phee` has no option `separator`; it is for git");
        assert_eq!(refusal("jsonl", "no-header"), "`jsonl` has no option `no-header`; it is for csv, tsv");
        assert_eq!(refusal("images", "labels"), "`images` has no option `labels`; it is for npz");
        assert_eq!(refusal("csv", "drop-leaks"), "`csv` has no option `drop-leaks`; it is for published datasets");
        assert!(refusal("foo", "text").starts_with("no importer `foo`, expected one of mimic, supplement, "));
        check_options("git", &["separator", "repeats"]).unwrap();
        check_options::<&str>("npz", &[]).unwrap();
    }
}
