//! Images in NumPy archives: `train_images`, `train_labels`, and the same for `val` or `dev` and for `test`.

mod archive;
mod header;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::Path;

use crate::dataset::Draft;
use crate::error::{Error, Result};
use crate::import::rows::{Part, Row, Unit, assemble, complete};
use crate::partition::Cut;
use archive::Archive;

/// Reads an archive; `names` are the classes 0, 1, …; by default their numbers are the names.
pub(super) fn read(path: &Path, names: Option<&[String]>, settings: &Cut) -> Result<Draft> {
    let (parts, labels) = parts(path, names)?;
    let has_test = parts.iter().any(|part| part.split == "test");
    complete(parts, Some(&labels.iter().map(String::as_str).collect::<Vec<_>>()), settings, has_test)
}

/// Reads a published archive, which has all three splits, images of `channels` and one of the published sizes.
pub(in crate::import) fn read_published(path: &Path, labels: &[&str], channels: usize) -> Result<Draft> {
    let names: Vec<String> = labels.iter().map(|&label| label.to_owned()).collect();
    let (parts, _) = parts(path, Some(&names))?;
    for split in ["train", "dev", "test"] {
        let Some(part) = parts.iter().find(|part| part.split == split) else {
            return Err(Error::content(path, format!("no images for the split `{split}`")));
        };
        for row in &part.rows {
            let [height, width, got] = row.shape();
            let size = matches!((height, width), (28, 28) | (64, 64) | (128, 128) | (224, 224));
            if !size || got != channels {
                let expected = format!("expected {channels} channels and 28 or 224 pixels a side");
                return Err(Error::content(path, format!("{expected}, got {got} and {height} x {width}")));
            }
        }
    }
    assemble(parts, Some(labels))
}

/// The splits that are there, train first, and the names of the classes.
fn parts(path: &Path, names: Option<&[String]>) -> Result<(Vec<Part>, Vec<String>)> {
    let mut archive = Archive::open(path)?;
    let mut parts: Vec<Part> = Vec::new();
    let mut classes: Vec<i64> = (0..names.map_or(0, <[String]>::len) as i64).collect();
    for (split, prefix) in [("train", "train"), ("dev", "val"), ("dev", "dev"), ("test", "test")] {
        let [images, entry] = [format!("{prefix}_images"), format!("{prefix}_labels")];
        // Train must be there: its absence is an error with the names that are.
        if split != "train" && !archive.has(&images) && !archive.has(&entry) {
            continue;
        }
        if parts.iter().any(|part| part.split == split) {
            return Err(Error::content(path, "both `val_images` and `dev_images` are there"));
        }
        let numbers = archive.labels(&entry)?;
        let decoded = archive.images(&images)?;
        if decoded.len() != numbers.len() {
            let problem = format!("{} images in `{images}`, {} labels in `{entry}`", decoded.len(), numbers.len());
            return Err(Error::content(path, problem));
        }
        if names.is_none() && split == "train" {
            classes = numbers.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        }
        let mut rows = Vec::with_capacity(decoded.len());
        for (i, (image, number)) in (1..).zip(decoded.into_iter().zip(numbers)) {
            let Ok(place) = classes.binary_search(&number) else {
                let known = match names {
                    Some(names) => format!("0 to {}", names.len().saturating_sub(1)),
                    None => "those of `train_labels`".to_owned(),
                };
                let problem = format!("expected a label out of {known}, got {number} for image {i}");
                return Err(Error::content(path, format!("entry `{entry}`: {problem}")));
            };
            let label = names.map_or_else(|| number.to_string(), |names| names[place].clone());
            rows.push(Row::image(i, i.to_string(), image, None, label));
        }
        parts.push(Part::new(split, path, Unit::Entry, rows));
    }
    let names = names.map_or_else(|| classes.iter().map(i64::to_string).collect(), <[String]>::to_vec);
    Ok((parts, names))
}
