//! People's own files: CSV, TSV, JSONL, folders of images and NumPy archives.
//!
//! To read one more column, add a field to [`Columns`] and set the example's field in `Columns::row`. The field is also
//! the option of `epee data import`: nothing else needs to change.

mod delimited;
mod folder;
mod jsonl;
pub(super) mod npz;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use epee_files::{read_file, utf8};
use epee_input::{Example, SampleText};
use serde::Serialize;

use super::options::fields;
use super::rows::{Part, Row, Unit, complete};
use crate::dataset::{Draft, Task};
use crate::error::{Error, Result};
use crate::named::named;
use crate::partition::Cut;

pub(super) use delimited::{Dialect, header, read as read_delimited};

named! {
    /// The format of people's own files, and their importer.
    ///
    /// ```
    /// use epee_data::import::{Columns, Files, Format, OwnOptions};
    /// use epee_data::Cut;
    /// let dir = tempfile::tempdir()?;
    /// let file = dir.path().join("notes.csv");
    /// let rows: String = (0..20).map(|i| format!("\"note, {i}\",{}\n", i % 2)).collect();
    /// std::fs::write(&file, format!("note,class\n{rows}"))?;
    /// let options = OwnOptions { columns: Columns::new("note", "class"), ..OwnOptions::default() };
    /// let draft = Format::Csv.import(&Files::One(file), &options, &Cut::default())?;
    /// assert_eq!(draft.labels, ["0", "1"]);
    /// assert_eq!(draft.splits.iter().map(|(_, rows)| rows.len()).collect::<Vec<_>>(), [16, 2, 2]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Format {
        /// Comma-separated, RFC 4180: quotes, commas and newlines inside quoted fields.
        Csv = "csv",
        /// Tab-separated, quoted in the same way.
        Tsv = "tsv",
        /// One JSON object per line.
        Jsonl = "jsonl",
        /// A folder for each class, of PNG and JPEG files.
        Images = "images",
        /// A NumPy archive with arrays of images and labels.
        Npz = "npz",
    }
}

/// The longest label or id, in bytes.
const LONGEST_NAME: usize = 200;

/// Fewer training rows may well have a class each.
const ENOUGH_ROWS: usize = 20;

/// Which columns (of JSONL: keys) hold what: a name as in the header, or a number from 1 if there is no header.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct Columns {
    /// Own files: column with the text (jsonl: key); a number from 1 without a header [default: text]
    #[cfg_attr(feature = "clap", arg(long, value_name = "COLUMN"))]
    pub text: Option<String>,
    /// Own files: column with the label [default: label]
    #[cfg_attr(feature = "clap", arg(long, value_name = "COLUMN"))]
    pub label: Option<String>,
    /// Own files: column with a second text
    #[cfg_attr(feature = "clap", arg(long, value_name = "COLUMN"))]
    pub pair: Option<String>,
    /// Own files: column with the id [default: rows are numbered from 1 within their file]
    #[cfg_attr(feature = "clap", arg(long, value_name = "COLUMN"))]
    pub id: Option<String>,
}

/// Options of own files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct OwnOptions {
    /// Which columns hold what.
    #[serde(flatten)]
    #[cfg_attr(feature = "clap", command(flatten))]
    pub columns: Columns,
    /// npz: names of the classes 0, 1, … [default: their numbers]
    #[cfg_attr(feature = "clap", arg(long, value_name = "A,B,…", value_delimiter = ','))]
    pub labels: Option<Vec<String>>,
    /// csv, tsv: the first row is data, not a header
    #[cfg_attr(feature = "clap", arg(long))]
    pub no_header: bool,
    /// csv, tsv: quotes are ordinary characters
    #[cfg_attr(feature = "clap", arg(long))]
    pub no_quotes: bool,
}

/// The files to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Files {
    /// One file or folder, to be cut into train, dev and test.
    One(PathBuf),
    /// A file for each split; without one for dev, dev is cut from train.
    Splits {
        /// Training rows.
        train: PathBuf,
        /// Development rows.
        dev: Option<PathBuf>,
        /// Test rows.
        test: Option<PathBuf>,
    },
}

impl Columns {
    /// The columns of text and label.
    pub fn new(text: &str, label: &str) -> Columns {
        Columns { text: Some(text.to_owned()), label: Some(label.to_owned()), ..Columns::default() }
    }

    /// The row at line `at` of a file; `number` counts rows, `field` gives the value in a column.
    fn row(&self, path: &Path, at: u64, number: usize, field: impl Fn(&str) -> Result<String>) -> Result<Row> {
        let optional = |column: &Option<String>| column.as_deref().map(&field).transpose();
        let text_column = self.text.as_deref().unwrap_or("text");
        let text = SampleText::from(field(text_column)?);
        let column = self.label_column();
        let label = field(column)?.trim().to_owned();
        if label.is_empty() {
            return Err(Error::line(path, at, format!("the label, `{column}`, is empty")));
        }
        let id = optional(&self.id)?.unwrap_or_else(|| number.to_string());
        let refuse = |what: &str, column: &str, got: &str| {
            let expected = format!("expected a name of at most {LONGEST_NAME} bytes on one line");
            Err(Error::line(path, at, format!("the {what}, `{column}`: {expected}, got {got}")))
        };
        // Labels and ids are printed and stored with models and traces: a text in their place is found here.
        for (what, column, value) in [("label", Some(column), &label), ("id", self.id.as_deref(), &id)] {
            let Some(column) = column else { continue };
            if column.trim() == text_column.trim() {
                return refuse(what, column, "the column of the text");
            }
            if value.len() > LONGEST_NAME || value.contains(['\n', '\r']) {
                return refuse(what, column, "a longer text");
            }
        }
        let example = Example { id, text, pair: optional(&self.pair)?.map(SampleText::from), ..Example::default() };
        Ok(Row { at, label, example, ..Row::default() })
    }

    fn label_column(&self) -> &str {
        self.label.as_deref().unwrap_or("label")
    }

    /// Refuses training rows of which most have a label of their own: those are texts, not classes.
    fn check_labels(&self, part: &Part) -> Result<()> {
        let (rows, column) = (part.rows.len(), self.label_column());
        let distinct = part.rows.iter().map(|row| row.label.as_str()).collect::<HashSet<_>>().len();
        if rows < ENOUGH_ROWS || 2 * distinct <= rows {
            return Ok(());
        }
        let problem = format!("expected classes in `{column}`, got {distinct} different values in {rows} rows");
        Err(Error::content(&part.path, problem))
    }
}

impl Format {
    /// A short description.
    pub fn title(self) -> &'static str {
        match self {
            Format::Csv => "own comma-separated files",
            Format::Tsv => "own tab-separated files",
            Format::Jsonl => "own files of one JSON object per line",
            Format::Images => "own PNG and JPEG files: a folder for each class, in train, dev and test or alone",
            Format::Npz => "own images in a NumPy archive: train_images, train_labels, …",
        }
    }

    /// Names of the options it takes; for files with columns, every field of [`Columns`].
    pub fn takes(self) -> Vec<String> {
        let (columns, others): (_, &[&str]) = match self {
            Format::Csv | Format::Tsv => (true, &["no-header", "no-quotes", "train", "dev", "test"]),
            Format::Jsonl => (true, &["train", "dev", "test"]),
            Format::Images => (false, &[]),
            Format::Npz => (false, &["labels"]),
        };
        let columns = if columns { fields(&Columns::default()) } else { Vec::new() };
        columns.into_iter().chain(others.iter().map(|&name| name.to_owned())).collect()
    }

    /// Reads the files. Classes are the labels of train, sorted, numbers by value.
    ///
    /// Images come from one folder or file: `train`, `dev` (or `val`) and `test` with a folder for each class in
    /// each, or the classes' folders alone, which are cut. A NumPy archive has `SPLIT_images`, `[n, h, w]` or
    /// `[n, h, w, channels]` of bytes, and `SPLIT_labels`, `[n]` or `[n, 1]` of whole numbers from 0. If dev is
    /// missing it is cut from train; if test is missing too, both are.
    ///
    /// # Errors
    /// With file and line or entry: text that is not UTF-8, a row with too few or too many columns, a quote that is
    /// never closed, an empty text or label, a text in place of a label or an id, an id used twice, a label that train does
    /// not have, an image or array that cannot be read. With the file: no rows, no such column, a single class, almost as
    /// many classes as rows.
    pub fn import(self, files: &Files, options: &OwnOptions, settings: &Cut) -> Result<Draft> {
        let (first, dev, test) = match files {
            Files::One(path) => (path, None, None),
            Files::Splits { train, dev, test } => (train, dev.as_ref(), test.as_ref()),
        };
        let given = [("train", Some(first)), ("dev", dev), ("test", test)];
        let given = || given.into_iter().filter_map(|(split, path)| Some((split, path?)));
        let mut draft = match self {
            Format::Images => folder::read(first, settings)?,
            Format::Npz => npz::read(first, options.labels.as_deref(), settings)?,
            _ => {
                let parts = given().map(|(split, path)| self.part(split, path, options)).collect::<Result<Vec<_>>>()?;
                parts
                    .iter()
                    .filter(|part| part.split == "train")
                    .try_for_each(|part| options.columns.check_labels(part))?;
                complete(parts, None, settings, matches!(files, Files::Splits { .. }))?
            }
        };
        let names: Vec<_> =
            given().filter_map(|(_, path)| path.file_name()).map(|name| name.to_string_lossy()).collect();
        let what = match self {
            Format::Images => "own images",
            Format::Npz => "own file",
            _ => "own files",
        };
        let name = if self == Format::Images { first.file_name() } else { first.file_stem() };
        draft.name = name.unwrap_or_default().to_string_lossy().into_owned();
        if matches!(self, Format::Images | Format::Npz) {
            draft.task = Task::ImageClassification;
        }
        draft.source = format!("{what}: {}", names.join(", "));
        draft.licence = "not stated".to_owned();
        Ok(draft)
    }

    fn part(self, split: &'static str, path: &Path, options: &OwnOptions) -> Result<Part> {
        if path.is_dir() {
            return Err(Error::content(path, "expected a file, got a folder"));
        }
        let bytes = read_file(path)?;
        let text = utf8(path, &bytes)?;
        if text.trim().is_empty() {
            return Err(Error::content(path, "the file is empty"));
        }
        let columns = &options.columns;
        let delimiter = match self {
            Format::Csv => b',',
            Format::Tsv => b'\t',
            _ => return Ok(Part::new(split, path, Unit::Line, jsonl::read(path, text, columns)?)),
        };
        let dialect = Dialect { delimiter, header: !options.no_header, quotes: !options.no_quotes };
        Ok(Part::new(split, path, Unit::Line, read_delimited(path, text, columns, dialect)?))
    }
}
