//! Own images: a folder of PNG and JPEG files for each class.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::dataset::Draft;
use crate::error::{Error, Result};
use crate::import::rows::{Part, Row, Unit, complete, list, sort_labels};
use crate::partition::Cut;
use epee_files::read_file;
use epee_input::Image;

/// Reads a folder: `train`, `dev` (or `val`) and `test` with a folder for each class in each, or the classes' folders
/// alone. The files are stored byte for byte; an id is `CLASS/FILE`.
pub(super) fn read(dir: &Path, settings: &Cut) -> Result<Draft> {
    let (_, folders) = entries(dir)?;
    let split = |names: &[&str]| folders.iter().find(|path| names.contains(&name(path).as_str()));
    let (train, others) = match split(&["train"]) {
        None => (dir, Vec::new()),
        Some(train) => {
            let dev = split(&["dev", "val", "valid", "validation"]).map(|path| ("dev", path));
            (train.as_path(), dev.into_iter().chain(split(&["test"]).map(|path| ("test", path))).collect())
        }
    };
    let mut skipped = 0;
    let places = places(train, &mut skipped)?;
    let labels = sort_labels(places.iter().map(|(class, _)| class.as_str()).collect());
    let mut parts = vec![part("train", train, places, &labels)?];
    for (split, path) in others {
        parts.push(part(split, path, self::places(path, &mut skipped)?, &labels)?);
    }
    let has_test = parts.iter().any(|part| part.split == "test");
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let mut draft = complete(parts, Some(&labels), settings, has_test)?;
    if skipped > 0 {
        draft.notes.push(format!("{skipped} files that are named neither .png, .jpg nor .jpeg were left out"));
    }
    Ok(draft)
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

/// Class and file of the images of one split; counts the files that are none by name.
fn places(dir: &Path, skipped: &mut usize) -> Result<Vec<(String, PathBuf)>> {
    let (_, classes) = entries(dir)?;
    if classes.is_empty() {
        return Err(Error::content(dir, "expected a folder for each class, got none"));
    }
    let mut places = Vec::new();
    for folder in classes {
        let (files, folders) = entries(&folder)?;
        if let Some(inner) = folders.first() {
            return Err(Error::content(inner, "expected images in a class's folder, got a folder"));
        }
        let known = |path: &PathBuf| {
            let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
            matches!(extension.as_str(), "png" | "jpg" | "jpeg")
        };
        let (images, others): (Vec<PathBuf>, Vec<PathBuf>) = files.into_iter().partition(known);
        *skipped += others.len();
        if images.is_empty() {
            return Err(Error::content(&folder, "expected PNG or JPEG files, got none"));
        }
        places.extend(images.into_iter().map(|path| (name(&folder), path)));
    }
    Ok(places)
}

fn part(split: &'static str, dir: &Path, places: Vec<(String, PathBuf)>, labels: &[String]) -> Result<Part> {
    let read = |(at, (class, path)): (usize, &(String, PathBuf))| {
        if !labels.contains(class) {
            let seen = list(labels.iter().map(String::as_str));
            return Err(Error::content(dir, format!("class `{class}` does not occur in train, which has {seen}")));
        }
        let file = read_file(path)?;
        let image = Image::decode(&file).map_err(|problem| Error::content(path, problem.to_string()))?;
        Ok(Row::image(at as u64 + 1, format!("{class}/{}", name(path)), image, Some(file), class.clone()))
    };
    let rows: Vec<Row> = places.par_iter().enumerate().map(read).collect::<Result<_>>()?;
    Ok(Part::new(split, dir, Unit::Entry, rows))
}
