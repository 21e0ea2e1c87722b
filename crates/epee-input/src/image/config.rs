//! The fields of a `preprocessor_config.json`, with the defaults of Transformers' image processors.

use serde_json::{Map, Value};

use super::Filter;

/// The longest side that is allowed.
const MAX_SIDE: u64 = 8192;

/// The size an image is brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// Both sides, whatever the image's proportions.
    Exact { height: usize, width: usize },
    /// The shorter side; the longer one in proportion.
    Shortest(usize),
}

/// The fields, checked; a step that is not done is `None`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Config {
    pub(super) resize: Option<(Size, Filter)>,
    pub(super) crop: Option<(usize, usize)>,
    pub(super) rescale: Option<f64>,
    /// Mean and standard deviation of each channel.
    pub(super) normalize: Option<Vec<(f32, f32)>>,
    /// Height, width, channels of what comes out.
    pub(super) output: [usize; 3],
}

impl Config {
    /// Reads the fields; one that is missing or null takes the processor's default: `DeiT…`'s for a type that starts
    /// with it, else ViT's.
    pub(super) fn read(fields: &Map<String, Value>) -> Result<Self, String> {
        let fields = Fields(fields);
        let deit = fields.is_deit();
        if fields.flag("do_pad", false)? {
            return Err("`do_pad` is true, which is not supported".to_owned());
        }
        let means = fields.numbers("image_mean")?.unwrap_or(vec![0.5; 3]);
        let stds = fields.numbers("image_std")?.unwrap_or(vec![0.5; means.len()]);
        let side = if deit { 256 } else { 224 };
        let default = Size::Exact { height: side, width: side };
        let size = fields.size("size")?.unwrap_or(default);
        let filter = fields.filter(if deit { Filter::Bicubic } else { Filter::Bilinear })?;
        let crop = match fields.size("crop_size")?.unwrap_or(Size::Exact { height: 224, width: 224 }) {
            _ if !fields.flag("do_center_crop", deit)? => None,
            Size::Exact { height, width } => Some((height, width)),
            Size::Shortest(_) => return Err("`crop_size`: expected height and width, got shortest_edge".to_owned()),
        };
        let resized = fields.flag("do_resize", true)?;
        let (height, width) = match (crop, size) {
            (Some(crop), _) => crop,
            (None, Size::Exact { height, width }) => (height, width),
            (None, Size::Shortest(_)) => {
                let problem = "`size` has shortest_edge alone: without do_center_crop images would differ in size";
                return Err(problem.to_owned());
            }
        };
        let rescale = fields.number("rescale_factor")?.unwrap_or(1.0 / 255.0);
        Ok(Self {
            resize: resized.then_some((size, filter)),
            crop,
            rescale: fields.flag("do_rescale", true)?.then_some(rescale),
            normalize: match fields.flag("do_normalize", true)? {
                true => Some(scales(&means, &stds)?),
                false => None,
            },
            output: [height, width, channels(&means)?],
        })
    }
}

fn channels(means: &[f64]) -> Result<usize, String> {
    match means.len() {
        1 | 3 => Ok(means.len()),
        n => Err(format!("`image_mean`: expected 1 or 3 numbers, one a channel, got {n}")),
    }
}

fn scales(means: &[f64], stds: &[f64]) -> Result<Vec<(f32, f32)>, String> {
    if stds.len() != means.len() {
        return Err(format!("`image_std`: expected {} numbers, as in `image_mean`, got {}", means.len(), stds.len()));
    }
    if let Some(std) = stds.iter().find(|std| **std as f32 <= 0.0) {
        return Err(format!("`image_std`: expected numbers above 0, got {std}"));
    }
    Ok(means.iter().zip(stds).map(|(&mean, &std)| (mean as f32, std as f32)).collect())
}

/// The fields of the file, read by type.
struct Fields<'a>(&'a Map<String, Value>);

impl Fields<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// The older files say `feature_extractor_type`.
    fn is_deit(&self) -> bool {
        let kinds = ["image_processor_type", "feature_extractor_type"].map(|name| self.get(name));
        kinds.into_iter().flatten().next().and_then(Value::as_str).is_some_and(|kind| kind.starts_with("DeiT"))
    }

    fn flag(&self, name: &str, default: bool) -> Result<bool, String> {
        match self.get(name) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(format!("`{name}`: expected true or false, got {other}")),
        }
    }

    fn number(&self, name: &str) -> Result<Option<f64>, String> {
        self.get(name).map(|value| number(name, value)).transpose()
    }

    /// A list of numbers, or one for the three channels.
    fn numbers(&self, name: &str) -> Result<Option<Vec<f64>>, String> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Array(list)) => {
                list.iter().map(|value| number(name, value)).collect::<Result<_, _>>().map(Some)
            }
            Some(one) => Ok(Some(vec![number(name, one)?; 3])),
        }
    }

    fn filter(&self, default: Filter) -> Result<Filter, String> {
        let Some(value) = self.get("resample") else { return Ok(default) };
        let code = value.as_u64().and_then(|code| usize::try_from(code).ok());
        code.and_then(|code| Filter::ALL.get(code).copied()).ok_or_else(|| {
            let names = "0 nearest, 1 lanczos, 2 bilinear, 3 bicubic, 4 box, 5 hamming";
            format!("`resample`: expected {names}, got {value}")
        })
    }

    fn size(&self, name: &str) -> Result<Option<Size>, String> {
        let expected = "expected a number, two, or height and width, or shortest_edge";
        let Some(value) = self.get(name) else { return Ok(None) };
        let side = |value: &Value| match value.as_u64() {
            Some(side @ 1..=MAX_SIDE) => Ok(side as usize),
            _ => Err(format!("`{name}`: expected sides from 1 to {MAX_SIDE}, got {value}")),
        };
        let exact = |height, width| Ok(Some(Size::Exact { height: side(height)?, width: side(width)? }));
        match value {
            Value::Number(_) => exact(value, value),
            Value::Array(sides) if sides.len() == 2 => exact(&sides[0], &sides[1]),
            Value::Object(sides) => {
                let known = ["height", "width", "shortest_edge"];
                let given: Vec<&str> =
                    sides.iter().filter(|(_, side)| !side.is_null()).map(|(k, _)| k.as_str()).collect();
                if let Some(other) = given.iter().find(|key| !known.contains(key)) {
                    return Err(format!("`{name}`: {expected}, got {other}"));
                }
                match [sides.get("height"), sides.get("width"), sides.get("shortest_edge")] {
                    [Some(height), Some(width), _] => exact(height, width),
                    [None, None, Some(shortest)] => Ok(Some(Size::Shortest(side(shortest)?))),
                    _ => Err(format!("`{name}`: {expected}, got {value}")),
                }
            }
            other => Err(format!("`{name}`: {expected}, got {other}")),
        }
    }
}

fn number(name: &str, value: &Value) -> Result<f64, String> {
    let number = value.as_f64().filter(|number| (*number as f32).is_finite());
    number.ok_or_else(|| format!("`{name}`: expected a number, got {value}"))
}
