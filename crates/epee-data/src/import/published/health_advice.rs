//! Health advice: a sentence of a medical paper gives no, weak or strong advice.
//!
//! One JSON array of instruction, input and output, without splits. They are cut here, 80/10/10 by default, seeded,
//! stratified, and by text, as some inputs occur twice.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use super::{Options, PaperCounts, Preset};
use crate::dataset::{Draft, Task};
use crate::error::{Error, Result};
use crate::import::rows::{Part, Row, Unit, assemble, cut, list};
use crate::partition::Cut;
use epee_files::{json_problem, read_file, utf8};

pub(super) const PRESET: Preset = Preset {
    name: "health-advice",
    title: "no, weak or strong advice in medical papers",
    task: Task::Classification,
    paper: PaperCounts::new(6940, 868, 868, 3),
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

fn read(from: &Path, _: &Options, settings: &Cut) -> Result<Draft> {
    let path = if from.is_dir() { from.join(FILE) } else { from.to_path_buf() };
    let bytes = read_file(&path)?;
    let entries: Vec<Entry> =
        serde_json::from_str(utf8(&path, &bytes)?).map_err(|e| Error::content(&path, json_problem(&e)))?;
    let mut whole = Part::new("train", &path, Unit::Entry, Vec::with_capacity(entries.len()));
    for (at, entry) in (1..).zip(entries) {
        let output = entry.output.trim();
        let Some((label, _)) = LABELS.iter().find(|(_, words)| *words == output) else {
            let words = list(LABELS.iter().map(|&(_, words)| words));
            return Err(whole.error(at, format!("expected an output out of {words}, got another")));
        };
        whole.rows.push(Row::text(at, at.to_string(), entry.input.trim().to_owned(), *label));
    }
    let repeats = repeats(&whole.rows);
    let (parts, note) = cut(whole, settings, false, None);
    let mut draft = assemble(parts, Some(&LABELS.map(|(label, _)| label)))?;
    draft.notes.push(format!("{note}: {repeats}"));
    Ok(draft)
}

/// How many texts occur more than once, and how many of those with different labels.
fn repeats(rows: &[Row]) -> String {
    let mut labels: HashMap<&str, Vec<&str>> = HashMap::new();
    for row in rows {
        labels.entry(row.example.text.expose()).or_default().push(&row.label);
    }
    let repeated: Vec<&Vec<&str>> = labels.values().filter(|labels| labels.len() > 1).collect();
    let differ = repeated.iter().filter(|labels| labels.iter().any(|l| *l != labels[0])).count();
    format!("{} texts occur more than once, {differ} of them with different labels", repeated.len())
}
