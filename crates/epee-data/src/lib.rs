//! Datasets: one canonical folder format, importers, generators and inspection.
//!
//! An importer ([`import`]) or a generator ([`synth`]) makes a [`Draft`]. [`write_dataset`] writes it as a folder.
//! [`Dataset`] opens the folder and checks that it is unchanged.
//!
//! This crate knows no model.
//!
//! ```
//! use epee_data::{Draft, write_dataset};
//! use epee_input::Example;
//! let row = |id: &str, text: &str, label| Example {
//!     id: id.into(), text: text.into(), label: Some(label), ..Example::default()
//! };
//! let draft = Draft {
//!     name: "two rows".into(),
//!     labels: vec!["started".into(), "stopped".into()],
//!     splits: vec![("train".into(), vec![row("1", "began zinc", 0), row("2", "off zinc", 1)])],
//!     ..Draft::default()
//! };
//! let dir = tempfile::tempdir()?;
//! let dataset = write_dataset(dir.path(), &draft, false)?;
//! assert_eq!(dataset.split("train")?.examples[1].label, Some(1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod budget;
mod dataset;
mod error;
pub mod import;
mod inspect;
mod named;
mod partition;
mod random;
pub mod synth;
#[cfg(test)]
mod testing;
mod zipped;

pub use dataset::{
    DATASET_FILE, Dataset, DatasetInfo, Draft, ImagesInfo, Input, Split, SplitInfo, Task, write_dataset,
};
pub use error::{Error, Result};
pub use inspect::{ClassCount, ImageSizes, Inspection, Lengths, Overlap, Sample, SplitReport, inspect};
pub use partition::{Cut, Fractions, Partition, partition};
