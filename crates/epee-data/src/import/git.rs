//! GIT: the relation between two biomedical terms of a sentence, out of 22.
//!
//! Three files of one JSON object a line. The file called test holds each row twice; without its
//! repeats it has the size of the paper's dev, and the file called dev that of the paper's test.

use std::path::Path;

use serde::Deserialize;

use super::options::{GitSplits, Repeats};
use super::rows::{Part, Row, Unit, assemble};
use super::tidy::drop_repeats;
use super::{Options, PaperCounts, Preset};
use crate::dataset::{Draft, Task};
use crate::error::{Error, Result};
use epee_files::{read_file, utf8};

pub(super) const PRESET: Preset = Preset {
    name: "git",
    title: "22 relations between two terms of a biomedical sentence",
    task: Task::RelationExtraction,
    paper: PaperCounts { train: 3734, dev: 465, test: 492, classes: 22 },
    expects: "a folder with renew_triplet_T_train.jsonl, …_dev.jsonl, …_test.jsonl",
    source: "GIT, github.com/ToneLi/BIoMedRAG",
    licence: "none stated",
    takes: &["separator", "git-splits"],
    read,
};

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct Triplet {
    predicate: String,
    subject_text: String,
    object_text: String,
    sentence: String,
}

fn read(from: &Path, options: &Options) -> Result<Draft> {
    let splits = match options.git_splits {
        GitSplits::Paper => [("train", "train"), ("dev", "test"), ("test", "dev")],
        GitSplits::Files => [("train", "train"), ("dev", "dev"), ("test", "test")],
    };
    let mut parts = Vec::new();
    for (split, file) in splits {
        let path = from.join(format!("renew_triplet_T_{file}.jsonl"));
        let rows = read_split(&path, split, &options.separator)?;
        parts.push(Part { split, path, unit: Unit::Line, rows });
    }
    let mut draft = assemble(&parts, None)?;
    if options.git_splits == GitSplits::Paper {
        draft.notes.push("dev is the file called test, test the file called dev, as in the paper's counts".to_owned());
    }
    if options.repeats != Some(Repeats::Keep) {
        drop_repeats(&mut draft);
    }
    Ok(draft)
}

fn read_split(path: &Path, split: &str, separator: &str) -> Result<Vec<Row>> {
    let bytes = read_file(path)?;
    let mut rows = Vec::new();
    for (at, line) in (1..).zip(utf8(path, &bytes)?.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let triplet: Triplet = serde_json::from_str(line).map_err(|e| Error::line(path, at, e.to_string()))?;
        let Triplet { predicate, subject_text, object_text, sentence } = triplet;
        for (key, value) in [
            ("PREDICATE", &predicate),
            ("SUBJECT_TEXT", &subject_text),
            ("OBJECT_TEXT", &object_text),
            ("SENTENCE", &sentence),
        ] {
            if value.trim().is_empty() {
                return Err(Error::line(path, at, format!("expected text in `{key}`, got none")));
            }
        }
        let text = format!("{subject_text} {separator} {object_text} {separator} {sentence}");
        rows.push(Row { at, id: format!("{split}-{at}"), text, pair: None, label: predicate });
    }
    Ok(rows)
}
