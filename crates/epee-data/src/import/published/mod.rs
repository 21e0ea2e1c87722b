//! Importers of published datasets.
//!
//! [`PRESETS`] is the table of datasets, with the paper's counts. A new dataset is one file here, with a
//! `Preset` constant and a function that reads its files, and one row of the table.

mod archives;
mod ddi;
mod drug_review;
mod git;
mod health_advice;
mod medmnist;
mod notes;
mod options;
mod phee;
#[cfg(test)]
mod tests;
mod tidy;

use std::path::Path;

use serde::Serialize;

use crate::dataset::{Draft, Task};
use crate::error::Result;
use crate::partition::Cut;

pub use archives::{ARCHIVES, Archive};
pub use ddi::{NegativeFilter, Rule};
pub use options::{DoubleTyped, Entities, GitSplits, Options, RatingCut, Repeats};

/// Sizes of a dataset as the paper states them (its Table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names say what the fields are")]
pub struct PaperCounts {
    pub train: usize,
    pub dev: usize,
    pub test: usize,
    pub classes: usize,
}

impl PaperCounts {
    const fn new(train: usize, dev: usize, test: usize, classes: usize) -> PaperCounts {
        PaperCounts { train, dev, test, classes }
    }
}

/// An importer of one published dataset.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the names say what the fields are")]
pub struct Preset {
    /// Its name on the command line and in `dataset.json`.
    pub name: &'static str,
    pub title: &'static str,
    pub task: Task,
    pub paper: PaperCounts,
    pub expects: &'static str,
    pub source: &'static str,
    /// Their licence, as far as it is stated.
    pub licence: &'static str,
    /// The options of this dataset alone: names of fields of [`Options`], in kebab case.
    pub takes: &'static [&'static str],
    read: fn(&Path, &Options, &Cut) -> Result<Draft>,
}

impl Preset {
    /// Reads the files at `from`, a folder or a file. `cut` is for datasets that bring no splits.
    ///
    /// The draft's notes give its counts beside the paper's.
    ///
    /// # Errors
    /// A file that is missing or not as expected, with its line.
    pub fn import(&self, from: &Path, options: &Options, cut: &Cut) -> Result<Draft> {
        let mut draft = (self.read)(from, options, cut)?;
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
    notes::MIMIC,
    notes::SUPPLEMENT,
    drug_review::PRESET,
    health_advice::PRESET,
    ddi::PRESET,
    git::PRESET,
    phee::PRESET,
    medmnist::PRESETS[0],
    medmnist::PRESETS[1],
    medmnist::PRESETS[2],
    medmnist::PRESETS[3],
    medmnist::PRESETS[4],
];

/// The importer with this name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}
