//! Images: decoding, resizing as Pillow does, and preprocessing.
//!
//! PNG or JPEG bytes become an [`Image`] of 8 bits. An [`ImageProcessor`] (a `preprocessor_config.json`) turns it into
//! `channels × height × width` numbers.

mod codec;
mod config;
mod processor;
mod resample;
#[cfg(test)]
mod tests;
mod weights;

use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};

pub use codec::Encoding as ImageEncoding;
use codec::{decode, encode_png};
pub use processor::ImageProcessor;
pub use resample::resize;
pub use weights::Filter;

/// The most pixels an image may have, 2²⁶; a larger one is refused before memory is allocated.
pub const MAX_PIXELS: usize = 1 << 26;

/// A decoded image: 8 bits, height × width × channels, row-major.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Image {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// The samples; `height · width · channels` of them.
    pub data: Arc<[u8]>,
}

impl std::fmt::Debug for Image {
    /// The sizes; the samples would fill the screen.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({}x{}x{})", self.height, self.width, self.channels)
    }
}

impl Image {
    /// An image of these samples.
    ///
    /// # Errors
    /// [`Error::Image`]: a size of zero or above [`MAX_PIXELS`], channels other than 1 or 3, another number of samples.
    pub fn new(height: usize, width: usize, channels: usize, data: impl Into<Arc<[u8]>>) -> Result<Self> {
        let image = Self { height, width, channels, data: data.into() };
        image.check()?;
        Ok(image)
    }

    /// Reads a PNG or JPEG file.
    ///
    /// # Errors
    /// A file that cannot be read, is cut short, is neither PNG nor JPEG, or has more than 8 bits per sample.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        decode(&epee_files::read_file(path)?).map_err(|problem| Error::content(path, problem))
    }

    /// Decodes the bytes of a PNG or JPEG file.
    ///
    /// # Errors
    /// As [`Image::read`].
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        decode(bytes).map_err(Error::Image)
    }

    /// The image as a PNG file: the same bytes for the same image.
    ///
    /// # Errors
    /// An image that [`Image::check`] refuses.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        self.check()?;
        encode_png(self).map_err(Error::Image)
    }

    /// Checks what [`Image::new`] checks: the fields are public, so they may contradict each other.
    ///
    /// # Errors
    /// See [`Image::new`].
    pub fn check(&self) -> Result<()> {
        self.fault().map_err(Error::Image)
    }

    fn fault(&self) -> Result<(), String> {
        check_size(self.height, self.width)?;
        if self.channels != 1 && self.channels != 3 {
            return Err(format!("expected 1 or 3 channels, got {}", self.channels));
        }
        let expected = self.height * self.width * self.channels;
        if self.data.len() != expected {
            return Err(format!("expected {expected} samples, got {}", self.data.len()));
        }
        Ok(())
    }
}

/// Refuses sizes without pixels and with too many.
fn check_size(height: usize, width: usize) -> Result<(), String> {
    match height.checked_mul(width) {
        Some(0) => Err(format!("the image is empty: {height} x {width} pixels")),
        Some(pixels) if pixels <= MAX_PIXELS => Ok(()),
        _ => Err(format!("{height} x {width} pixels, expected at most {MAX_PIXELS} in all")),
    }
}
