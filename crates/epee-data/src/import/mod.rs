//! Importers: from a dataset's published files, or people's own, to the canonical form.
//!
//! An importer reads files into [`Draft`]s and writes nothing; [`write_dataset`](crate::write_dataset)
//! does that, for all of them alike. Published datasets stand in one table, [`PRESETS`], with the
//! paper's counts beside them; a new one is a file here and a row there. What rows have in common
//! (label names to indices, empty texts, ids, unseen labels, each error with its line) is in `rows`.

mod ddi;
mod delimited;
mod drug_review;
mod folder;
#[cfg(test)]
mod folder_tests;
mod git;
mod health_advice;
mod jsonl;
mod medmnist;
mod npz;
mod options;
mod own;
mod phee;
mod pictures;
mod rows;
mod table;
#[cfg(test)]
mod tests;
mod tidy;

use std::path::Path;

use serde::Serialize;

use crate::dataset::{Draft, Task};
use crate::error::Result;

pub use ddi::{NegativeFilter, Rule};
pub use folder::OwnImages;
pub use medmnist::{Archive, MEDMNIST};
pub use npz::OwnNpz;
pub use options::{DoubleTyped, Entities, GitSplits, Options, RatingCut, Repeats};
pub use own::{Columns, Files, Format, OwnFiles};

/// Sizes of a dataset as the paper states them (its Table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PaperCounts {
    /// Training examples.
    pub train: usize,
    /// Development examples.
    pub dev: usize,
    /// Test examples.
    pub test: usize,
    /// Classes.
    pub classes: usize,
}

/// An importer of one published dataset.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Its name on the command line and in `dataset.json`.
    pub name: &'static str,
    /// What it holds, in a few words.
    pub title: &'static str,
    /// What kind of task it is.
    pub task: Task,
    /// The paper's counts.
    pub paper: PaperCounts,
    /// The files it reads.
    pub expects: &'static str,
    /// Where they come from.
    pub source: &'static str,
    /// Their licence, as far as it is stated.
    pub licence: &'static str,
    /// Those of [`Options`] that are its own, by the name of their flag.
    pub takes: &'static [&'static str],
    read: fn(&Path, &Options) -> Result<Draft>,
}

impl Preset {
    /// Reads the files at `from`, a folder or a file.
    ///
    /// The draft's notes give its counts beside the paper's.
    ///
    /// # Errors
    /// A file that is not there or not as expected, with its line.
    pub fn import(&self, from: &Path, options: &Options) -> Result<Draft> {
        let mut draft = (self.read)(from, options)?;
        draft.name = self.name.to_owned();
        draft.task = self.task;
        draft.source = self.source.to_owned();
        draft.licence = self.licence.to_owned();
        if options.repeats == Some(Repeats::Drop) {
            tidy::drop_repeats(&mut draft);
        }
        if options.drop_leaks {
            tidy::drop_leaks(&mut draft);
        }
        let counts: Vec<String> = draft.splits.iter().map(|(name, rows)| format!("{} {name}", rows.len())).collect();
        let PaperCounts { train, dev, test, classes } = self.paper;
        draft.notes.push(format!(
            "{} rows, {} classes; the paper: {train} train, {dev} dev, {test} test, {classes} classes",
            counts.join(", "),
            draft.labels.len(),
        ));
        Ok(draft)
    }
}

/// The published datasets that can be imported, in the order of the paper's Table 1.
pub static PRESETS: &[Preset] = &[
    table::MIMIC,
    table::SUPPLEMENT,
    drug_review::PRESET,
    health_advice::PRESET,
    ddi::PRESET,
    git::PRESET,
    phee::PRESET,
    medmnist::PATH,
    medmnist::PNEUMONIA,
    medmnist::BREAST,
    medmnist::BLOOD,
    medmnist::DERMA,
];

/// The importer with this name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}
