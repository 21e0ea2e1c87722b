//! Reading the corpus's XML documents from its zip or a folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::zipped::Zipped;
use epee_files::{read_file, utf8};

/// The largest document in the corpus has 200 kB.
const LARGEST: u64 = 16 << 20;

pub(super) struct Document {
    /// For errors: the file, within a zip the zip's path before it.
    pub(super) path: PathBuf,
    pub(super) name: String,
    /// `DrugBank` or `MedLine`: the folder it lies in.
    pub(super) part: String,
    pub(super) text: String,
}

/// The documents of train and of test, each in the order of their names.
pub(super) fn read(from: &Path) -> Result<[Vec<Document>; 2]> {
    let mut documents = [Vec::new(), Vec::new()];
    if from.is_dir() {
        let mut names = Vec::new();
        walk(from, "", &mut names)?;
        for (name, split, part) in wanted(names) {
            let path = from.join(&name);
            let text = utf8(&path, &read_file(&path)?)?.to_owned();
            documents[split].push(Document { path, name, part, text });
        }
    } else {
        let mut zip = Zipped::open(from)?;
        for (name, split, part) in wanted(zip.names()?) {
            let path = from.join(&name);
            let text = utf8(&path, &zip.read(&name, LARGEST)?)?.to_owned();
            documents[split].push(Document { path, name, part, text });
        }
    }
    for (documents, folder) in documents.iter().zip(["Train", "Test/Test for DDI Extraction task"]) {
        if documents.is_empty() {
            return Err(Error::content(from, format!("expected XML files under `{folder}`, got none")));
        }
    }
    Ok(documents)
}

/// Paths of all files below, with `/` between their names.
fn walk(folder: &Path, below: &str, names: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let entry = entry.map_err(Error::io("read", folder))?;
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().map_err(Error::io("read", &entry.path()))?;
        if kind.is_dir() {
            walk(&entry.path(), &format!("{name}/"), names)?;
        } else {
            names.push(name);
        }
    }
    Ok(())
}

/// The files to read, sorted, with split (0 train, 1 test) and part.
fn wanted(mut names: Vec<String>) -> Vec<(String, usize, String)> {
    names.sort_unstable();
    let place = |name: &String| place(name).map(|(split, part)| (name.clone(), split, part.to_owned()));
    names.iter().filter_map(place).collect()
}

/// Split and part of a path such as `DDICorpus/Test/Test for DDI Extraction task/MedLine/1.xml`.
fn place(name: &str) -> Option<(usize, &str)> {
    let folders: Vec<&str> = name.split('/').collect();
    let (file, folders) = folders.split_last()?;
    if !file.to_lowercase().ends_with(".xml") || file.starts_with('.') || folders.contains(&"__MACOSX") {
        return None;
    }
    let part = folders.last().copied()?;
    let lower: Vec<String> = folders.iter().map(|folder| folder.to_lowercase()).collect();
    let split = lower.iter().position(|folder| folder == "train" || folder == "test")?;
    if lower[split] == "train" {
        return Some((0, part));
    }
    // Beside it lies a folder for the recognition of names, which has no pairs to classify.
    let other_task = lower[split..].iter().any(|folder| folder.contains("ner"));
    (!other_task).then_some((1, part))
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn the_folder_of_the_other_task_is_passed_over() {
        assert_eq!(place("DDICorpus/Train/MedLine/1.xml"), Some((0, "MedLine")));
        assert_eq!(place("Test/Test for DDI Extraction task/DrugBank/a.XML"), Some((1, "DrugBank")));
        for other in [
            "DDICorpus/Test/Test for DrugNER task/MedLine/1.xml",
            "DDICorpus/Train/MedLine/.DS_Store",
            "DDICorpus/Train/MedLine/._1.xml",
            "__MACOSX/DDICorpus/Train/MedLine/1.xml",
            "DDICorpus/readme.xml",
        ] {
            assert_eq!(place(other), None, "{other}");
        }
    }
}
