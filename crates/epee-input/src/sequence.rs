//! What a model is given: the tokens of a text, or a picture.

use std::sync::Arc;

use crate::image::{Image, ImageProcessor};
use crate::tokenize::Encoding;

/// One input of a model.
#[derive(Clone, Debug)]
pub enum Sequence {
    /// Token ids.
    Text(Encoding),
    /// A picture, which becomes numbers when a batch is made of it.
    Image(ImageInput),
}

/// A picture, how it is prepared, and how many tokens the model makes of it.
#[derive(Clone, Debug)]
pub struct ImageInput {
    /// The picture as it was read.
    pub image: Image,
    /// What the model's `preprocessor_config.json` asks for.
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
