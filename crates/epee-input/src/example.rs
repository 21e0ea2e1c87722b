//! One input and its class, if known.

use crate::image::Image;

/// One text, one pair of texts or one image, and its class if known.
///
/// ```
/// use epee_input::Example;
/// let example = Example::from(("takes zinc", "since May"));
/// assert_eq!((example.text.as_str(), example.pair.as_deref()), ("takes zinc", Some("since May")));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example {
    /// Unique within its split.
    pub id: String,
    /// The text that is classified; empty beside an image.
    pub text: String,
    /// A second text, for tasks on pairs.
    pub pair: Option<String>,
    /// The image that is classified.
    pub image: Option<Image>,
    /// Index into the dataset's labels.
    pub label: Option<usize>,
    /// Difficulty of a generated example, from 1; `None` elsewhere.
    pub grade: Option<u32>,
}

impl Example {
    /// Equal for two examples that are the same input: text and pair, trimmed, and the image.
    pub fn key(&self) -> (&str, &str, Option<&Image>) {
        (self.text.trim(), self.pair.as_deref().unwrap_or_default().trim(), self.image.as_ref())
    }
}

impl From<&str> for Example {
    fn from(text: &str) -> Example {
        Example { text: text.to_owned(), ..Example::default() }
    }
}

impl From<String> for Example {
    fn from(text: String) -> Example {
        Example { text, ..Example::default() }
    }
}

impl<A: Into<String>, B: Into<String>> From<(A, B)> for Example {
    fn from((text, pair): (A, B)) -> Example {
        Example { text: text.into(), pair: Some(pair.into()), ..Example::default() }
    }
}

impl From<Image> for Example {
    fn from(image: Image) -> Example {
        Example { image: Some(image), ..Example::default() }
    }
}
