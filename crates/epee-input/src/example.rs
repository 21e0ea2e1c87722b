//! One input and its class, if known.

use std::fmt;

use crate::image::Image;
use crate::text::SampleText;

/// One text, one pair of texts or one image, and its class if known.
///
/// ```
/// use epee_input::Example;
/// let example = Example::from(("takes zinc", "since May"));
/// assert_eq!(example.text, "takes zinc");
/// assert_eq!(example.pair, Some("since May".into()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example {
    /// Unique within its split. Predictions, traces and errors name it, so it must hold no text of a patient.
    pub id: String,
    /// The text that is classified; empty beside an image.
    pub text: SampleText,
    /// A second text, for tasks on pairs.
    pub pair: Option<SampleText>,
    /// The image that is classified.
    pub image: Option<Image>,
    /// Index into the dataset's labels.
    pub label: Option<usize>,
    /// Difficulty of a generated example, from 1; `None` elsewhere.
    pub grade: Option<u32>,
}

impl Example {
    /// Equal for two examples that are the same input: text and pair, trimmed, and the image.
    pub fn key(&self) -> ExampleKey<'_> {
        let pair = self.pair.as_ref().map_or("", |pair| pair.expose().trim());
        ExampleKey { text: self.text.expose().trim(), pair, image: self.image.as_ref() }
    }
}

/// The input of an [`Example`], to be compared with others; see [`Example::key`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExampleKey<'a> {
    text: &'a str,
    pair: &'a str,
    image: Option<&'a Image>,
}

impl fmt::Debug for ExampleKey<'_> {
    /// The sizes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExampleKey({} and {} bytes, {:?})", self.text.len(), self.pair.len(), self.image)
    }
}

impl From<&str> for Example {
    fn from(text: &str) -> Example {
        Example { text: text.into(), ..Example::default() }
    }
}

impl From<String> for Example {
    fn from(text: String) -> Example {
        Example { text: text.into(), ..Example::default() }
    }
}

impl From<SampleText> for Example {
    fn from(text: SampleText) -> Example {
        Example { text, ..Example::default() }
    }
}

impl<A: Into<SampleText>, B: Into<SampleText>> From<(A, B)> for Example {
    fn from((text, pair): (A, B)) -> Example {
        Example { text: text.into(), pair: Some(pair.into()), ..Example::default() }
    }
}

impl From<Image> for Example {
    fn from(image: Image) -> Example {
        Example { image: Some(image), ..Example::default() }
    }
}
