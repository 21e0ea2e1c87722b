//! People's own pictures: a folder for each class, of PNG and JPEG files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::pictures::{Picture, assemble, cut};
use crate::dataset::label_index;
use crate::dataset::{Draft, Task};
use crate::error::{Error, Result};
use crate::partition::Fractions;
use epee_files::read_file;
use epee_input::Image;

/// An importer of own pictures in folders.
///
/// Either `train`, `dev` (or `val`) and `test` with a folder for each class in each, or the classes' folders alone, which are cut.
/// The files are stored byte for byte.
#[derive(Clone, Debug)]
pub struct OwnImages {
    /// The folder.
    pub dir: PathBuf,
    /// Seed of a cut.
    pub seed: u64,
    /// Sizes of a cut.
    pub fractions: Fractions,
}

/// A file, its class by name.
struct Place {
    path: PathBuf,
    class: String,
}

impl OwnImages {
    /// Reads the folder. Classes are the folders of train, sorted, numbers by value; an id is `CLASS/FILE`.
    ///
    /// # Errors
    /// With the file: what is no whole PNG or JPEG, has more than 8 bits a sample, no pixels or too many. With the
    /// folder: no classes, a class without pictures in train, a class that train does not have, folders within a class.
    pub fn read(&self) -> Result<Draft> {
        let dir = &self.dir;
        let (_, folders) = entries(dir)?;
        let split = |names: &[&str]| folders.iter().find(|path| names.contains(&name(path).as_str()));
        let mut skipped = 0;
        let mut notes = Vec::new();
        let (train, others) = match split(&["train"]) {
            None => (dir, Vec::new()),
            Some(train) => {
                let dev = split(&["dev", "val", "valid", "validation"]).map(|path| ("dev", path));
                (train, dev.into_iter().chain(split(&["test"]).map(|path| ("test", path))).collect())
            }
        };
        let places = places(train, &mut skipped)?;
        let names: BTreeSet<&str> = places.iter().map(|place| place.class.as_str()).collect();
        let labels = super::rows::sort_labels(names);
        let rows = pictures(train, places, &labels)?;
        let has = |split: &str| others.iter().any(|(name, _)| *name == split);
        let mut parts = if has("dev") {
            vec![("train", rows)]
        } else {
            let (fractions, what) = match has("test") {
                true => (self.fractions.without_test(), "dev cut from train"),
                false => (self.fractions, "splits cut"),
            };
            notes.push(format!("{what} with seed {}, stratified, by content", self.seed));
            cut(rows, fractions, self.seed)
        };
        for (split, path) in others {
            let places = self::places(path, &mut skipped)?;
            parts.push((split, pictures(path, places, &labels)?));
        }
        let mut draft = assemble(parts, labels);
        draft.notes.extend(notes);
        if skipped > 0 {
            draft.notes.push(format!("{skipped} files that are named neither .png, .jpg nor .jpeg were left out"));
        }
        draft.task = Task::ImageClassification;
        draft.name = name(dir);
        draft.source = format!("own pictures: {}", name(dir));
        draft.licence = "not stated".to_owned();
        Ok(draft)
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Files and folders in a folder, by name; hidden ones left out.
fn entries(dir: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(dir).map_err(Error::io("read", dir))? {
        let path = entry.map_err(Error::io("read", dir))?.path();
        match name(&path) {
            hidden if hidden.starts_with('.') => {}
            _ if path.is_dir() => folders.push(path),
            _ => files.push(path),
        }
    }
    files.sort();
    folders.sort();
    Ok((files, folders))
}

/// The pictures of one split; counts the files that are none by name.
fn places(dir: &Path, skipped: &mut usize) -> Result<Vec<Place>> {
    let (_, classes) = entries(dir)?;
    if classes.is_empty() {
        return Err(Error::content(dir, "expected a folder for each class, got none"));
    }
    let mut places = Vec::new();
    for folder in classes {
        let (files, folders) = entries(&folder)?;
        if let Some(inner) = folders.first() {
            return Err(Error::content(inner, "expected pictures in a class's folder, got a folder"));
        }
        let known = |path: &PathBuf| {
            let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
            matches!(extension.as_str(), "png" | "jpg" | "jpeg")
        };
        let (pictures, others): (Vec<PathBuf>, Vec<PathBuf>) = files.into_iter().partition(known);
        *skipped += others.len();
        if pictures.is_empty() {
            return Err(Error::content(&folder, "expected PNG or JPEG files, got none"));
        }
        let class = name(&folder);
        places.extend(pictures.into_iter().map(|path| Place { path, class: class.clone() }));
    }
    Ok(places)
}

fn pictures(dir: &Path, places: Vec<Place>, labels: &[String]) -> Result<Vec<Picture>> {
    let read = |place: &Place| {
        let Place { path, class } = place;
        let Some(label) = label_index(labels, class) else {
            let seen = super::rows::list(labels.iter().map(String::as_str));
            return Err(Error::content(dir, format!("class `{class}` does not occur in train, which has {seen}")));
        };
        let file = read_file(path)?;
        let image = Image::decode(&file).map_err(|problem| Error::content(path, problem.to_string()))?;
        Ok(Picture::file(format!("{class}/{}", name(path)), label, &image, file))
    };
    places.par_iter().map(read).collect()
}
