//! PHEE: events in sentences about drugs. The class is the type of the sentence's first event.
//!
//! Three files of one JSON object per line. An annotation holds events in the order of the text. A sentence may hold
//! both types: the notes count these sentences, and an option leaves them out.

use std::path::Path;

use serde::Deserialize;

use super::options::DoubleTyped;
use super::{Options, PaperCounts, Preset};
use crate::dataset::{Draft, Task};
use crate::error::Result;
use crate::import::rows::{Row, assemble, json_part};
use crate::partition::Cut;

pub(super) const PRESET: Preset = Preset {
    name: "phee",
    title: "adverse or potential therapeutic drug events",
    task: Task::EventExtraction,
    paper: PaperCounts::new(2898, 961, 968, 2),
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

fn read(from: &Path, options: &Options, _: &Cut) -> Result<Draft> {
    let (skip, what) = match options.double_typed.unwrap_or_default() {
        DoubleTyped::First => (false, "the first event's counts"),
        DoubleTyped::Skip => (true, "they are left out"),
    };
    let mut parts = Vec::new();
    let mut notes = Vec::new();
    for split in ["train", "dev", "test"] {
        let (mut count, mut both) = (0, 0);
        parts.push(json_part(split, &from.join(format!("{split}.json")), |at, sentence: Sentence| {
            let mut types = sentence.annotations.iter().flat_map(|a| &a.events).map(|event| &event.event_type);
            let label = types.next().ok_or("expected at least one event, got none")?;
            let double = types.any(|other| other != label);
            count += 1;
            both += usize::from(double);
            let label = label.clone();
            Ok((!(skip && double)).then(|| Row::text(at, sentence.id, sentence.context, label)))
        })?);
        notes.push(format!("{both} of {count} {split} sentences hold events of both types; {what}"));
    }
    let mut draft = assemble(parts, Some(&LABELS))?;
    draft.notes.extend(notes);
    Ok(draft)
}
