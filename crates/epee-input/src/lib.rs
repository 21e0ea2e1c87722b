//! Model inputs: tokenizers, image preprocessing, sequences and packing.
//!
//! An [`Example`] is one text, one pair of texts or one [`Image`]. Its texts are [`SampleText`]s, which no message can show by accident. [`TextTokenizer`] and [`ImageProcessor`] turn it into a
//! [`Sequence`], which a model reads. [`pack`] puts sequences into batches without padding.
//!
//! This crate knows no dataset format and no model.

mod error;
mod example;
mod guard;
mod image;
mod pack;
mod sequence;
mod text;
mod tokenize;

pub use error::{Error, Result};
pub use example::{Example, ExampleKey};
pub use guard::LibraryFault;
pub use image::{Filter, Image, ImageEncoding, ImageProcessor, MAX_PIXELS, resize};
pub use pack::{pack, pack_count, pack_order};
pub use sequence::{ImageInput, Sequence};
pub use text::SampleText;
pub use tokenize::{Encoding, TextTokenizer};
