//! Importers: from files to [`Draft`](crate::Draft)s, which [`write_dataset`](crate::write_dataset) writes.
//!
//! - [`Format`] reads people's own files: CSV, TSV, JSONL, folders of images, NumPy archives.
//! - [`published`] reads published datasets. A new one is one file and one row of its table.
//!
//! An importer only makes rows. Label indices, ids, cutting and overlaps between splits are handled for all
//! importers in `rows`, and every error names the file and the line.

mod options;
mod own;
pub mod published;
mod rows;

pub use options::{check_options, given};
pub use own::{Columns, Files, Format, OwnOptions};
