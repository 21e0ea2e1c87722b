//! People's own files: CSV, TSV and JSONL, one for each split or one to be cut.

use std::path::{Path, PathBuf};

use super::rows::{Part, Row, Unit, assemble, cut};
use super::{delimited, jsonl};
use crate::dataset::Draft;
use crate::error::{Error, Result};
use crate::partition::Fractions;
use epee_files::{read_file, utf8};

/// How an own file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated, RFC 4180: quotes, commas and newlines inside quoted fields.
    Csv,
    /// Tab-separated, quoted in the same way.
    Tsv,
    /// One JSON object a line.
    Jsonl,
}

/// Which columns (of JSONL: keys) hold what.
///
/// A name, as in the header; without a header a number, from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// The text.
    pub text: String,
    /// The class.
    pub label: String,
    /// A second text.
    pub pair: Option<String>,
    /// The id; without one, rows are numbered from 1 within their file.
    pub id: Option<String>,
}

/// The files to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Files {
    /// One file, to be cut into train, dev and test.
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

/// An importer of own files.
///
/// ```
/// use epee_data::import::{Columns, Files, Format, OwnFiles};
/// let dir = tempfile::tempdir()?;
/// let file = dir.path().join("notes.csv");
/// let rows: String = (0..20).map(|i| format!("\"note, {i}\",{}\n", i % 2)).collect();
/// std::fs::write(&file, format!("note,class\n{rows}"))?;
/// let columns = Columns { text: "note".into(), label: "class".into(), ..Columns::default() };
/// let draft = OwnFiles::new(Format::Csv, columns, Files::One(file)).read()?;
/// assert_eq!(draft.labels, ["0", "1"]);
/// assert_eq!(draft.splits.iter().map(|(_, rows)| rows.len()).collect::<Vec<_>>(), [16, 2, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct OwnFiles {
    /// How the files are written.
    pub format: Format,
    /// Which columns hold what.
    pub columns: Columns,
    /// The files.
    pub files: Files,
    /// True where the first record names the columns (CSV and TSV).
    pub header: bool,
    /// True where a quote at the start of a field is one around it (CSV and TSV).
    pub quotes: bool,
    /// Seed of a cut.
    pub seed: u64,
    /// Sizes of a cut.
    pub fractions: Fractions,
}

impl OwnFiles {
    /// With a header, with quotes, seed 1, cut 80/10/10.
    pub fn new(format: Format, columns: Columns, files: Files) -> Self {
        let fractions = Fractions::default();
        Self { format, columns, files, header: true, quotes: true, seed: 1, fractions }
    }

    /// Reads the files. Classes are the labels of train, sorted, numbers by value.
    ///
    /// # Errors
    /// With file and line: text that is not UTF-8, a row with too few or too many columns, a
    /// quote that is never closed, an empty text or label, an id used twice, a label that train
    /// does not have. With the file: no rows, no such column (and which exist), a single class.
    pub fn read(&self) -> Result<Draft> {
        let mut notes = Vec::new();
        let parts = match &self.files {
            Files::One(path) => {
                notes.push(format!("splits cut with seed {}, stratified, by text", self.seed));
                cut(self.part("train", path)?, self.fractions, self.seed)
            }
            Files::Splits { train, dev, test } => {
                let train = self.part("train", train)?;
                let mut parts = match dev {
                    Some(dev) => vec![train, self.part("dev", dev)?],
                    None => {
                        let seed = self.seed;
                        notes.push(format!("dev cut from train with seed {seed}, stratified, by text"));
                        cut(train, self.fractions.without_test(), seed)
                    }
                };
                if let Some(test) = test {
                    parts.push(self.part("test", test)?);
                }
                parts
            }
        };
        let mut draft = assemble(&parts, None)?;
        draft.notes.extend(notes);
        draft.source = self.source();
        draft.licence = "not stated".to_owned();
        draft.name = match &self.files {
            Files::One(path) | Files::Splits { train: path, .. } => stem(path),
        };
        Ok(draft)
    }

    fn part(&self, split: &'static str, path: &Path) -> Result<Part> {
        if path.is_dir() {
            return Err(Error::content(path, "expected a file, got a folder"));
        }
        let bytes = read_file(path)?;
        let text = utf8(path, &bytes)?;
        if text.trim().is_empty() {
            return Err(Error::content(path, "the file is empty"));
        }
        let rows: Vec<Row> = match self.format {
            Format::Jsonl => jsonl::read(path, text, &self.columns)?,
            Format::Csv | Format::Tsv => {
                let delimiter = if self.format == Format::Csv { b',' } else { b'\t' };
                let dialect = delimited::Dialect { delimiter, header: self.header, quotes: self.quotes };
                delimited::read(path, text, &self.columns, dialect)?
            }
        };
        Ok(Part { split, path: path.to_path_buf(), unit: Unit::Line, rows })
    }

    fn source(&self) -> String {
        let name =
            |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let names: Vec<String> = match &self.files {
            Files::One(path) => vec![name(path)],
            Files::Splits { train, dev, test } => {
                [Some(train), dev.as_ref(), test.as_ref()].into_iter().flatten().map(name).collect()
            }
        };
        format!("own files: {}", names.join(", "))
    }
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}
