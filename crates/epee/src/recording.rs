//! Recording a trace: the logits of every exit for every example of a split.

use epee_data::{Dataset, Split};
use epee_exit::{Provenance, Trace, TraceParts};
use epee_input::{Example, Sequence};

use crate::{Classifier, Error, Warning};

/// A trace, and what a caller should know about it.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The logits, with their provenance.
    pub trace: Trace,
    /// Texts that lost their end.
    pub warnings: Vec<Warning>,
}

/// Reads a split, or its first `limit` examples.
///
/// # Errors
/// A split that is not there, is damaged, or holds no example.
pub fn read_split(dataset: &Dataset, name: &str, limit: Option<usize>) -> Result<Split, Error> {
    let mut split = dataset.split(name)?;
    split.examples.truncate(limit.unwrap_or(usize::MAX));
    if split.examples.is_empty() {
        return Err(Error::EmptySplit { path: dataset.dir().to_owned(), split: name.to_owned() });
    }
    Ok(split)
}

/// The labels of examples as a trace stores them: -1 if unknown.
pub fn trace_labels(examples: &[Example]) -> Vec<i64> {
    examples.iter().map(|example| example.label.map_or(-1, |label| label as i64)).collect()
}

impl Classifier {
    /// Runs every exit on every example of a split; `progress` gets the number of samples of each batch.
    ///
    /// # Errors
    /// A dataset with other classes, a split that cannot be read, an example that the model cannot read.
    pub fn record(&self, dataset: &Dataset, split: &str, mut progress: impl FnMut(usize)) -> Result<Recorded, Error> {
        self.check_labels(dataset)?;
        let split = read_split(dataset, split, None)?;
        let encoded = self.encode(&split.examples)?;
        let engine = self.engine();
        let recording = engine.record(&encoded.sequences, &mut progress);
        let samples = encoded.sequences.len() as f64;
        let provenance = Provenance {
            model_digest: Some(self.model_dir().digest()?),
            data_digest: Some(split.digest),
            split: Some(split.name),
            precision: Some(engine.precision().to_string()),
            numeric_class: Some(engine.precision().numeric_class().to_owned()),
            label_names: self.labels().to_vec(),
            layer_seconds: recording.layer_times.iter().map(|time| time.as_secs_f64() / samples).collect(),
            ..Provenance::here()
        };
        let trace = Trace::new(TraceParts {
            exits: engine.depth(),
            classes: engine.classes(),
            logits: recording.logits,
            labels: trace_labels(&split.examples),
            tokens: encoded.sequences.iter().map(|sequence: &Sequence| sequence.tokens() as i64).collect(),
            ids: split.examples.into_iter().map(|example| example.id).collect(),
            scores: recording.scores,
            provenance,
        })?;
        Ok(Recorded { trace, warnings: encoded.warning().into_iter().collect() })
    }

    /// Refuses a dataset with other classes than the model's.
    ///
    /// # Errors
    /// [`Error::Labels`].
    pub fn check_labels(&self, dataset: &Dataset) -> Result<(), Error> {
        let (expected, got) = (self.labels(), &dataset.info().labels);
        if expected == got {
            return Ok(());
        }
        Err(Error::Labels { path: dataset.dir().to_owned(), expected: expected.to_vec(), got: got.clone() })
    }
}
