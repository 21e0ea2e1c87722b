//! One model input: the tokens of a text, or an image.

use std::sync::Arc;

use crate::image::{Image, ImageProcessor};
use crate::tokenize::Encoding;

/// One input of a model.
#[derive(Clone, Debug)]
pub enum Sequence {
    /// Token ids.
    Text(Encoding),
    /// An image, which becomes numbers when a batch is made of it.
    Image(ImageInput),
}

/// An image, how it is prepared, and how many tokens the model makes of it.
#[derive(Clone, Debug)]
pub struct ImageInput {
    /// The image as it was read.
    pub image: Image,
    /// The model's preprocessing.
    pub processor: Arc<ImageProcessor>,
    /// Tokens: patches, and those that stand before them.
    pub tokens: usize,
}

impl Sequence {
    /// Its length in tokens.
    ///
    /// ```
    /// use epee_input::{Encoding, Sequence};
    /// let text = Encoding { ids: vec![101, 2053, 102], type_ids: vec![0; 3], truncated: false };
    /// assert_eq!(Sequence::from(text).tokens(), 3);
    /// ```
    pub fn tokens(&self) -> usize {
        match self {
            Sequence::Text(encoding) => encoding.ids.len(),
            Sequence::Image(image) => image.tokens,
        }
    }
}

impl From<Encoding> for Sequence {
    fn from(encoding: Encoding) -> Sequence {
        Sequence::Text(encoding)
    }
}
