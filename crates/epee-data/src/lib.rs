//! Datasets in one canonical form, importers, generators, tokenisation and packing.
//!
//! The way of a sentence: an importer ([`import`]) or the generator ([`synth`]) makes a [`Draft`],
//! [`write_dataset`] writes it as a folder, [`Dataset`] opens the folder and checks that nobody
//! changed it, [`TextTokenizer`] turns its [`Example`]s into ids, [`pack`] puts these into batches.
//!
//! What this crate must not hold: models.
//!
//! ```
//! use epee_data::{Draft, Example, write_dataset};
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

mod dataset;
mod digest;
mod error;
mod example;
mod image;
pub mod import;
mod inspect;
mod lines;
mod pack;
mod partition;
mod sequence;
pub mod synth;
#[cfg(test)]
mod testing;
mod tokenize;
mod zipped;

pub use dataset::{
    DATASET_FILE, Dataset, DatasetInfo, Draft, ImagesInfo, Input, Split, SplitInfo, Task, write_dataset,
};
pub use digest::sha256;
pub use error::{Error, Result};
pub use example::Example;
pub use image::{Augmentation, Filter, Image, ImageProcessor, MAX_PIXELS, Mixed, resize};
pub use inspect::{ClassCount, Inspection, Lengths, Overlap, PictureSizes, Sample, SplitReport, inspect};
pub use pack::{pack, pack_count, pack_order};
pub use partition::{Fractions, Partition, partition};
pub use sequence::{ImageInput, Sequence};
pub use tokenize::{Encoding, TextTokenizer};
