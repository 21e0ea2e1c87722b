//! Pictures in NumPy archives: `train_images`, `train_labels`, and the same for `val` or `dev` and for `test`.

mod archive;
mod header;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::pictures::{Picture, assemble, cut};
use crate::dataset::{Draft, Task};
use crate::error::{Error, Result};
use crate::partition::Fractions;
use archive::Archive;

/// An importer of own pictures in an npz.
///
/// `SPLIT_images` is `[n, h, w]` or `[n, h, w, channels]` of bytes, `SPLIT_labels` `[n]` or `[n, 1]` of whole
/// numbers from 0; splits are `train`, `val` or `dev`, and `test`. Without dev it is cut from train, without test
/// as well both are.
#[derive(Clone, Debug)]
pub struct OwnNpz {
    /// The file.
    pub path: PathBuf,
    /// Names of the classes 0, 1, …; by number without.
    pub labels: Option<Vec<String>>,
    /// Seed of a cut.
    pub seed: u64,
    /// Sizes of a cut.
    pub fractions: Fractions,
}

impl OwnNpz {
    /// Reads the file.
    ///
    /// # Errors
    /// With the entry: one that is missing, cut short, no plain array, larger than it says or than may be read;
    /// objects; other shapes or channels; images and labels that differ in number; a label out of range.
    pub fn read(&self) -> Result<Draft> {
        let mut archive = Archive::open(&self.path)?;
        let (mut parts, labels) = read(&mut archive, &self.path, self.labels.as_deref())?;
        let mut notes = Vec::new();
        if !parts.iter().any(|(split, _)| *split == "dev") {
            let test = parts.iter().any(|(split, _)| *split == "test");
            let fractions = if test { self.fractions.without_test() } else { self.fractions };
            let train = parts.remove(0).1;
            parts.splice(0..0, cut(train, fractions, self.seed));
            let what = if test { "dev cut from train" } else { "splits cut" };
            notes.push(format!("{what} with seed {}, stratified, by content", self.seed));
        }
        let mut draft = assemble(parts, labels);
        draft.notes.extend(notes);
        draft.task = Task::ImageClassification;
        draft.name = self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        draft.source = format!("own file: {}", self.path.file_name().unwrap_or_default().to_string_lossy());
        draft.licence = "not stated".to_owned();
        Ok(draft)
    }
}

/// The parts of a published file, which has all three splits.
pub(super) fn published(
    path: &Path,
    labels: &[&str],
    shapes: impl Fn(&Picture) -> Result<(), String>,
) -> Result<Draft> {
    let mut archive = Archive::open(path)?;
    let labels: Vec<String> = labels.iter().map(|&label| label.to_owned()).collect();
    let (parts, labels) = read(&mut archive, path, Some(&labels))?;
    for split in ["train", "dev", "test"] {
        let Some((_, rows)) = parts.iter().find(|(name, _)| *name == split) else {
            return Err(Error::content(path, format!("no pictures for the split `{split}`")));
        };
        rows.iter().try_for_each(&shapes).map_err(|problem| Error::content(path, problem))?;
    }
    Ok(assemble(parts, labels))
}

type Parts = Vec<(&'static str, Vec<Picture>)>;

/// The splits that are there, train first, and the names of the classes.
fn read(archive: &mut Archive, path: &Path, names: Option<&[String]>) -> Result<(Parts, Vec<String>)> {
    let mut splits = Vec::new();
    for (split, prefix) in [("train", "train"), ("dev", "val"), ("dev", "dev"), ("test", "test")] {
        let [images, labels] = [format!("{prefix}_images"), format!("{prefix}_labels")];
        // Train must be there: its absence is an error with the names that are.
        if split != "train" && !archive.has(&images) && !archive.has(&labels) {
            continue;
        }
        if splits.iter().any(|(seen, _, _, _)| *seen == split) {
            return Err(Error::content(path, "both `val_images` and `dev_images` are there"));
        }
        let numbers = archive.labels(&labels)?;
        let pictures = archive.images(&images)?;
        if pictures.len() != numbers.len() {
            let problem = format!("{} pictures in `{images}`, {} labels in `{labels}`", pictures.len(), numbers.len());
            return Err(Error::content(path, problem));
        }
        splits.push((split, labels, pictures, numbers));
    }
    let classes: Vec<i64> = match names {
        Some(names) => (0..names.len() as i64).collect(),
        None => {
            splits.iter().take(1).flat_map(|(_, _, _, n)| n).copied().collect::<BTreeSet<_>>().into_iter().collect()
        }
    };
    let mut parts = Vec::new();
    for (split, entry, pictures, numbers) in splits {
        let mut rows = Vec::with_capacity(pictures.len());
        for (i, (image, number)) in pictures.into_iter().zip(numbers).enumerate() {
            let Ok(label) = classes.binary_search(&number) else {
                let known = match names {
                    Some(names) => format!("0 to {}", names.len().saturating_sub(1)),
                    None => "those of `train_labels`".to_owned(),
                };
                let problem =
                    format!("entry `{entry}`: expected a label out of {known}, got {number} for picture {}", i + 1);
                return Err(Error::content(path, problem));
            };
            rows.push(Picture::decoded((i + 1).to_string(), label, image));
        }
        parts.push((split, rows));
    }
    let names = names.map_or_else(|| classes.iter().map(i64::to_string).collect(), <[String]>::to_vec);
    Ok((parts, names))
}
