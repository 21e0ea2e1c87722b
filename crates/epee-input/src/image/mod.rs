//! Pictures: decoding, resizing as the reference does, and what a model reads.
//!
//! The way of a picture: PNG or JPEG bytes become an [`Image`] of 8 bits, an [`ImageProcessor`] (a
//! `preprocessor_config.json`) makes it `channels × height × width` numbers. Nothing here knows of datasets or models.

mod codec;
mod config;
mod processor;
mod resample;
#[cfg(test)]
mod tests;
mod weights;

use std::sync::Arc;

pub use codec::Encoding as ImageEncoding;
use codec::{decode, encode_png};
pub use processor::ImageProcessor;
pub use resample::resize;
pub use weights::Filter;

/// The most pixels a picture may have, 2²⁶: what claims more is refused before memory is taken for it.
pub const MAX_PIXELS: usize = 1 << 26;

/// A decoded picture: 8 bits, height × width × channels, row-major.
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
    /// A picture of these samples.
    ///
    /// # Errors
    /// A size of zero or above [`MAX_PIXELS`], channels other than 1 or 3, another number of samples.
    pub fn new(height: usize, width: usize, channels: usize, data: impl Into<Arc<[u8]>>) -> Result<Self, String> {
        let image = Self { height, width, channels, data: data.into() };
        image.check()?;
        Ok(image)
    }

    /// Reads a PNG or JPEG file.
    ///
    /// # Errors
    /// A file that cannot be read or is neither, whole and of 8 bits.
    pub fn read(path: impl AsRef<std::path::Path>) -> crate::Result<Self> {
        let path = path.as_ref();
        decode(&epee_files::read_file(path)?).map_err(|problem| crate::Error::content(path, problem))
    }

    /// Decodes the bytes of a PNG or JPEG file.
    ///
    /// # Errors
    /// Bytes that are neither, whole and of 8 bits.
    pub fn decode(bytes: &[u8]) -> crate::Result<Self> {
        decode(bytes).map_err(crate::Error::Image)
    }

    /// The picture as a PNG file.
    ///
    /// # Errors
    /// A picture that [`Image::check`] refuses.
    pub fn to_png(&self) -> crate::Result<Vec<u8>> {
        encode_png(self).map_err(crate::Error::Image)
    }

    /// What [`Image::new`] asks for; the fields are open, so a picture made from them may be none.
    ///
    /// # Errors
    /// See [`Image::new`].
    pub fn check(&self) -> Result<(), String> {
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

/// Refuses what has no pixels and what has too many.
pub fn check_size(height: usize, width: usize) -> Result<(), String> {
    match height.checked_mul(width) {
        Some(0) => Err(format!("the picture is empty: {height} x {width} pixels")),
        Some(pixels) if pixels <= MAX_PIXELS => Ok(()),
        _ => Err(format!("{height} x {width} pixels, expected at most {MAX_PIXELS} in all")),
    }
}
