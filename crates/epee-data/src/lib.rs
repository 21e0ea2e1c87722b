//! Datasets in one canonical form, importers, generators, tokenisation and packing.
//!
//! What this crate must not hold: models.

mod dataset;
mod digest;
mod error;
mod example;
mod lines;

pub use dataset::{
    DATASET_FILE, Dataset, DatasetInfo, Draft, Input, Split, SplitInfo, Task, write_dataset,
};
pub use digest::sha256;
pub use error::{Error, Result};
pub use example::Example;
