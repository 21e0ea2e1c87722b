//! Turning an image into a model's input.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::config::{Config, Size};
use super::{Image, check_size, resize};
use crate::error::{Error, Result};
use epee_files::read_file;

/// The preprocessing of a `preprocessor_config.json`: resize, crop in the middle, rescale, normalise.
///
/// A sample `v` becomes `(v · rescale_factor − mean) / std` of its channel. The file does not name the channels: there
/// are as many as `image_mean` has numbers. If there are three, a grey image is read as one with equal channels.
///
/// ```
/// use epee_input::{Image, ImageProcessor};
/// let processor = ImageProcessor::new(2, 2, 1);
/// let image = Image::new(2, 2, 1, vec![0, 255, 51, 204])?;
/// let mut numbers = [0.0; 4];
/// processor.process(&image, &mut numbers);
/// assert_eq!(numbers.map(|x| (x * 10.0).round()), [-10.0, 10.0, -6.0, 6.0]);
/// # Ok::<(), epee_input::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ImageProcessor {
    pub(super) config: Config,
    /// The file, with the fields that mean nothing here.
    fields: Map<String, Value>,
}

impl ImageProcessor {
    /// Reads a `preprocessor_config.json`.
    ///
    /// # Errors
    /// See [`ImageProcessor::from_bytes`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::parse(&read_file(path)?).map_err(|problem| Error::content(path, problem))
    }

    /// Reads the content of a `preprocessor_config.json`.
    ///
    /// # Errors
    /// Not a JSON object; a field of another type or out of range; a step that is not supported, by name: padding,
    /// sizes by `longest_edge` and the like.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::parse(bytes).map_err(|problem| Error::content(Path::new("preprocessor_config.json"), problem))
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let fields: Map<String, Value> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        Ok(Self { config: Config::read(&fields)?, fields })
    }

    /// For a fresh model: resized to `height × width`, bilinear, to [−1, 1]; `channels` is 1 or 3.
    pub fn new(height: usize, width: usize, channels: usize) -> Self {
        let halves = vec![0.5; channels];
        let value = json!({
            "do_normalize": true,
            "do_rescale": true,
            "do_resize": true,
            "image_mean": halves,
            "image_processor_type": "ViTImageProcessor",
            "image_std": halves,
            "resample": 2,
            "rescale_factor": 1.0 / 255.0,
            "size": { "height": height, "width": width },
        });
        let config = Config {
            resize: Some((Size::Exact { height, width }, super::Filter::Bilinear)),
            crop: None,
            rescale: Some(1.0 / 255.0),
            normalize: Some(vec![(0.5, 0.5); channels]),
            output: [height, width, channels],
        };
        let fields = match value {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        Self { config, fields }
    }

    /// The same, but for images resized to another size and not cropped.
    ///
    /// # Errors
    /// A size of zero or above [`MAX_PIXELS`](super::MAX_PIXELS).
    pub fn with_size(&self, height: usize, width: usize) -> Result<Self> {
        let mut fields = self.fields.clone();
        fields.insert("do_resize".to_owned(), json!(true));
        fields.insert("size".to_owned(), json!({ "height": height, "width": width }));
        fields.remove("do_center_crop");
        fields.remove("crop_size");
        let config =
            Config::read(&fields).map_err(|problem| Error::content(Path::new("preprocessor_config.json"), problem))?;
        Ok(Self { config, fields })
    }

    /// Rows of the output.
    pub fn height(&self) -> usize {
        self.config.output[0]
    }

    /// Columns of the output.
    pub fn width(&self) -> usize {
        self.config.output[1]
    }

    /// Channels of the output: 1 or 3.
    pub fn channels(&self) -> usize {
        self.config.output[2]
    }

    /// A `preprocessor_config.json` that Transformers reads: the one this was read from, other fields and all.
    pub fn to_json(&self) -> Vec<u8> {
        // Maps of JSON values always serialise.
        let mut bytes = serde_json::to_vec_pretty(&self.fields).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Checks that [`ImageProcessor::process`] can process the image.
    ///
    /// # Errors
    /// No pixels; fields that contradict each other; three channels where the model reads one; with `do_resize` false
    /// another size than the model's; an image so long and thin that resizing it by its shorter side would take
    /// more than [`MAX_PIXELS`](super::MAX_PIXELS).
    pub fn check(&self, image: &Image) -> Result<()> {
        self.fault(image).map_err(Error::Image)
    }

    fn fault(&self, image: &Image) -> Result<(), String> {
        image.fault()?;
        if image.channels == 3 && self.channels() == 1 {
            return Err("expected a grey image (1 channel), got RGB (3 channels)".to_owned());
        }
        let (height, width) = self.resized(image);
        let (h, w) = (self.height(), self.width());
        if self.config.crop.is_none() && (height, width) != (h, w) {
            return Err(format!("expected {h} x {w} pixels, as the model resizes nothing, got {height} x {width}"));
        }
        // The sizes between the two passes count as well.
        check_size(height, width)?;
        check_size(image.height, width)?;
        check_size(height, image.width)
    }

    /// Writes `channels × height × width` numbers into `out`.
    ///
    /// # Panics
    /// On an image that [`ImageProcessor::check`] refuses and an `out` of another length.
    pub fn process(&self, image: &Image, out: &mut [f32]) {
        let [height, width, channels] = self.config.output;
        assert_eq!(out.len(), height * width * channels, "numbers of an image");
        let (h, w) = self.resized(image);
        let resized = match self.config.resize {
            Some((_, filter)) => resize(image, h, w, filter),
            None => image.clone(),
        };
        let (top, left) = (offset(resized.height, height), offset(resized.width, width));
        let inside = |at: isize, end: usize| usize::try_from(at).ok().filter(|&at| at < end);
        for (channel, plane) in out.chunks_exact_mut(height * width).enumerate() {
            let (table, channel) = (self.table(channel), channel.min(image.channels - 1));
            for (y, line) in plane.chunks_exact_mut(width).enumerate() {
                let row = inside(y as isize + top, resized.height);
                for (x, out) in line.iter_mut().enumerate() {
                    let at = row.zip(inside(x as isize + left, resized.width));
                    let sample =
                        at.map_or(0, |(y, x)| resized.data[(y * resized.width + x) * resized.channels + channel]);
                    *out = table[usize::from(sample)];
                }
            }
        }
    }

    /// The image's size after resizing.
    fn resized(&self, image: &Image) -> (usize, usize) {
        match self.config.resize {
            None => (image.height, image.width),
            Some((Size::Exact { height, width }, _)) => (height, width),
            Some((Size::Shortest(short), _)) => {
                let long = |a: usize, b: usize| (short as f64 * a as f64 / b.max(1) as f64) as usize;
                match image.width <= image.height {
                    true => (long(image.height, image.width), short),
                    false => (short, long(image.width, image.height)),
                }
            }
        }
    }

    /// The output for each sample value of a channel.
    fn table(&self, channel: usize) -> [f32; 256] {
        std::array::from_fn(|sample| {
            let value = (sample as f64 * self.config.rescale.unwrap_or(1.0)) as f32;
            match &self.config.normalize {
                Some(scales) => (value - scales[channel].0) / scales[channel].1,
                None => value,
            }
        })
    }
}

/// Place of the output's first row or column in the image; samples outside of it count as 0.
fn offset(from: usize, to: usize) -> isize {
    // Down, for an image that is too large and one that is too small.
    (from as isize - to as isize).div_euclid(2)
}
