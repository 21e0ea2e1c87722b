//! Clinical notes that are not freely available: MIMIC's, which need credentials, and the dietary supplements', which are
//! the paper's authors' own.
//!
//! A user who has them provides a CSV with columns `text` and `label` and optionally `id` and `split` (train, dev, test).
//! Without `split` the rows are cut; without rows for dev, dev is cut from train.

use std::collections::BTreeSet;
use std::path::Path;

use super::{PaperCounts, Preset};
use crate::dataset::{Draft, Task};
use crate::error::{Error, Result};
use crate::import::own::{Columns, Dialect, header, read_delimited};
use crate::import::rows::{Part, Row, Unit, complete, list};
use crate::partition::Cut;
use crate::synth::Status;
use epee_files::{read_file, utf8};

pub(super) const MIMIC: Preset = Preset {
    name: "mimic",
    title: "notes of intensive care, four classes",
    task: Task::Classification,
    paper: PaperCounts::new(3861, 483, 483, CLASSES),
    expects: "a CSV with the columns text and label (four classes, named as you like), and id and split where there are such",
    source: "MIMIC, physionet.org: after training in research with people's data and a signed agreement; \
             the paper does not name its classes",
    licence: "PhysioNet Credentialed Health Data License",
    takes: &[],
    read: |from, _, cut| read(from, cut, None),
};

pub(super) const SUPPLEMENT: Preset = Preset {
    name: "supplement",
    title: "use of dietary supplements in clinical notes",
    task: Task::Classification,
    paper: PaperCounts::new(2000, 230, 230, CLASSES),
    expects: "a CSV with the columns text and label (Continuing, Discontinued, Started, Uncertain), and id and split \
              where there are such",
    source: "the paper's authors, private; `epee data synth` stands in for it",
    licence: "not for others",
    takes: &[],
    read: |from, _, cut| read(from, cut, Some(&Status::ALL.map(Status::name))),
};

const CLASSES: usize = 4;
const SPLITS: [&str; 3] = ["train", "dev", "test"];

fn read(from: &Path, settings: &Cut, labels: Option<&[&str]>) -> Result<Draft> {
    let bytes = read_file(from)?;
    let text = utf8(from, &bytes)?;
    let dialect = Dialect { delimiter: b',', header: true, quotes: true };
    let header = header(from, text, dialect)?;
    let optional = |column: &str| header.iter().any(|name| name.trim() == column).then(|| column.to_owned());
    // The split is read as if it were a second text.
    let columns = Columns { pair: optional("split"), id: optional("id"), ..Columns::default() };
    let rows = read_delimited(from, text, &columns, dialect)?;
    check_labels(from, &rows, labels)?;
    let part = |(split, rows)| Part::new(split, from, Unit::Line, rows);
    let parts = if columns.pair.is_none() {
        vec![part(("train", rows))]
    } else {
        let splits = SPLITS.into_iter().zip(by_split(from, rows)?);
        splits.filter(|(split, rows)| *split == "train" || !rows.is_empty()).map(part).collect()
    };
    complete(parts, labels, settings, columns.pair.is_some())
}

/// The labels declared, or any four.
fn check_labels(path: &Path, rows: &[Row], labels: Option<&[&str]>) -> Result<()> {
    if let Some(labels) = labels {
        return match rows.iter().find(|row| !labels.contains(&row.label.as_str())) {
            Some(row) => {
                let problem = format!("expected a label out of {}, got another", list(labels.iter().copied()));
                Err(Error::line(path, row.at, problem))
            }
            None => Ok(()),
        };
    }
    let names: BTreeSet<&str> = rows.iter().map(|row| row.label.as_str()).collect();
    if names.len() == CLASSES {
        return Ok(());
    }
    Err(Error::content(path, format!("expected {CLASSES} classes, got {}", names.len())))
}

fn by_split(path: &Path, rows: Vec<Row>) -> Result<[Vec<Row>; 3]> {
    let mut splits = [Vec::new(), Vec::new(), Vec::new()];
    for mut row in rows {
        let split = row.example.pair.take().unwrap_or_default();
        let named = match split.expose().trim() {
            "val" | "valid" | "validation" => "dev",
            other => other,
        };
        let Some(place) = SPLITS.iter().position(|name| *name == named) else {
            let problem = format!("expected a split out of {}, got another", list(SPLITS));
            return Err(Error::line(path, row.at, problem));
        };
        splits[place].push(row);
    }
    Ok(splits)
}
