//! Sets of notes that cannot be had freely: MIMIC's, which is credentialed, and the dietary
//! supplements', which is the paper's authors' own.
//!
//! Whoever has one brings it as a CSV of columns `text` and `label`, and, where there are such, `id`
//! and `split` (train, dev, test). Without `split` the rows are cut; without rows for dev, it is cut
//! from train.

use std::collections::BTreeSet;
use std::path::Path;

use super::delimited::{self, Dialect};
use super::own::Columns;
use super::rows::{Part, Row, Unit, assemble, cut, list};
use super::{Options, PaperCounts, Preset};
use crate::dataset::{Draft, Task};
use crate::error::{Error, Result};
use crate::synth::Status;
use epee_files::{read_file, utf8};

pub(super) const MIMIC: Preset = Preset {
    name: "mimic",
    title: "notes of intensive care, four classes",
    task: Task::Classification,
    paper: PaperCounts { train: 3861, dev: 483, test: 483, classes: CLASSES },
    expects: "a CSV with the columns text and label (four classes, named as you like), and id and split where there are such",
    source: "MIMIC, physionet.org: after training in research with people's data and a signed agreement; \
             the paper does not name its classes",
    licence: "PhysioNet Credentialed Health Data License",
    takes: &[],
    read: |from, options| read(from, options, None),
};

pub(super) const SUPPLEMENT: Preset = Preset {
    name: "supplement",
    title: "use of dietary supplements in clinical notes",
    task: Task::Classification,
    paper: PaperCounts { train: 2000, dev: 230, test: 230, classes: CLASSES },
    expects: "a CSV with the columns text and label (Continuing, Discontinued, Started, Uncertain), and id and split \
              where there are such",
    source: "the paper's authors, private; `epee data synth` stands in for it",
    licence: "not for others",
    takes: &[],
    read: |from, options| read(from, options, Some(&Status::ALL.map(Status::name))),
};

const CLASSES: usize = 4;
const SPLITS: [&str; 3] = ["train", "dev", "test"];

fn read(from: &Path, options: &Options, labels: Option<&[&str]>) -> Result<Draft> {
    let bytes = read_file(from)?;
    let text = utf8(from, &bytes)?;
    let dialect = Dialect { delimiter: b',', header: true, quotes: true };
    let header = delimited::header(from, text, dialect)?;
    let has = |column: &str| header.iter().any(|name| name.trim() == column);
    let optional = |column: &str| has(column).then(|| column.to_owned());
    // The split comes along in the place of a second text.
    let columns = Columns { text: "text".into(), label: "label".into(), pair: optional("split"), id: optional("id") };
    let rows = delimited::read(from, text, &columns, dialect)?;
    check_labels(from, &rows, labels)?;
    let part = |split, rows| Part { split, path: from.to_path_buf(), unit: Unit::Line, rows };
    let seed = options.seed;
    let mut note = None;
    let parts = if columns.pair.is_none() {
        note = Some(format!("splits cut with seed {seed}, stratified, by text"));
        cut(part("train", rows), options.fractions, seed)
    } else {
        let [train, dev, test] = by_split(from, rows)?;
        let mut parts = if dev.is_empty() {
            let parts = cut(part("train", train), options.fractions.without_test(), seed);
            note = Some(match parts.iter().any(|part| part.split == "dev") {
                true => format!("dev cut from train with seed {seed}, stratified, by text"),
                false => "no dev split: there are too few training rows to cut one from".to_owned(),
            });
            parts
        } else {
            vec![part("train", train), part("dev", dev)]
        };
        if !test.is_empty() {
            parts.push(part("test", test));
        }
        parts
    };
    let mut draft = assemble(&parts, labels)?;
    draft.notes.extend(note);
    Ok(draft)
}

/// The labels declared, or any four.
fn check_labels(path: &Path, rows: &[Row], labels: Option<&[&str]>) -> Result<()> {
    if let Some(labels) = labels {
        return match rows.iter().find(|row| !labels.contains(&row.label.as_str())) {
            Some(row) => {
                let problem = format!("expected a label out of {}, got `{}`", list(labels.iter().copied()), row.label);
                Err(Error::line(path, row.at, problem))
            }
            None => Ok(()),
        };
    }
    let names: BTreeSet<&str> = rows.iter().map(|row| row.label.as_str()).collect();
    if names.len() == CLASSES {
        return Ok(());
    }
    Err(Error::content(path, format!("expected {CLASSES} classes, got {}: {}", names.len(), list(names))))
}

fn by_split(path: &Path, rows: Vec<Row>) -> Result<[Vec<Row>; 3]> {
    let mut splits = [Vec::new(), Vec::new(), Vec::new()];
    for mut row in rows {
        let split = row.pair.take().unwrap_or_default();
        let named = match split.trim() {
            "val" | "valid" | "validation" => "dev",
            other => other,
        };
        let Some(place) = SPLITS.iter().position(|name| *name == named) else {
            let problem = format!("expected a split out of {}, got `{split}`", list(SPLITS));
            return Err(Error::line(path, row.at, problem));
        };
        splits[place].push(row);
    }
    Ok(splits)
}
