//! One example as a line of a split's file.

use serde::{Deserialize, Serialize};

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

/// Index of a label.
pub(crate) fn label_index(labels: &[String], name: &str) -> Option<usize> {
    labels.iter().position(|label| label == name)
}
