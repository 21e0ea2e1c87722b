//! Drug reviews: a review on Drugs.com is positive or negative by its rating.
//!
//! Reads UCI's two tab-separated files, or any number of parts of the first: the same columns, separated by commas or tabs,
//! the column of ids with another name in each. Reviews contain newlines and HTML entities, and are quoted twice.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use quick_xml::escape::resolve_html5_entity;

use super::options::RatingCut;
use super::{Options, PaperCounts, Preset};
use crate::dataset::{Draft, Task};
use crate::error::{Error, Result};
use crate::import::own::{Columns, Dialect, header, read_delimited};
use crate::import::rows::{Part, Row, Unit, complete};
use crate::partition::Cut;
use epee_files::{read_file, utf8};
use epee_input::SampleText;

pub(super) const PRESET: Preset = Preset {
    name: "drug-review",
    title: "positive or negative reviews of drugs",
    task: Task::Classification,
    paper: PaperCounts::new(161_297, 53_766, 53_766, 2),
    expects: "a folder with drugsComTrain_raw.tsv and drugsComTest_raw.tsv, or with drugsComTrain_raw.part*.csv or .tsv, \
              or one such file",
    source: "Drug Review Dataset, Drugs.com (Gräßer et al. 2018), UCI Machine Learning Repository, dataset 462",
    licence: "none stated",
    takes: &["rating-cut"],
    read,
};

const LABELS: [&str; 2] = ["negative", "positive"];
const TRAIN: &str = "drugsComTrain_raw";
const TEST: &str = "drugsComTest_raw";

#[derive(Default)]
struct Tally {
    rows: usize,
    again: usize,
    empty: usize,
    between: usize,
}

fn read(from: &Path, options: &Options, settings: &Cut) -> Result<Draft> {
    let (train, test) = files(from)?;
    let ratings = options.rating_cut.unwrap_or_default();
    let mut tally = Tally::default();
    let path = if let [only] = train.as_slice() { only } else { from };
    let mut parts = vec![Part::new("train", path, Unit::Line, reviews(&train, ratings, &mut tally)?)];
    if let Some(path) = test.first() {
        parts.push(Part::new("test", path, Unit::Line, reviews(&test, ratings, &mut tally)?));
    }
    let mut draft = complete(parts, Some(&LABELS), settings, !test.is_empty())?;
    let Tally { rows, again, empty, between } = tally;
    draft.notes.push(format!(
        "{rows} rows read, {again} of them there already by their id, {empty} without a review, \
         {between} dropped between the ratings of {}; the paper dropped none",
        ratings.meaning(),
    ));
    Ok(draft)
}

fn files(from: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    if !from.is_dir() {
        return Ok((vec![from.to_path_buf()], Vec::new()));
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(from).map_err(Error::io("read", from))? {
        let path = entry.map_err(Error::io("read", from))?.path();
        if is(&path, "csv") || is(&path, "tsv") {
            found.push(path);
        }
    }
    found.sort();
    let named = |stem: &str| -> Vec<PathBuf> {
        let starts = |path: &&PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(stem));
        found.iter().filter(starts).cloned().collect()
    };
    let whole = from.join(format!("{TRAIN}.tsv"));
    let train = if found.contains(&whole) { vec![whole] } else { named(TRAIN) };
    if train.is_empty() {
        let problem = format!("expected {TRAIN}.tsv, or parts of it by names such as {TRAIN}.part1.csv, got none");
        return Err(Error::content(from, problem));
    }
    Ok((train, named(TEST)))
}

fn is(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|have| have.eq_ignore_ascii_case(extension))
}

/// The rows of all files that have a class, each id once.
fn reviews(paths: &[PathBuf], cut: RatingCut, tally: &mut Tally) -> Result<Vec<Row>> {
    let mut seen: HashMap<String, (SampleText, f64)> = HashMap::new();
    let mut rows = Vec::new();
    for path in paths {
        for mut row in read_file_of_reviews(path)? {
            tally.rows += 1;
            let Some(rating) = row.label.parse().ok().filter(|rating| (1.0..=10.0).contains(rating)) else {
                return Err(Error::line(path, row.at, "expected a rating from 1 to 10, got another value"));
            };
            let (id, text) = (&row.example.id, std::mem::take(&mut row.example.text));
            row.example.text = review(text.expose()).into();
            if let Some(first) = seen.insert(id.clone(), (text.clone(), rating)) {
                if first != (text, rating) {
                    return Err(Error::line(path, row.at, "the id is there already, with another review or rating"));
                }
                tally.again += 1;
                continue;
            }
            match cut.positive(rating) {
                _ if row.example.text.is_empty() => tally.empty += 1,
                None => tally.between += 1,
                Some(positive) => {
                    LABELS[usize::from(positive)].clone_into(&mut row.label);
                    rows.push(row);
                }
            }
        }
    }
    Ok(rows)
}

/// A file's rows, the rating as label; the ids of a file without a column for them are its own.
fn read_file_of_reviews(path: &Path) -> Result<Vec<Row>> {
    let bytes = read_file(path)?;
    let text = utf8(path, &bytes)?;
    let dialect = Dialect { delimiter: if is(path, "tsv") { b'\t' } else { b',' }, header: true, quotes: true };
    let id = header(path, text, dialect)?
        .into_iter()
        .find(|name| ["id", "uniqueid", "", "unnamed: 0"].contains(&name.trim().to_lowercase().as_str()));
    let columns = Columns { id, ..Columns::new("review", "rating") };
    let mut rows = read_delimited(path, text, &columns, dialect)?;
    if columns.id.is_none() {
        let file = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        for row in &mut rows {
            row.example.id = format!("{file}-{}", row.example.id);
        }
    }
    Ok(rows)
}

/// The review without the quotes around it, HTML's entities as characters.
fn review(field: &str) -> String {
    let inner = field.trim();
    let inner = inner.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(inner);
    unescape(inner).trim().to_owned()
}

/// Replaces `&#039;`, `&#x27;`, `&quot;` and the like; what is no entity stays as it is.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let name = rest[1..].split_once(';').map(|(name, _)| name).filter(|name| name.len() <= 32);
        match name.and_then(|name| Some((name, entity(name)?))) {
            Some((name, character)) => {
                out.push_str(&character);
                rest = &rest[name.len() + 2..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

fn entity(name: &str) -> Option<String> {
    let Some(number) = name.strip_prefix('#') else {
        return resolve_html5_entity(name).map(str::to_owned);
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
        None => number.parse(),
    };
    code.ok().and_then(char::from_u32).map(String::from)
}

#[cfg(test)]
mod tests {
    use super::review;

    #[test]
    fn quotes_leave_and_entities_become_characters() {
        assert_eq!(
            review(" \"I&#039;m &quot;ok&quot; &amp; it&rsquo;s &#x26;\n5 &lt; 6\" "),
            "I'm \"ok\" & it’s &\n5 < 6"
        );
        assert_eq!(review("AT&T; a & b &nope; &#xFFFFFFFF; &amp;#039; &"), "AT&T; a & b &nope; &#xFFFFFFFF; &#039; &");
        assert_eq!(review("\""), "\"");
        assert_eq!(review("\"\""), "");
    }
}
