//! Medical health advice: does a sentence of a paper give no, weak or strong advice?
//!
//! One JSON array of instruction, input and output, without splits: they are cut here, 80/10/10
//! by default, seeded, stratified, and by text, as some inputs occur twice.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use super::rows::{Part, Row, Unit, assemble, at_place, cut, list};
use super::{Options, PaperCounts, Preset};
use crate::dataset::{Draft, Task};
use crate::error::{Error, Result};
use epee_files::{read_file, utf8};

pub(super) const PRESET: Preset = Preset {
    name: "health-advice",
    title: "no, weak or strong advice in medical papers",
    task: Task::Classification,
    paper: PaperCounts { train: 6940, dev: 868, test: 868, classes: 3 },
    expects: "medical_meadow_health_advice.json, or a folder with it",
    source: "sentences of Yu, Li, Wang and others, as in Medical Meadow",
    licence: "MIT (the repository's)",
    takes: &[],
    read,
};

const FILE: &str = "medical_meadow_health_advice.json";

/// The classes in the order in which the instruction numbers them, and the file's words for them.
const LABELS: [(&str, &str); 3] = [
    ("no advice", "This is no advice"),
    ("weak advice", "This is a weak advice"),
    ("strong advice", "This is a strong advice"),
];

#[derive(Deserialize)]
struct Entry {
    input: String,
    output: String,
}

fn read(from: &Path, options: &Options) -> Result<Draft> {
    let path = if from.is_dir() { from.join(FILE) } else { from.to_path_buf() };
    let bytes = read_file(&path)?;
    let entries: Vec<Entry> =
        serde_json::from_str(utf8(&path, &bytes)?).map_err(|e| Error::content(&path, e.to_string()))?;
    let mut rows = Vec::with_capacity(entries.len());
    for (at, entry) in (1..).zip(entries) {
        let output = entry.output.trim();
        let Some((label, _)) = LABELS.iter().find(|(_, words)| *words == output) else {
            let words = list(LABELS.iter().map(|&(_, words)| words));
            let problem = format!("expected an output out of {words}, got `{output}`");
            return Err(at_place(&path, Unit::Entry, at, problem));
        };
        let (id, label) = (at.to_string(), (*label).to_owned());
        rows.push(Row { at, id, text: entry.input.trim().to_owned(), pair: None, label });
    }
    let repeats = repeats(&rows);
    let whole = Part { split: "train", path, unit: Unit::Entry, rows };
    let parts = cut(whole, options.fractions, options.seed);
    let mut draft = assemble(&parts, Some(&LABELS.map(|(label, _)| label)))?;
    draft.notes.push(format!("splits cut with seed {}, stratified, by text: {repeats}", options.seed));
    Ok(draft)
}

/// How many texts occur more than once, and how many of those with different labels.
fn repeats(rows: &[Row]) -> String {
    let mut labels: HashMap<&str, Vec<&str>> = HashMap::new();
    for row in rows {
        labels.entry(&row.text).or_default().push(&row.label);
    }
    let repeated: Vec<&Vec<&str>> = labels.values().filter(|labels| labels.len() > 1).collect();
    let differ = repeated.iter().filter(|labels| labels.iter().any(|l| *l != labels[0])).count();
    format!("{} texts occur more than once, {differ} of them with different labels", repeated.len())
}
