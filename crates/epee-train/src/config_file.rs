//! Configuration files in TOML: what is wrong with one is said with its line, and of an unknown name the nearest one.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::{Error, TrainOptions};

/// What is wrong with a configuration file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {problem}", path.display(), line.map_or_else(String::new, |line| format!(", line {line}")))]
pub struct ConfigError {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1, where one is known.
    pub line: Option<usize>,
    /// What was expected and what was found, and a line with a hint where there is one.
    pub problem: String,
}

/// Two keys of which one stands in place of the other.
pub(crate) const BATCHES: &str = "expected batch_size or batch_tokens, got both";

/// Reads the options of a run, those that a file leaves out at their defaults. Whether they can be trained with is for
/// [`check_options`] to say, once flags have gone before them.
///
/// # Errors
/// A file that cannot be read, that is not TOML, an unknown key, a value of another kind, two keys that exclude each other.
pub fn read_options(path: &Path) -> Result<TrainOptions, ConfigError> {
    let text = read(path)?;
    let options: TrainOptions = parse(path, &text)?;
    let given: toml::Table = parse(path, &text)?;
    if given.contains_key("batch_size") && given.contains_key("batch_tokens") {
        return Err(ConfigError { path: path.to_owned(), line: None, problem: BATCHES.to_owned() });
    }
    Ok(options)
}

/// The file that [`read_options`] reads options from.
///
/// # Errors
/// A number that TOML has no word for.
pub fn options_file(options: &TrainOptions) -> Result<String, toml::ser::Error> {
    let mut table = toml::Table::try_from(options)?;
    // One of the two: a number of tokens stands in place of a number of sequences.
    if options.batch_tokens.is_some() {
        table.remove("batch_size");
    }
    toml::to_string(&table)
}

/// Refuses options that cannot be trained with; where the value that cannot is from the file, the error names the file.
///
/// # Errors
/// See [`TrainOptions::check`].
pub fn check_options(options: &TrainOptions, file: Option<(&Path, &TrainOptions)>) -> Result<(), ConfigOrOption> {
    let Err(error) = options.check() else { return Ok(()) };
    match file {
        Some((path, base)) if base.check().is_err_and(|own| own.to_string() == error.to_string()) => {
            Err(ConfigError { path: path.to_owned(), line: None, problem: in_file(&error) }.into())
        }
        Some((path, base)) if from_file(&error, options, base) => {
            let problem = format!("{}\nhint: this value is from the file", in_file(&error));
            Err(ConfigError { path: path.to_owned(), line: None, problem }.into())
        }
        _ => Err(error.into()),
    }
}

/// Whether the option that an error is about has its value from a file.
fn from_file(error: &Error, options: &TrainOptions, base: &TrainOptions) -> bool {
    let Error::Option { name, .. } = error else { return false };
    let of = |options: &TrainOptions| {
        serde_json::to_value(options).ok().and_then(|all| all.get(name.replace('-', "_")).cloned())
    };
    of(base) == of(options) && of(base) != of(&TrainOptions::default())
}

/// An option that is wrong, in a file or elsewhere.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum ConfigOrOption {
    /// In a file.
    Config(#[from] ConfigError),
    /// Elsewhere.
    Option(#[from] Error),
}

pub(crate) fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|error| ConfigError {
        path: path.to_owned(),
        line: None,
        problem: format!("cannot be read: {error}"),
    })
}

pub(crate) fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| ConfigError {
        path: path.to_owned(),
        line: error.span().map(|span| line(text, span.start)),
        problem: suggest(error.message()),
    })
}

/// The line, from 1, of a byte.
pub(crate) fn line(text: &str, byte: usize) -> usize {
    1 + text.bytes().take(byte).filter(|&byte| byte == b'\n').count()
}

/// An option out of range, named as files name it.
pub(crate) fn in_file(error: &Error) -> String {
    match error {
        Error::Option { name, expected, got } => format!("{}: expected {expected}, got {got}", name.replace('-', "_")),
        other => other.to_string(),
    }
}

/// Serde's message without the names of Rust's types, and of an unknown field or variant the nearest name.
pub(crate) fn suggest(message: &str) -> String {
    let message = message.trim_end().replacen("unknown field", "unknown key", 1);
    if let Some(message) = of_another_kind(&message) {
        return message;
    }
    if !message.starts_with("unknown") {
        return message;
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(got) = quoted.next() else { return message };
    match nearest(got, quoted) {
        Some(name) => format!("{message}\nhint: did you mean `{name}`?"),
        None => message,
    }
}

/// What serde says of a value of the wrong kind, in the words of a file's author.
fn of_another_kind(message: &str) -> Option<String> {
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

/// The known name that resembles another most, where one does.
fn nearest<'a>(got: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain = got.to_lowercase().replace('-', "_");
    let likeness = |name: &str| strsim::jaro_winkler(&plain, &name.to_lowercase().replace('-', "_"));
    let best = known.map(|name| (likeness(name), name)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.75).then_some(best.1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn problem(text: &str) -> (Option<usize>, String) {
        let error = parse::<TrainOptions>(Path::new("a.toml"), text).unwrap_err();
        (error.line, error.problem)
    }

    #[test]
    fn the_nearest_name_is_suggested_with_the_line() {
        let (line, text) = problem("epochs = 3\nlearning-rate = 1e-3\n");
        assert_eq!(line, Some(2));
        assert!(text.starts_with("unknown key `learning-rate`, expected one of `epochs`"), "{text}");
        assert!(text.ends_with("hint: did you mean `learning_rate`?"), "{text}");
        for (typed, meant) in [("epoch", "epochs"), ("batchsize", "batch_size"), ("weigth_decay", "weight_decay")] {
            let (_, text) = problem(&format!("{typed} = 1"));
            assert!(text.ends_with(&format!("did you mean `{meant}`?")), "{text}");
        }
        assert!(!problem("zzz = 1").1.contains("hint"), "nothing is like zzz");
        let (_, text) = problem("select = \"best\"");
        assert!(text.ends_with("did you mean `best-exit`?"), "{text}");
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("options.toml");
        let sequences = TrainOptions { batch_size: 7, learning_rate: 1e-5, ..TrainOptions::default() };
        for options in [sequences, TrainOptions { batch_tokens: Some(512), ..TrainOptions::default() }] {
            std::fs::write(&path, options_file(&options).unwrap()).unwrap();
            assert_eq!(read_options(&path).unwrap(), options);
        }
    }

    #[test]
    fn a_value_of_another_kind_is_told_without_rust() {
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
        std::fs::write(&path, "learning_rate = -1.0\n").unwrap();
        let options = read_options(&path).unwrap();
        let error = check_options(&options, Some((&path, &options))).unwrap_err().to_string();
        assert_eq!(error, format!("{}: learning_rate: expected a number above 0, got -1", path.display()));
        std::fs::write(&path, "first_stage = 0.25\nrecipe = \"mixed\"\n").unwrap();
        let base = read_options(&path).unwrap();
        let told = |options: TrainOptions| check_options(&options, Some((&path, &base))).unwrap_err().to_string();
        let error = told(TrainOptions { recipe: crate::RecipeName::Paper, ..base.clone() });
        assert!(error.starts_with(&format!("{}: first_stage: expected recipe two-stage", path.display())), "{error}");
        let error = told(TrainOptions { first_stage: Some(2.0), ..base.clone() });
        assert!(error.starts_with("first-stage: expected a share between 0 and 1, got 2"), "{error}");
        let error = read_options(&dir.path().join("none.toml")).unwrap_err().to_string();
        assert!(error.contains("none.toml: cannot be read"), "{error}");
    }
}
