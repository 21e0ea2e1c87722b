//! PHEE: events in sentences about drugs; the type of a sentence's first event is its class.
//!
//! Three files of one JSON object a line. An annotation holds events in the order of the text;
//! a sentence may hold both types, which the notes count and an option leaves out.

use std::path::Path;

use serde::Deserialize;

use super::options::DoubleTyped;
use super::rows::{Part, Row, Unit, assemble};
use super::{Options, PaperCounts, Preset};
use crate::dataset::{Draft, Task};
use crate::error::{Error, Result};
use epee_files::{read_file, utf8};

pub(super) const PRESET: Preset = Preset {
    name: "phee",
    title: "adverse or potential therapeutic drug events",
    task: Task::EventExtraction,
    paper: PaperCounts { train: 2898, dev: 961, test: 968, classes: 2 },
    expects: "a folder with train.json, dev.json, test.json",
    source: "PHEE (Sun et al. 2022), github.com/ZhaoyueSun/PHEE",
    licence: "MIT",
    takes: &["double-typed"],
    read,
};

/// The classes, by the names and in the order in which the data brings them.
const LABELS: [&str; 2] = ["Adverse_event", "Potential_therapeutic_event"];

#[derive(Deserialize)]
struct Sentence {
    id: String,
    context: String,
    annotations: Vec<Annotation>,
}

#[derive(Deserialize)]
struct Annotation {
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    event_type: String,
}

fn read(from: &Path, options: &Options) -> Result<Draft> {
    let mut parts = Vec::new();
    let mut notes = Vec::new();
    for split in ["train", "dev", "test"] {
        let path = from.join(format!("{split}.json"));
        let (all, both) = read_split(&path)?;
        let count = all.len();
        let (what, rows) = match options.double_typed {
            DoubleTyped::First => ("the first event's counts", all.into_iter().map(|(row, _)| row).collect()),
            DoubleTyped::Skip => {
                ("they are left out", all.into_iter().filter(|(_, both)| !both).map(|(row, _)| row).collect())
            }
        };
        notes.push(format!("{both} of {count} {split} sentences hold events of both types; {what}",));
        parts.push(Part { split, path, unit: Unit::Line, rows });
    }
    let mut draft = assemble(&parts, Some(&LABELS))?;
    draft.notes.extend(notes);
    Ok(draft)
}

/// The rows, whether each holds events of more than one type, and how many do.
fn read_split(path: &Path) -> Result<(Vec<(Row, bool)>, usize)> {
    let bytes = read_file(path)?;
    let mut rows = Vec::new();
    let mut both = 0;
    for (at, line) in (1..).zip(utf8(path, &bytes)?.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let sentence: Sentence = serde_json::from_str(line).map_err(|e| Error::line(path, at, e.to_string()))?;
        let mut types = sentence.annotations.iter().flat_map(|a| &a.events).map(|event| &event.event_type);
        let Some(label) = types.next() else {
            return Err(Error::line(path, at, "expected at least one event, got none"));
        };
        let double = types.any(|other| other != label);
        both += usize::from(double);
        let label = label.clone();
        rows.push((Row { at, id: sentence.id, text: sentence.context, pair: None, label }, double));
    }
    Ok((rows, both))
}
