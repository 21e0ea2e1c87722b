//! Examples for training and evaluation.

use epee_input::Sequence;
use epee_model::{Config, Model};

use crate::Error;

/// Prepared examples with labels.
#[derive(Clone, Debug, Default)]
pub struct Examples {
    /// One id per example, for error messages.
    pub ids: Vec<String>,
    /// Texts as tokens, or images.
    pub sequences: Vec<Sequence>,
    /// Classes, from 0.
    pub labels: Vec<usize>,
    /// A digest of the data, for the model card and to recognise the data when a run is resumed.
    pub digest: String,
}

impl Examples {
    /// Refuses examples that do not fit the model.
    pub(crate) fn check(&self, model: &Model<f32>, config: &Config, split: &str) -> Result<(), Error> {
        let n = self.labels.len();
        if n == 0 {
            return Err(Error::Data(format!("the {split} split holds no labelled example")));
        }
        if self.sequences.len() != n || self.ids.len() != n {
            let (ids, sequences) = (self.ids.len(), self.sequences.len());
            return Err(Error::Data(format!("{split}: {n} labels, {sequences} sequences, {ids} ids")));
        }
        for (id, sequence) in self.ids.iter().zip(&self.sequences) {
            config
                .check_sequence(sequence)
                .map_err(|problem| Error::Data(format!("{split}, example {id}: {problem}")))?;
        }
        match self.labels.iter().position(|&label| label >= model.classes()) {
            Some(i) => Err(Error::Data(format!(
                "{split}, example {}: expected a class below {}, got {}",
                self.ids[i],
                model.classes(),
                self.labels[i]
            ))),
            None => Ok(()),
        }
    }

    /// The first ids of a batch, for error messages.
    pub(crate) fn name(&self, indices: &[usize]) -> String {
        let ids: Vec<&str> = indices.iter().take(4).map(|&i| self.ids[i].as_str()).collect();
        format!("{} examples: {} …", indices.len(), ids.join(", "))
    }
}
