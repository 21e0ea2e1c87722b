//! Decoding and encoding PNG and JPEG.

use std::fmt::Display;
use std::io::Cursor;

use png::{BitDepth, ColorType, Transformations};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Image, MAX_PIXELS, check_size};
use crate::guard::{PNG, ZUNE_JPEG, guarded};

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

/// The first bytes of other formats, for the error.
const OTHERS: [(&[u8], &str); 6] = [
    (b"GIF8", "Gif"),
    (b"RIFF", "WebP"),
    (b"BM", "Bmp"),
    (b"II*\0", "Tiff"),
    (b"MM\0*", "Tiff"),
    (b"\0\0\x01\0", "Ico"),
];

pub(super) fn encoding(bytes: &[u8]) -> Result<Encoding, String> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Ok(Encoding::Png);
    }
    if bytes.starts_with(b"\xFF\xD8\xFF") {
        return Ok(Encoding::Jpeg);
    }
    let other = OTHERS.iter().find(|(start, _)| bytes.starts_with(start));
    Err(match other {
        Some((_, other)) => format!("expected PNG or JPEG, got {other}"),
        None if bytes.is_empty() => "expected PNG or JPEG, got an empty file".to_owned(),
        None => "expected PNG or JPEG, got neither".to_owned(),
    })
}

/// Decodes an image. Transparency is dropped and a palette looked up, as Pillow's `convert` does; the size is
/// checked against [`MAX_PIXELS`] before memory is allocated.
pub(super) fn decode(bytes: &[u8]) -> Result<Image, String> {
    let decoded = match encoding(bytes)? {
        Encoding::Png => guarded(PNG, || decode_png(bytes)),
        Encoding::Jpeg => guarded(ZUNE_JPEG, || decode_jpeg(bytes)),
    };
    decoded.map_err(|fault| fault.to_string())?
}

/// Bytes that any image may be decoded to, 32 MiB: a blank page at 300 dots per inch. Beyond it, a file of n bytes may have
/// 200 n bytes of samples: photographs have less than 50 n, while a PNG of 65 kB can hold 64 million equal pixels.
const FREE: usize = 1 << 25;
const MAX_RATIO: usize = 200;

/// The number of samples, checked before memory is allocated.
fn samples(file: &[u8], height: usize, width: usize, channels: usize) -> Result<usize, String> {
    check_size(height, width)?;
    let (samples, most) = (height * width * channels, file.len().saturating_mul(MAX_RATIO).saturating_add(FREE));
    if samples > most {
        return Err(format!("expected at most {most} bytes of samples in a file of {}, got {samples}", file.len()));
    }
    Ok(samples)
}

fn decode_png(bytes: &[u8]) -> Result<Image, String> {
    let broken = |error: &dyn Display| format!("no whole PNG: {error}");
    let limits = png::Limits { bytes: MAX_PIXELS * 8 };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    // Palettes become colours, and less than 8 bits become 8.
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(|error| broken(&error))?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    // The library indexes a palette by colours of three bytes.
    if let Some(palette) = reader.info().palette.as_ref().filter(|palette| palette.len() % 3 != 0) {
        return Err(broken(&format!("expected a palette of whole colours, got {} bytes", palette.len())));
    }
    let (color, depth) = reader.output_color_type();
    if depth != BitDepth::Eight {
        return Err(format!("expected 8 bits a sample, got {}", depth as u8));
    }
    let (channels, alpha) = match color {
        ColorType::Grayscale => (1, 0),
        ColorType::GrayscaleAlpha => (1, 1),
        ColorType::Rgb => (3, 0),
        ColorType::Rgba => (3, 1),
        ColorType::Indexed => return Err(broken(&"its palette is missing")),
    };
    let mut data = vec![0; samples(bytes, height, width, channels + alpha)?];
    reader.next_frame(&mut data).map_err(|error| broken(&error))?;
    if alpha == 1 {
        data = data.chunks_exact(channels + 1).flat_map(|pixel| &pixel[..channels]).copied().collect();
    }
    let image = Image { height, width, channels, data: data.into() };
    image.fault().map(|()| image)
}

fn decode_jpeg(bytes: &[u8]) -> Result<Image, String> {
    let broken = |error: &dyn Display| format!("no whole JPEG: {error}");
    if !ends(bytes) {
        return Err(broken(&"it is cut short"));
    }
    let options = DecoderOptions::default().set_strict_mode(false).set_max_width(usize::MAX).set_max_height(usize::MAX);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| broken(&error))?;
    let (width, height) = decoder.dimensions().ok_or_else(|| broken(&"it has no size"))?;
    let (space, channels) = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => (ColorSpace::Luma, 1),
        _ => (ColorSpace::RGB, 3),
    };
    samples(bytes, height, width, channels)?;
    decoder.set_options(options.jpeg_set_out_colorspace(space));
    let data = decoder.decode().map_err(|error| broken(&error))?;
    let image = Image { height, width, channels, data: data.into() };
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

/// The image as PNG; the same bytes for the same image.
pub(super) fn encode_png(image: &Image) -> Result<Vec<u8>, String> {
    let side = |n: usize| u32::try_from(n).map_err(|_| format!("a side of {n} pixels is too long for a PNG"));
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side(image.width)?, side(image.height)?);
    encoder.set_color(if image.channels == 1 { ColorType::Grayscale } else { ColorType::Rgb });
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.set_filter(png::Filter::Adaptive);
    let mut writer = encoder.write_header().map_err(|error| error.to_string())?;
    writer.write_image_data(&image.data).map_err(|error| error.to_string())?;
    writer.finish().map_err(|error| error.to_string())?;
    Ok(bytes)
}
