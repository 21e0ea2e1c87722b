//! Models and datasets by path or by hub id.

use std::path::{Path, PathBuf};

use epee_hub::{Hub, Kind, Progress, Wanted, looks_like_id};

use crate::Error;

/// The folder of a model: the path itself, or the cache's folder for a hub id. A path never touches the network.
///
/// # Errors
/// A hub id that cannot be fetched.
pub fn model(path: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<PathBuf, Error> {
    local(path, Kind::Model, &Wanted::MODEL, progress)
}

/// The files of a dataset: the path itself, or the cache's folder for a hub id. A path never touches the network.
///
/// # Errors
/// A hub id that cannot be fetched.
pub fn dataset(path: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<PathBuf, Error> {
    local(path, Kind::Dataset, &Wanted::DATA, progress)
}

fn local(path: &Path, kind: Kind, files: &Wanted, progress: &mut dyn FnMut(Progress<'_>)) -> Result<PathBuf, Error> {
    let Some(text) = path.to_str() else { return Ok(path.to_owned()) };
    // `a/b` means a folder if `a` is a folder here.
    let here = path.parent().is_some_and(|parent| !parent.as_os_str().is_empty() && parent.is_dir());
    if here || !looks_like_id(text) {
        return Ok(path.to_owned());
    }
    Hub::from_env()
        .and_then(|hub| hub.fetch(text, kind, files, &mut |event| progress(event)))
        .map_err(|source| Error::Hub { id: text.to_owned(), kind: kind.name(), source })
}
