//! Files of rows and columns: CSV and TSV.

use std::io::Read;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord};

use super::own::Columns;
use super::rows::{Row, list};
use crate::error::{Error, Result};

/// How rows and columns are told apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    pub(super) header: bool,
    pub(super) quotes: bool,
}

/// A record that stands behind the file's last: if it does not come back alone, a quote was
/// opened and never closed, and would have swallowed rows in silence.
const SENTINEL: &str = "\u{1}end of file\u{1}";

/// Reads every record; blank lines are skipped.
pub(super) fn read(path: &Path, text: &str, columns: &Columns, dialect: Dialect) -> Result<Vec<Row>> {
    let mut records = records(path, text, dialect)?.into_iter();
    let header = if dialect.header { records.next() } else { None };
    let Some((_, first)) = header.as_ref().or(records.as_slice().first()) else {
        return Err(Error::content(path, "the file is empty"));
    };
    if records.len() == 0 {
        return Err(Error::content(path, "the file holds a header and no rows"));
    }
    let width = first.len();
    let find = |column: &str| {
        let place = if dialect.header { by_name(first, column) } else { by_number(width, column) };
        place.map_err(|problem| Error::content(path, problem))
    };
    let text = find(&columns.text)?;
    let label = find(&columns.label)?;
    let pair = columns.pair.as_deref().map(find).transpose()?;
    let id = columns.id.as_deref().map(find).transpose()?;
    let mut rows = Vec::with_capacity(records.len());
    for (at, record) in records {
        if record.len() != width {
            let (path, got) = (path.to_path_buf(), record.len());
            return Err(Error::Columns { path, line: at, expected: width, got });
        }
        let field = |place: usize| record.get(place).unwrap_or_default().to_owned();
        if field(label).trim().is_empty() {
            return Err(Error::line(path, at, format!("the label, `{}`, is empty", columns.label)));
        }
        rows.push(Row {
            at,
            id: id.map_or_else(|| (rows.len() + 1).to_string(), field),
            text: field(text),
            pair: pair.map(field),
            label: field(label).trim().to_owned(),
        });
    }
    Ok(rows)
}

/// The names of the columns: the first line's that is not blank.
pub(super) fn header(path: &Path, text: &str, dialect: Dialect) -> Result<Vec<String>> {
    let first = text.lines().find(|line| !line.trim_matches('\r').is_empty()).unwrap_or_default();
    let records = records(path, first, dialect)?;
    Ok(records.first().map(|(_, record)| record.iter().map(str::to_owned).collect()).unwrap_or_default())
}

/// All records with the lines on which they start.
fn records(path: &Path, text: &str, dialect: Dialect) -> Result<Vec<(u64, StringRecord)>> {
    let tail = format!("\n{SENTINEL}\n");
    let mut reader = ReaderBuilder::new()
        .delimiter(dialect.delimiter)
        .quoting(dialect.quotes)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes().chain(tail.as_bytes()));
    let mut records = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| Error::content(path, e.to_string()))?;
        let start = record.position().map_or((0, 1), |at| (at.byte() as usize, at.line()));
        records.push((first_line(text, start), record));
    }
    match records.pop() {
        Some((_, last)) if last.len() == 1 && last.get(0) == Some(SENTINEL) => Ok(records),
        Some((line, _)) => Err(Error::OpenQuote { path: path.to_path_buf(), line }),
        None => Ok(records),
    }
}

/// The line of a record's first character: the reader counts from the blank lines before it.
fn first_line(text: &str, (byte, line): (usize, u64)) -> u64 {
    let rest = text.as_bytes().get(byte..).unwrap_or_default();
    let blank = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    line + blank.filter(|&&byte| byte == b'\n').count() as u64
}

fn by_name(header: &StringRecord, name: &str) -> Result<usize, String> {
    let mut places = header.iter().enumerate().filter(|(_, have)| have.trim() == name.trim());
    match (places.next(), places.next()) {
        (Some((place, _)), None) => Ok(place),
        (Some(_), Some(_)) => Err(format!("the header has two columns `{name}`")),
        (None, _) => Err(format!("no column `{name}`, the header has {}", list(header.iter()))),
    }
}

fn by_number(width: usize, number: &str) -> Result<usize, String> {
    match number.trim().parse::<usize>() {
        Ok(place) if (1..=width).contains(&place) => Ok(place - 1),
        _ => Err(format!("expected a column number from 1 to {width}, got `{number}`")),
    }
}
