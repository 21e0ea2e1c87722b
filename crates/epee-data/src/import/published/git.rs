//! GIT: the relation between two biomedical terms of a sentence, out of 22.
//!
//! Three files of one JSON object per line. The file called test holds each row twice. Without its repeats it has the
//! size of the paper's dev, and the file called dev has that of the paper's test.

use std::path::Path;

use serde::Deserialize;

use super::options::{GitSplits, Repeats};
use super::tidy::drop_repeats;
use super::{Options, PaperCounts, Preset};
use crate::dataset::{Draft, Task};
use crate::error::Result;
use crate::import::rows::{Row, assemble, json_part};
use crate::partition::Cut;

pub(super) const PRESET: Preset = Preset {
    name: "git",
    title: "22 relations between two terms of a biomedical sentence",
    task: Task::RelationExtraction,
    paper: PaperCounts::new(3734, 465, 492, 22),
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

fn read(from: &Path, options: &Options, _: &Cut) -> Result<Draft> {
    let separator = options.separator.as_deref().unwrap_or("[SEP]");
    let git_splits = options.git_splits.unwrap_or_default();
    let files = match git_splits {
        GitSplits::Paper => [("train", "train"), ("dev", "test"), ("test", "dev")],
        GitSplits::Files => [("train", "train"), ("dev", "dev"), ("test", "test")],
    };
    let part = |(split, file)| {
        json_part(split, &from.join(format!("renew_triplet_T_{file}.jsonl")), |at, triplet: Triplet| {
            let Triplet { predicate, subject_text, object_text, sentence } = &triplet;
            for (key, value) in [
                ("PREDICATE", predicate),
                ("SUBJECT_TEXT", subject_text),
                ("OBJECT_TEXT", object_text),
                ("SENTENCE", sentence),
            ] {
                if value.trim().is_empty() {
                    return Err(format!("expected text in `{key}`, got none"));
                }
            }
            let text = format!("{subject_text} {separator} {object_text} {separator} {sentence}");
            Ok(Some(Row::text(at, format!("{split}-{at}"), text, predicate)))
        })
    };
    let parts = files.into_iter().map(part).collect::<Result<_>>()?;
    let mut draft = assemble(parts, None)?;
    if git_splits == GitSplits::Paper {
        draft.notes.push("dev is the file called test, test the file called dev, as in the paper's counts".to_owned());
    }
    if options.repeats != Some(Repeats::Keep) {
        drop_repeats(&mut draft);
    }
    Ok(draft)
}
