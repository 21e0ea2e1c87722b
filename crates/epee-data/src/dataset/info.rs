//! The content of `dataset.json`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use epee_files::sha256;

/// The version of the canonical form that this crate writes.
pub(crate) const FORMAT: u32 = 1;

/// Kind of task, as the paper names it; all are treated as sequence classification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// One text, one class.
    #[default]
    Classification,
    /// Two entities marked in a sentence, the relation is the class.
    RelationExtraction,
    /// The type of a sentence's event is the class.
    EventExtraction,
    /// One image, one class.
    ImageClassification,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Classification => "classification",
            Self::RelationExtraction => "relation extraction",
            Self::EventExtraction => "event extraction",
            Self::ImageClassification => "image classification",
        })
    }
}

/// Kind of input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// Text, in JSONL files.
    #[default]
    Text,
    /// Images: JSONL files name them, a zip beside each holds them.
    Image,
}

/// One split as `dataset.json` describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitInfo {
    /// File name within the folder.
    pub file: String,
    /// Number of examples.
    pub rows: usize,
    /// SHA-256 of the file.
    pub digest: String,
    /// The zip with its images, in a dataset of images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<ImagesInfo>,
}

impl SplitInfo {
    /// Digest of the split's content: the file's digest, or with images the SHA-256 of both digests.
    pub fn content_digest(&self) -> String {
        match &self.images {
            None => self.digest.clone(),
            Some(images) => sha256(format!("{}\n{}", self.digest, images.digest).as_bytes()),
        }
    }
}

/// The images of a split: one zip, its entries PNG or JPEG, stored as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagesInfo {
    /// File name within the folder.
    pub file: String,
    /// SHA-256 of the file.
    pub digest: String,
}

/// The content of `dataset.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say what the fields are")]
pub struct DatasetInfo {
    /// Version of the canonical form.
    pub format: u32,
    pub name: String,
    pub task: Task,
    #[serde(default)]
    pub input: Input,
    /// Names of the classes, in the order of their indices.
    pub labels: Vec<String>,
    pub source: String,
    /// Licence of the source, as far as it states one.
    pub licence: String,
    /// Notes for the reader: counts beside the paper's, decisions taken.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Its splits by name.
    pub splits: BTreeMap<String, SplitInfo>,
    /// Other files that were written with it, with the SHA-256 of each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// SHA-256 over labels and splits; see [`DatasetInfo::compute_digest`].
    pub digest: String,
}

impl DatasetInfo {
    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.labels.len()
    }

    /// Names of all its files but `dataset.json`.
    pub(super) fn file_names(&self) -> impl Iterator<Item = &String> {
        let images = self.splits.values().filter_map(|split| split.images.as_ref()).map(|images| &images.file);
        self.splits.values().map(|split| &split.file).chain(images).chain(self.files.keys())
    }

    /// SHA-256 of the labels in order and of each split's name and content, without source, licence and notes.
    pub fn compute_digest(&self) -> String {
        let splits: BTreeMap<&str, String> =
            self.splits.iter().map(|(name, split)| (name.as_str(), split.content_digest())).collect();
        // Strings and maps of strings always serialise.
        let text = serde_json::json!({ "labels": self.labels, "splits": splits }).to_string();
        sha256(text.as_bytes())
    }
}

/// An example as a line of JSON: the label by name. The one place where texts are written; it has no `Debug`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    pub(crate) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// An entry of the split's zip.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) image: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pair: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) grade: Option<u32>,
}

pub(crate) fn label_index(labels: &[String], name: &str) -> Option<usize> {
    labels.iter().position(|label| label == name)
}
