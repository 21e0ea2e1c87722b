//! CSV and TSV files.

use std::io::Read;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord};

use super::Columns;
use crate::error::{Error, Result};
use crate::import::rows::Row;

#[derive(Clone, Copy, Debug)]
pub(in crate::import) struct Dialect {
    pub(in crate::import) delimiter: u8,
    pub(in crate::import) header: bool,
    pub(in crate::import) quotes: bool,
}

/// A record appended to the file: if it is not read back alone, a quote was opened and never closed, and would have
/// swallowed rows silently.
const SENTINEL: &str = "\u{1}end of file\u{1}";

/// Reads every record; blank lines are skipped.
pub(in crate::import) fn read(path: &Path, text: &str, columns: &Columns, dialect: Dialect) -> Result<Vec<Row>> {
    let all = records(path, text, dialect)?;
    let Some((_, first)) = all.first() else {
        return Err(Error::content(path, "the file is empty"));
    };
    let records = if dialect.header { &all[1..] } else { &all[..] };
    if records.is_empty() {
        return Err(Error::content(path, "the file holds a header and no rows"));
    }
    let width = first.len();
    let place = |column: &str| {
        if dialect.header { by_name(path, first, column) } else { by_number(path, width, column) }
    };
    let mut rows = Vec::with_capacity(records.len());
    for &(at, ref record) in records {
        let field = |column: &str| Ok(record.get(place(column)?).unwrap_or_default().to_owned());
        if record.len() != width {
            let (path, got) = (path.to_path_buf(), record.len());
            return Err(Error::Columns { path, line: at, expected: width, got });
        }
        rows.push(columns.row(path, at, rows.len() + 1, field)?);
    }
    Ok(rows)
}

/// The names of the columns: the first line's that is not blank.
pub(in crate::import) fn header(path: &Path, text: &str, dialect: Dialect) -> Result<Vec<String>> {
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

fn by_name(path: &Path, header: &StringRecord, name: &str) -> Result<usize> {
    let mut places = header.iter().enumerate().filter(|(_, have)| have.trim() == name.trim());
    match (places.next(), places.next()) {
        (Some((place, _)), None) => Ok(place),
        (Some(_), Some(_)) => Err(Error::content(path, format!("the header has two columns `{name}`"))),
        (None, _) => Err(Error::NoColumn { path: path.to_owned(), column: name.to_owned(), got: header.len() }),
    }
}

fn by_number(path: &Path, width: usize, number: &str) -> Result<usize> {
    match number.trim().parse::<usize>() {
        Ok(place) if (1..=width).contains(&place) => Ok(place - 1),
        _ => Err(Error::content(path, format!("expected a column number from 1 to {width}, got `{number}`"))),
    }
}
