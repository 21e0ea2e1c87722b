//! Datasets in one canonical form, importers, generators, tokenisation and packing.
//!
//! What this crate must not hold: models.

mod dataset;
mod digest;
mod error;
mod example;
pub mod import;
mod inspect;
mod lines;
mod pack;
mod partition;
pub mod synth;
#[cfg(test)]
mod testing;
mod tokenize;

pub use dataset::{DATASET_FILE, Dataset, DatasetInfo, Draft, Input, Split, SplitInfo, Task, write_dataset};
pub use digest::sha256;
pub use error::{Error, Result};
pub use example::Example;
pub use inspect::{ClassCount, Inspection, Lengths, Overlap, Sample, SplitReport, inspect};
pub use pack::{pack, pack_count, pack_order};
pub use partition::{Fractions, Partition, partition};
pub use tokenize::{Encoding, TextTokenizer};
