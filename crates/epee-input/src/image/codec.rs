//! Decoding and encoding PNG and JPEG.

use std::io::Cursor;

use ::image::codecs::png::{CompressionType, FilterType, PngEncoder};
use ::image::{
    ColorType, DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits,
};

use super::{Image, MAX_PIXELS, check_size};

/// File format of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
}

impl Encoding {
    /// The encoding by the file's first bytes, whatever its name says.
    ///
    /// # Errors
    /// Bytes that begin neither a PNG nor a JPEG file.
    pub fn of(bytes: &[u8]) -> crate::Result<Encoding> {
        encoding(bytes).map_err(crate::Error::Image)
    }

    /// The usual extension of such a file.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
        }
    }
}

pub(super) fn encoding(bytes: &[u8]) -> Result<Encoding, String> {
    match ::image::guess_format(bytes) {
        Ok(ImageFormat::Png) => Ok(Encoding::Png),
        Ok(ImageFormat::Jpeg) => Ok(Encoding::Jpeg),
        Ok(other) => Err(format!("expected PNG or JPEG, got {other:?}")),
        Err(_) if bytes.is_empty() => Err("expected PNG or JPEG, got an empty file".to_owned()),
        Err(_) => Err("expected PNG or JPEG, got neither".to_owned()),
    }
}

/// Decodes an image. Transparency is dropped and a palette looked up, as Pillow's `convert` does; the size is
/// checked against [`MAX_PIXELS`] before memory is allocated.
pub(super) fn decode(bytes: &[u8]) -> Result<Image, String> {
    let format = match encoding(bytes)? {
        Encoding::Png => ImageFormat::Png,
        Encoding::Jpeg if !ends(bytes) => return Err("no whole JPEG: it is cut short".to_owned()),
        Encoding::Jpeg => ImageFormat::Jpeg,
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_PIXELS as u64 * 8);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|e| broken(format, &e))?;
    let (width, height) = decoder.dimensions();
    check_size(height as usize, width as usize)?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(decoder.total_bytes().saturating_mul(4).max(1 << 20));
    decoder.set_limits(limits).map_err(|e| broken(format, &e))?;
    let color = decoder.color_type();
    let channels = match color {
        ColorType::L8 | ColorType::La8 => 1,
        ColorType::Rgb8 | ColorType::Rgba8 => 3,
        _ => return Err(format!("expected 8 bits a sample, got {color:?}")),
    };
    let decoded = DynamicImage::from_decoder(decoder).map_err(|e| broken(format, &e))?;
    let data = match channels {
        1 => decoded.into_luma8().into_raw(),
        _ => decoded.into_rgb8().into_raw(),
    };
    let image = Image { height: height as usize, width: width as usize, channels, data: data.into() };
    image.fault().map(|()| image)
}

/// True if an end marker follows the samples; the decoder would fill missing samples with grey.
fn ends(jpeg: &[u8]) -> bool {
    let mut at = 2;
    // Segments before the samples are a marker, a length, and content, in which a small image may end.
    while let Some(&[0xFF, marker, high, low]) = jpeg.get(at..at + 4) {
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
        if marker == 0xDA {
            break;
        }
    }
    jpeg.get(at..).is_some_and(|samples| samples.windows(2).any(|pair| pair == [0xFF, 0xD9]))
}

fn broken(format: ImageFormat, error: &::image::ImageError) -> String {
    format!("no whole {}: {error}", if format == ImageFormat::Png { "PNG" } else { "JPEG" })
}

/// The image as PNG; the same bytes for the same image.
pub(super) fn encode_png(image: &Image) -> Result<Vec<u8>, String> {
    let side = |n: usize| u32::try_from(n).map_err(|_| format!("a side of {n} pixels is too long for a PNG"));
    let color = if image.channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive)
        .write_image(&image.data, side(image.width)?, side(image.height)?, color)
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}
