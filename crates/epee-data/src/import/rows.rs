//! Rows on their way to examples, each knowing where it stood.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::dataset::Draft;
use crate::error::{Error, Result};
use epee_input::Example;

use crate::dataset::label_index;
use crate::partition::{Fractions, partition};

/// One row of a file: what an importer found, the label by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Where it stood: a line, or an entry of an array, from 1.
    pub(crate) at: u64,
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) pair: Option<String>,
    pub(crate) label: String,
}

/// What [`Row::at`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Line,
    Entry,
}

/// The rows of one split and the file they came from.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) split: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) unit: Unit,
    pub(crate) rows: Vec<Row>,
}

impl Part {
    fn error(&self, at: u64, problem: impl Into<String>) -> Error {
        at_place(&self.path, self.unit, at, problem)
    }
}

/// An error at a line or an entry of a file.
pub(crate) fn at_place(path: &Path, unit: Unit, at: u64, problem: impl Into<String>) -> Error {
    match unit {
        Unit::Line => Error::line(path, at, problem),
        Unit::Entry => Error::content(path, format!("entry {at}: {}", problem.into())),
    }
}

/// Turns rows into a draft with these splits; its name and source are the caller's to set.
///
/// `labels` are the classes in the importer's order, or `None`: then the labels of `train`,
/// sorted, numbers by value.
pub(crate) fn assemble(parts: &[Part], labels: Option<&[&str]>) -> Result<Draft> {
    let labels = match labels {
        Some(declared) => declared.iter().map(|&label| label.to_owned()).collect(),
        None => sorted_labels(parts),
    };
    check_classes(parts)?;
    let mut draft = Draft { notes: overlaps(parts), ..Draft::default() };
    for part in parts {
        draft.splits.push((part.split.to_owned(), examples(part, &labels)?));
    }
    draft.labels = labels;
    Ok(draft)
}

fn sorted_labels(parts: &[Part]) -> Vec<String> {
    let train = parts.iter().filter(|part| part.split == "train").flat_map(|part| &part.rows);
    sort_labels(train.map(|row| row.label.as_str()).collect())
}

/// Names as labels in order: numbers by value where all are, else by letter.
pub(crate) fn sort_labels(names: BTreeSet<&str>) -> Vec<String> {
    let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    let values: Option<Vec<i64>> = names.iter().map(|name| name.parse().ok()).collect();
    if values.is_some() {
        names.sort_by_key(|name| name.parse::<i64>().unwrap_or_default());
    }
    names
}

/// Train needs two classes, and each class that the other splits hold.
fn check_classes(parts: &[Part]) -> Result<()> {
    let Some(train) = parts.iter().find(|part| part.split == "train") else {
        return Ok(());
    };
    let known: BTreeSet<&str> = train.rows.iter().map(|row| row.label.as_str()).collect();
    if let (1, Some(only)) = (known.len(), known.first()) {
        let problem = format!("expected at least two classes, got one: every label is `{only}`");
        return Err(Error::content(&train.path, problem));
    }
    for part in parts {
        if let Some(row) = part.rows.iter().find(|row| !known.contains(row.label.as_str())) {
            let label = &row.label;
            let seen = list(known.iter().copied());
            let problem = format!("label `{label}` does not occur in train, which has {seen}");
            return Err(part.error(row.at, problem));
        }
    }
    Ok(())
}

fn examples(part: &Part, labels: &[String]) -> Result<Vec<Example>> {
    if part.rows.is_empty() {
        let problem = format!("expected rows for the split `{}`, got none", part.split);
        return Err(Error::content(&part.path, problem));
    }
    let mut seen: HashMap<&str, u64> = HashMap::new();
    let mut examples = Vec::with_capacity(part.rows.len());
    for row in &part.rows {
        if row.text.trim().is_empty() {
            return Err(part.error(row.at, "the text is empty"));
        }
        if row.id.trim().is_empty() {
            return Err(part.error(row.at, "the id is empty"));
        }
        if let Some(first) = seen.insert(&row.id, row.at) {
            let unit = if part.unit == Unit::Line { "line" } else { "entry" };
            let problem = format!("id `{}` is there already, on {unit} {first}", row.id);
            return Err(part.error(row.at, problem));
        }
        let Some(label) = label_index(labels, &row.label) else {
            let names = list(labels.iter().map(String::as_str));
            let problem = format!("expected a label out of {names}, got `{}`", row.label);
            return Err(part.error(row.at, problem));
        };
        examples.push(Example {
            id: row.id.clone(),
            text: row.text.clone(),
            pair: row.pair.clone(),
            label: Some(label),
            ..Example::default()
        });
    }
    Ok(examples)
}

/// One sentence for each pair of splits that share texts.
fn overlaps(parts: &[Part]) -> Vec<String> {
    let keys: Vec<HashSet<String>> = parts.iter().map(|part| part.rows.iter().map(key).collect()).collect();
    let mut notes = Vec::new();
    for (i, second) in keys.iter().enumerate() {
        for (j, first) in keys.iter().enumerate().take(i) {
            let shared = first.intersection(second).count();
            if shared > 0 {
                let (a, b) = (parts[j].split, parts[i].split);
                notes.push(format!("texts that occur in both {a} and {b}: {shared}"));
            }
        }
    }
    notes
}

/// What two rows share if they are the same input.
fn key(row: &Row) -> String {
    format!("{}\0{}", row.text.trim(), row.pair.as_deref().unwrap_or_default().trim())
}

/// Cuts the rows of one file into train, dev and test, by text and stratified.
pub(crate) fn cut(whole: Part, fractions: Fractions, seed: u64) -> Vec<Part> {
    let labels: BTreeSet<&str> = whole.rows.iter().map(|row| row.label.as_str()).collect();
    let labels: Vec<&str> = labels.into_iter().collect();
    let classes: Vec<usize> =
        whole.rows.iter().map(|row| labels.binary_search(&row.label.as_str()).unwrap_or_default()).collect();
    let keys: Vec<String> = whole.rows.iter().map(key).collect();
    let cut = partition(&keys, &classes, fractions, seed);
    let part = |split, rows: &[usize]| Part {
        split,
        path: whole.path.clone(),
        unit: whole.unit,
        rows: rows.iter().map(|&row| whole.rows[row].clone()).collect(),
    };
    let parts = [part("train", &cut.train), part("dev", &cut.dev), part("test", &cut.test)];
    parts.into_iter().filter(|part| part.split == "train" || !part.rows.is_empty()).collect()
}

/// `a`, `b`, `c`: at most eight names, and how many more there are.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    let more = quoted.len().saturating_sub(8);
    quoted.truncate(8);
    if more > 0 {
        quoted.push(format!("{more} more"));
    }
    quoted.join(", ")
}
