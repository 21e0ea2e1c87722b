//! Opening a dataset's folder and reading its splits. Digests, row counts and labels are checked.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::info::{FORMAT, Line, label_index};
use super::{DATASET_FILE, DatasetInfo, Input, images};
use crate::error::{Error, Result};
use epee_files::{json_problem, read_file, sha256, sha256_file, utf8};
use epee_input::{Example, SampleText};

/// An opened dataset: its folder and the content of `dataset.json`.
#[derive(Clone, Debug)]
pub struct Dataset {
    dir: PathBuf,
    info: DatasetInfo,
}

/// The examples of one split.
#[derive(Clone, Debug)]
pub struct Split {
    /// Its name, such as `train`.
    pub name: String,
    /// The examples, in the file's order.
    pub examples: Vec<Example>,
    /// SHA-256 of its content: see [`SplitInfo::content_digest`](super::SplitInfo::content_digest).
    pub digest: String,
}

impl Dataset {
    /// Reads `dataset.json`; the splits are read by [`Dataset::split`].
    ///
    /// # Errors
    /// No `dataset.json`, another form or version, or labels or splits that were edited.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self> {
        let dir = dir.as_ref().to_path_buf();
        let path = dir.join(DATASET_FILE);
        if !path.is_file() {
            let problem =
                if dir.is_dir() { "no dataset here: expected a folder with dataset.json" } else { "no such folder" };
            return Err(Error::content(&dir, problem));
        }
        let bytes = read_file(&path)?;
        check_format(&path, &bytes)?;
        let info: DatasetInfo = serde_json::from_slice(&bytes).map_err(|e| Error::content(&path, json_problem(&e)))?;
        check_info(&path, &info)?;
        Ok(Self { dir, info })
    }

    /// The content of `dataset.json`.
    pub fn info(&self) -> &DatasetInfo {
        &self.info
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// True if the dataset has this split.
    pub fn has_split(&self, name: &str) -> bool {
        self.info.splits.contains_key(name)
    }

    /// Names of the splits: `train`, `dev`, `test` first, others after them by name.
    pub fn split_names(&self) -> Vec<&str> {
        let usual = ["train", "dev", "test"];
        let mut names: Vec<&str> = self.info.splits.keys().map(String::as_str).collect();
        names.sort_by_key(|name| usual.iter().position(|u| u == name).unwrap_or(usual.len()));
        names
    }

    /// Reads one split, its images decoded, and checks its digests, its row count and its labels.
    ///
    /// # Errors
    /// No such split, a missing file, a file that is not the one that was written, a line that
    /// is no example, an entry that is no image.
    pub fn split(&self, name: &str) -> Result<Split> {
        let Some(expected) = self.info.splits.get(name) else {
            return Err(Error::NoSplit {
                path: self.dir.clone(),
                split: name.to_owned(),
                have: self.split_names().join(", "),
            });
        };
        let path = self.dir.join(&expected.file);
        let bytes = read_file(&path)?;
        check_digest(&path, &expected.digest, &sha256(&bytes))?;
        let (mut examples, names) = self.parse(&path, &bytes)?;
        if examples.len() != expected.rows {
            return Err(Error::content(&path, format!("expected {} rows, got {}", expected.rows, examples.len())));
        }
        if let Some(images) = &expected.images {
            let path = self.dir.join(&images.file);
            check_digest(&path, &images.digest, &sha256_file(&path)?)?;
            let images = images::read(&path, &names)?;
            for (example, image) in examples.iter_mut().zip(images) {
                example.image = Some(image);
            }
        }
        Ok(Split { name: name.to_owned(), examples, digest: expected.content_digest() })
    }

    /// The examples, and of a dataset of images the entry that each names.
    fn parse(&self, path: &Path, bytes: &[u8]) -> Result<(Vec<Example>, Vec<String>)> {
        let (mut examples, mut names) = (Vec::new(), Vec::new());
        for (i, text) in utf8(path, bytes)?.lines().enumerate() {
            let at = |problem: String| Error::line(path, i as u64 + 1, problem);
            let line: Line = serde_json::from_str(text).map_err(|e| at(json_problem(&e)))?;
            let label = match line.label {
                None => None,
                Some(name) => Some(
                    label_index(&self.info.labels, &name)
                        .ok_or_else(|| at("the label is none of those in dataset.json".to_owned()))?,
                ),
            };
            let missing = |field: &str| at(format!("missing field `{field}`"));
            let text = match (self.info.input, line.text, line.image) {
                (Input::Text, Some(text), None) => text.into(),
                (Input::Text, None, _) => return Err(missing("text")),
                (Input::Text, Some(_), Some(_)) => return Err(at("`image` in a dataset of texts".to_owned())),
                (Input::Image, None, Some(name)) => {
                    names.push(name);
                    SampleText::default()
                }
                (Input::Image, _, None) => return Err(missing("image")),
                (Input::Image, Some(_), Some(_)) => return Err(at("`text` in a dataset of images".to_owned())),
            };
            let pair = line.pair.map(SampleText::from);
            examples.push(Example { id: line.id, text, pair, image: None, label, grade: line.grade });
        }
        Ok((examples, names))
    }
}

fn check_digest(path: &Path, expected: &str, got: &str) -> Result<()> {
    if got != expected {
        let problem = format!("the file was changed after it was written: expected {expected}, got {got}");
        return Err(Error::content(path, problem));
    }
    Ok(())
}

/// A newer form is named as such before its fields are looked at.
fn check_format(path: &Path, bytes: &[u8]) -> Result<()> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let version: Version = serde_json::from_slice(bytes).map_err(|e| Error::content(path, json_problem(&e)))?;
    if version.format != FORMAT {
        let problem = format!("expected format {FORMAT}, got {}", version.format);
        return Err(Error::content(path, problem));
    }
    Ok(())
}

fn check_info(path: &Path, info: &DatasetInfo) -> Result<()> {
    for (name, split) in &info.splits {
        if split.images.is_some() != (info.input == Input::Image) {
            let problem = format!("split `{name}`: images and `input` do not go together");
            return Err(Error::content(path, problem));
        }
    }
    for name in info.file_names() {
        if !is_plain_name(name) {
            return Err(Error::content(path, format!("expected a plain file name, got `{name}`")));
        }
    }
    let digest = info.compute_digest();
    if digest != info.digest {
        return Err(Error::content(
            path,
            format!("labels or splits were edited: expected {}, got {digest}", info.digest),
        ));
    }
    Ok(())
}

/// A name that stays within its folder.
pub(crate) fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0'])
}
