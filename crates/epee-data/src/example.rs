//! One example in memory, and its line in a split's file.

use serde::{Deserialize, Serialize};

use crate::image::Image;

/// One sentence, one pair of sentences or one picture, and its class where known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example {
    /// Unique within its split.
    pub id: String,
    /// The text that is classified; empty beside a picture.
    pub text: String,
    /// A second text, for tasks on pairs.
    pub pair: Option<String>,
    /// The picture that is classified.
    pub image: Option<Image>,
    /// Index into the dataset's labels.
    pub label: Option<usize>,
    /// Difficulty of a generated example, from 1; `None` elsewhere.
    pub grade: Option<u32>,
}

impl Example {
    /// What makes two examples the same input: text and pair, without the space around them, and the picture.
    pub fn key(&self) -> (&str, &str, Option<&Image>) {
        (self.text.trim(), self.pair.as_deref().unwrap_or_default().trim(), self.image.as_ref())
    }
}

/// An example as a line of JSON: the label by name.
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

/// Where the name stands among the labels.
pub(crate) fn label_index(labels: &[String], name: &str) -> Option<usize> {
    labels.iter().position(|label| label == name)
}
