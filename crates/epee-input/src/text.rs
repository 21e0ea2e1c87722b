//! The text of a sample, which no message may show.

use std::fmt;

/// The text of one sample: a clinical note, for example. It cannot be printed by accident.
///
/// There is no `Display`, and `Debug` shows the length. [`SampleText::expose`] is the only way to the text itself: it is
/// called where a text is tokenized, written to a dataset or shown because the user asked for it.
///
/// ```
/// use epee_input::SampleText;
/// let text = SampleText::from("Takes zinc since May.");
/// assert_eq!(format!("{text:?}"), "SampleText(21 bytes)");
/// assert_eq!(text.expose(), "Takes zinc since May.");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SampleText(String);

impl SampleText {
    /// The text itself. Do not put it into an error, a log or a file that is not for texts.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True if it holds nothing but white space.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if it has no character.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for SampleText {
    /// The length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SampleText({} bytes)", self.0.len())
    }
}

impl From<String> for SampleText {
    fn from(text: String) -> SampleText {
        SampleText(text)
    }
}

impl From<&str> for SampleText {
    fn from(text: &str) -> SampleText {
        SampleText(text.to_owned())
    }
}

impl PartialEq<str> for SampleText {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for SampleText {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

#[cfg(test)]
mod tests {
    use crate::{Encoding, Example, Sequence};

    /// No way of formatting an example or what is made of it shows a word of it or its tokens.
    #[test]
    fn debug_shows_lengths() {
        let example = Example { id: "7".into(), ..Example::from(("stopped zinc", "since May")) };
        let shown = format!("{example:?} {:?}", example.key());
        assert!(shown.contains("SampleText(12 bytes)") && shown.contains("SampleText(9 bytes)"), "{shown}");
        assert!(!shown.contains("zinc") && !shown.contains("May"), "{shown}");
        let text = Encoding { ids: vec![101, 2053, 102], type_ids: vec![0; 3], truncated: false };
        let shown = format!("{:?}", Sequence::from(text));
        assert!(shown.contains("3 tokens") && !shown.contains("2053"), "{shown}");
    }
}
