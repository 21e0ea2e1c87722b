//! Configuration files in TOML. Errors name the line; for an unknown name they suggest the nearest one.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::{Error, TrainOptions};

/// Two keys that exclude each other.
pub(crate) const BOTH_BATCHES: &str = "expected batch_size or batch_tokens, got both";

impl TrainOptions {
    /// Reads options from a TOML file; keys that it leaves out have their defaults. Ranges are not checked: call
    /// [`TrainOptions::check`] once all options are set.
    ///
    /// # Errors
    /// A file that cannot be read or is not TOML, an unknown key, a value of the wrong type, two keys that exclude each other.
    pub fn read(path: &Path) -> Result<TrainOptions, Error> {
        let text = read(path)?;
        let options: TrainOptions = parse(path, &text)?;
        let given: toml::Table = parse(path, &text)?;
        if given.contains_key("batch_size") && given.contains_key("batch_tokens") {
            return Err(Error::config(path, None, BOTH_BATCHES));
        }
        Ok(options)
    }

    /// The file that [`TrainOptions::read`] reads.
    ///
    /// # Errors
    /// [`Error::Data`] for a number that TOML cannot hold: a seed above 2⁶³ − 1.
    pub fn to_toml(&self) -> Result<String, Error> {
        let data = |error: toml::ser::Error| Error::Data(error.to_string());
        let mut table = toml::Table::try_from(self).map_err(data)?;
        // The two exclude each other.
        if self.batch_tokens.is_some() {
            table.remove("batch_size");
        }
        toml::to_string(&table).map_err(data)
    }

    /// Checks options of which some come from a file. If the wrong value is from the file, the error names the file.
    ///
    /// # Errors
    /// See [`TrainOptions::check`].
    pub fn check_with_file(&self, path: &Path, file: &TrainOptions) -> Result<(), Error> {
        let Err(error) = self.check() else { return Ok(()) };
        if file.check().is_err_and(|own| own.to_string() == error.to_string()) {
            return Err(Error::config(path, None, error.to_string()));
        }
        let Error::Option { name, .. } = error else { return Err(error) };
        let value = |options: &TrainOptions| serde_json::to_value(options).ok().and_then(|all| all.get(name).cloned());
        if value(file) == value(self) && value(file) != value(&TrainOptions::default()) {
            return Err(Error::config(path, None, format!("{error}\nhint: this value is from the file")));
        }
        Err(error)
    }
}

pub(crate) fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| Error::config(path, None, format!("cannot be read: {error}")))
}

pub(crate) fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, Error> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| line(text, span.start));
        Error::config(path, line, explain(error.message()))
    })
}

/// The line, from 1, of a byte.
pub(crate) fn line(text: &str, byte: usize) -> usize {
    1 + text.bytes().take(byte).filter(|&byte| byte == b'\n').count()
}

/// Serde's message in the words of a file's author: without the names of Rust's types, and with the nearest name for an
/// unknown key or value.
pub(crate) fn explain(message: &str) -> String {
    let message = message.trim_end().replacen("unknown field", "unknown key", 1);
    if let Some(text) = wrong_type(&message) {
        return text;
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    match quoted.next().filter(|_| message.starts_with("unknown")).and_then(|got| nearest(got, quoted)) {
        Some(name) => format!("{message}\nhint: did you mean `{name}`?"),
        None => message,
    }
}

fn wrong_type(message: &str) -> Option<String> {
    let rest = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "))?;
    let (got, expected) = rest.rsplit_once(", expected ")?;
    let expected = match expected {
        "usize" | "u64" | "u32" => "a whole number, at least 0",
        "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "a table",
        other => other,
    };
    let got = match got.split_once(' ') {
        Some(("string", text)) => text,
        Some(_) if got.ends_with('`') => got.split('`').nth(1)?,
        None if got == "sequence" => "a list",
        None if got == "map" => "a table",
        _ => got,
    };
    Some(format!("expected {expected}, got {got}"))
}

/// The known name that is most similar, if one is similar at all.
fn nearest<'a>(got: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |name: &str| name.to_lowercase().replace('-', "_");
    let similarity = |name: &str| strsim::jaro_winkler(&plain(got), &plain(name));
    let best = known.map(|name| (similarity(name), name)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.75).then_some(best.1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn problem(text: &str) -> (Option<usize>, String) {
        match parse::<TrainOptions>(Path::new("a.toml"), text).unwrap_err() {
            Error::Config { line, problem, .. } => (line, problem),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn the_nearest_name_is_suggested_with_the_line() {
        let (line, text) = problem("epochs = 3\nlearning-rate = 1e-3\n");
        assert_eq!(line, Some(2));
        assert!(text.starts_with("unknown key `learning-rate`, expected one of `epochs`"), "{text}");
        for (typed, meant) in [
            ("learning-rate = 1e-3", "learning_rate"),
            ("epoch = 1", "epochs"),
            ("batchsize = 1", "batch_size"),
            ("weigth_decay = 1", "weight_decay"),
            ("select = \"best\"", "best-exit"),
        ] {
            let (_, text) = problem(typed);
            assert!(text.ends_with(&format!("\nhint: did you mean `{meant}`?")), "{text}");
        }
        assert!(!problem("zzz = 1").1.contains("hint"), "nothing is like zzz");
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("options.toml");
        let sequences = TrainOptions { batch_size: 7, learning_rate: 1e-5, ..TrainOptions::default() };
        for options in [sequences, TrainOptions { batch_tokens: Some(512), ..TrainOptions::default() }] {
            std::fs::write(&path, options.to_toml().unwrap()).unwrap();
            assert_eq!(TrainOptions::read(&path).unwrap(), options);
        }
    }

    #[test]
    fn a_value_of_another_type_is_told_without_rust() {
        let cases = [
            ("epochs = \"x\"", "expected a whole number, at least 0, got \"x\""),
            ("epochs = 1.5", "expected a whole number, at least 0, got 1.5"),
            ("batch_tokens = -1", "expected a whole number, at least 0, got -1"),
            ("learning_rate = true", "expected a number, got true"),
            ("learning_rate = [1]", "expected a number, got a list"),
            ("balance = 1", "expected true or false, got 1"),
            ("flip = {}", "expected true or false, got a table"),
        ];
        for (text, expected) in cases {
            assert_eq!(problem(&format!("seed = 2\n{text}")), (Some(2), expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_value_out_of_range_names_file_and_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("options.toml");
        let write = |text: &str| {
            std::fs::write(&path, text).unwrap();
            TrainOptions::read(&path).unwrap()
        };
        let file = write("learning_rate = -1.0\n");
        let error = file.check_with_file(&path, &file).unwrap_err().to_string();
        assert_eq!(error, format!("{}: learning_rate: expected a number above 0, got -1", path.display()));
        let file = write("first_stage = 0.25\nrecipe = \"mixed\"\n");
        let told = |options: TrainOptions| options.check_with_file(&path, &file).unwrap_err().to_string();
        let error = told(TrainOptions { recipe: crate::RecipeName::Paper, ..file.clone() });
        assert!(error.starts_with(&format!("{}: first_stage: expected recipe two-stage", path.display())), "{error}");
        let error = told(TrainOptions { first_stage: Some(2.0), ..file.clone() });
        assert!(error.starts_with("first_stage: expected a share between 0 and 1, got 2"), "{error}");
        let error = TrainOptions::read(&dir.path().join("none.toml")).unwrap_err().to_string();
        assert!(error.contains("none.toml: cannot be read"), "{error}");
    }
}
