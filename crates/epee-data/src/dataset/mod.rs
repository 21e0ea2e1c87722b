//! The canonical form of a dataset: a folder with `dataset.json` and one JSONL file per split.
//!
//! `dataset.json` names the task, the labels in order, the source, and for each split its file,
//! its number of rows and the SHA-256 of the file. A line of a split is
//! `{"id", "text", "pair"?, "label"?, "grade"?}`, the label by name. If `input` is `image`, a line
//! has `image` in place of `text` and `pair`: the name of an entry of the zip beside the split's
//! file. Other files, such as a `tokenizer.json`, may lie beside them. Importers and generators write this form,
//! everything else reads it.

mod images;
mod info;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use info::label_index;
pub use info::{DatasetInfo, ImagesInfo, Input, SplitInfo, Task};
pub use read::{Dataset, Split};
pub use write::{Draft, write_dataset};

/// The file that makes a folder a dataset.
pub const DATASET_FILE: &str = "dataset.json";
