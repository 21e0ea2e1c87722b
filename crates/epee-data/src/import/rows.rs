//! From rows to a draft: label names to indices, unique ids, empty texts, missing classes, cutting.
//!
//! Every importer makes [`Row`]s and hands them to [`assemble`]. Each error names the row's line or entry.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use epee_files::{json_problem, read_file, sha256, utf8};
use epee_input::{Example, Image, SampleText};
use serde::de::DeserializeOwned;

use crate::dataset::{Draft, label_index};
use crate::error::{Error, Result};
use crate::partition::{Cut, partition};

/// One row of a file: the label by name, everything else as in the example it becomes. It has no `Debug`: if the columns
/// were mixed up, the label is a text.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its line, or its place in an array, from 1.
    pub(crate) at: u64,
    pub(crate) label: String,
    /// Id, text, pair, image and grade; the label is set by [`assemble`].
    pub(crate) example: Example,
    /// The PNG or JPEG file of an image that is stored byte for byte.
    pub(crate) file: Option<Vec<u8>>,
    /// Height, width, channels and digest of the pixels, for rows with an image.
    pub(crate) pixels: Option<([usize; 3], String)>,
}

impl Row {
    pub(crate) fn text(at: u64, id: String, text: impl Into<SampleText>, label: impl Into<String>) -> Row {
        let example = Example { id, text: text.into(), ..Example::default() };
        Row { at, label: label.into(), example, ..Row::default() }
    }

    /// An image, and its file if that is to be stored as it is.
    pub(crate) fn image(at: u64, id: String, image: Image, file: Option<Vec<u8>>, label: String) -> Row {
        let shape = [image.height, image.width, image.channels];
        let pixels = Some((shape, sha256(&image.data)));
        let image = file.is_none().then_some(image);
        Row { at, label, example: Example { id, image, ..Example::default() }, file, pixels }
    }

    pub(crate) fn shape(&self) -> [usize; 3] {
        self.pixels.as_ref().map_or([0; 3], |(shape, _)| *shape)
    }

    fn key(&self) -> String {
        match &self.pixels {
            Some((shape, digest)) => format!("{shape:?}{digest}"),
            None => {
                let pair = self.example.pair.as_ref().map_or("", |pair| pair.expose().trim());
                format!("{}\0{pair}", self.example.text.expose().trim())
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Line,
    Entry,
}

#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) split: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) unit: Unit,
    pub(crate) rows: Vec<Row>,
}

impl Part {
    pub(crate) fn new(split: &'static str, path: &Path, unit: Unit, rows: Vec<Row>) -> Part {
        Part { split, path: path.to_path_buf(), unit, rows }
    }

    pub(crate) fn error(&self, at: u64, problem: impl Into<String>) -> Error {
        match self.unit {
            Unit::Line => Error::line(&self.path, at, problem),
            Unit::Entry => Error::content(&self.path, format!("entry {at}: {}", problem.into())),
        }
    }

    fn is_images(&self) -> bool {
        self.rows.iter().any(|row| row.pixels.is_some())
    }
}

/// Reads a file of one JSON object per line, each with its line number; blank lines are skipped.
pub(crate) fn json_lines<T: DeserializeOwned>(path: &Path, text: &str) -> Result<Vec<(u64, T)>> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| match serde_json::from_str(line) {
            Ok(value) => Ok((at, value)),
            Err(error) => Err(Error::line(path, at, json_problem(&error))),
        })
        .collect()
}

/// [`json_lines`] of a file, each object turned into a row.
pub(crate) fn json_part<T: DeserializeOwned>(
    split: &'static str,
    path: &Path,
    mut row: impl FnMut(u64, T) -> std::result::Result<Option<Row>, String>,
) -> Result<Part> {
    let bytes = read_file(path)?;
    let mut part = Part::new(split, path, Unit::Line, Vec::new());
    for (at, value) in json_lines(path, utf8(path, &bytes)?)? {
        let row = row(at, value).map_err(|problem| part.error(at, problem))?;
        part.rows.extend(row);
    }
    Ok(part)
}

/// Turns rows into a draft with these splits. The caller sets its name and source.
///
/// `labels` are the classes in the importer's order; `None` means the labels of `train`, sorted, numbers by value.
pub(crate) fn assemble(parts: Vec<Part>, labels: Option<&[&str]>) -> Result<Draft> {
    let labels = match labels {
        Some(declared) => declared.iter().map(|&label| label.to_owned()).collect(),
        None => {
            let train = parts.iter().filter(|part| part.split == "train").flat_map(|part| &part.rows);
            sort_labels(train.map(|row| row.label.as_str()).collect())
        }
    };
    check_classes(&parts)?;
    let mut draft = Draft { notes: overlaps(&parts), labels, ..Draft::default() };
    for mut part in parts {
        let files: Vec<Vec<u8>> = part.rows.iter_mut().filter_map(|row| row.file.take()).collect();
        if !files.is_empty() {
            draft.images.insert(part.split.to_owned(), files);
        }
        draft.splits.push((part.split.to_owned(), examples(part, &draft.labels)?));
    }
    Ok(draft)
}

/// [`assemble`] for files that may bring no dev, train first: dev is then cut from train, and test too unless `has_test`.
pub(crate) fn complete(mut parts: Vec<Part>, labels: Option<&[&str]>, settings: &Cut, has_test: bool) -> Result<Draft> {
    let is_dev = |part: &Part| part.split == "dev";
    let mut note = None;
    if !parts.iter().any(is_dev) {
        let (cut, how) = cut(parts.remove(0), settings, has_test, labels);
        let few = || "no dev split: there are too few training rows to cut one from".to_owned();
        note = Some(if cut.iter().any(is_dev) { how } else { few() });
        parts.splice(0..0, cut);
    }
    let mut draft = assemble(parts, labels)?;
    draft.notes.extend(note);
    Ok(draft)
}

/// Names as labels in order: numbers by value if all of them are numbers, else by letter.
pub(crate) fn sort_labels(names: BTreeSet<&str>) -> Vec<String> {
    let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    let values: Option<Vec<i64>> = names.iter().map(|name| name.parse().ok()).collect();
    if values.is_some() {
        names.sort_by_key(|name| name.parse::<i64>().unwrap_or_default());
    }
    names
}

/// Train needs two classes, and each class that the other splits have.
fn check_classes(parts: &[Part]) -> Result<()> {
    let Some(train) = parts.iter().find(|part| part.split == "train") else {
        return Ok(());
    };
    let known: BTreeSet<&str> = train.rows.iter().map(|row| row.label.as_str()).collect();
    if known.len() == 1 {
        return Err(Error::content(&train.path, "expected at least two classes, got one: every label is the same"));
    }
    for part in parts {
        if let Some(row) = part.rows.iter().find(|row| !known.contains(row.label.as_str())) {
            let problem = format!("the label does not occur in train, which has {} others", known.len());
            return Err(part.error(row.at, problem));
        }
    }
    Ok(())
}

fn examples(part: Part, labels: &[String]) -> Result<Vec<Example>> {
    if part.rows.is_empty() {
        let problem = format!("expected rows for the split `{}`, got none", part.split);
        return Err(Error::content(&part.path, problem));
    }
    let mut seen: HashMap<&str, u64> = HashMap::new();
    for row in &part.rows {
        let Example { id, text, .. } = &row.example;
        if row.pixels.is_none() && text.is_blank() {
            return Err(part.error(row.at, "the text is empty"));
        }
        if id.trim().is_empty() {
            return Err(part.error(row.at, "the id is empty"));
        }
        if let Some(first) = seen.insert(id, row.at) {
            let unit = if part.unit == Unit::Line { "line" } else { "entry" };
            return Err(part.error(row.at, format!("the id is there already, on {unit} {first}")));
        }
        if label_index(labels, &row.label).is_none() {
            let names = list(labels.iter().map(String::as_str));
            return Err(part.error(row.at, format!("expected a label out of {names}, got another")));
        }
    }
    let labelled = |row: Row| Example { label: label_index(labels, &row.label), ..row.example };
    Ok(part.rows.into_iter().map(labelled).collect())
}

/// One sentence for each pair of splits that share inputs.
fn overlaps(parts: &[Part]) -> Vec<String> {
    let keys: Vec<HashSet<String>> = parts.iter().map(|part| part.rows.iter().map(Row::key).collect()).collect();
    let inputs = if parts.iter().any(Part::is_images) { "images" } else { "texts" };
    let mut notes = Vec::new();
    for second in 0..parts.len() {
        for first in 0..second {
            let shared = keys[first].intersection(&keys[second]).count();
            if shared > 0 {
                let (a, b) = (parts[first].split, parts[second].split);
                notes.push(format!("{inputs} that occur in both {a} and {b}: {shared}"));
            }
        }
    }
    notes
}

/// Cuts rows into train, dev and test, and says so in a sentence; if `has_test`, into train and dev alone.
///
/// Rows with the same input stay together. Classes are taken in the order of `labels`, by default alphabetical.
pub(crate) fn cut(whole: Part, cut: &Cut, has_test: bool, labels: Option<&[&str]>) -> (Vec<Part>, String) {
    let names: BTreeSet<&str> = whole.rows.iter().map(|row| row.label.as_str()).collect();
    let alphabetical: Vec<&str> = names.into_iter().collect();
    let labels = labels.unwrap_or(&alphabetical);
    let class = |row: &Row| labels.iter().position(|&label| label == row.label).unwrap_or_default();
    let classes: Vec<usize> = whole.rows.iter().map(class).collect();
    let keys: Vec<String> = whole.rows.iter().map(Row::key).collect();
    let by = if whole.is_images() { "content" } else { "text" };
    let (fractions, what) = match has_test {
        true => (cut.fractions.without_test(), "dev cut from train"),
        false => (cut.fractions, "splits cut"),
    };
    let places = partition(&keys, &classes, fractions, cut.seed);
    let Part { path, unit, rows, .. } = whole;
    let mut rows: Vec<Option<Row>> = rows.into_iter().map(Some).collect();
    let parts = [("train", places.train), ("dev", places.dev), ("test", places.test)]
        .map(|(split, places)| {
            Part::new(split, &path, unit, places.into_iter().filter_map(|place| rows[place].take()).collect())
        })
        .into_iter()
        .filter(|part| part.split == "train" || !part.rows.is_empty());
    (parts.collect(), format!("{what} with seed {}, stratified, by {by}", cut.seed))
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
