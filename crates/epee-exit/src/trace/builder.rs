//! Recording a trace sample by sample.

use super::{Problem, Provenance, Trace, TraceParts};

/// One recorded sample.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its class, where it is known.
    pub label: Option<usize>,
    /// Its length in tokens.
    pub tokens: usize,
    /// The logits of all exits, `[M, K]`.
    pub logits: &'a [f32],
    /// What a learned exit head says at each exit, `[M]`; empty for a model without one.
    pub scores: &'a [f32],
}

/// Collects samples into a [`Trace`].
///
/// ```
/// # use epee_exit::{Provenance, Sample, TraceBuilder};
/// let mut builder = TraceBuilder::new(1, 2);
/// builder.push(Sample { id: "note-1", label: Some(1), tokens: 7, logits: &[0.0, 1.0], scores: &[] })?;
/// let trace = builder.finish(Provenance::here())?;
/// assert_eq!((trace.ids(), trace.labels()), (&["note-1".to_owned()][..], &[1][..]));
/// # Ok::<(), epee_exit::Problem>(())
/// ```
#[derive(Clone, Debug)]
pub struct TraceBuilder {
    parts: TraceParts,
}

impl TraceBuilder {
    /// An empty trace of `exits` exits and `classes` classes.
    pub fn new(exits: usize, classes: usize) -> Self {
        TraceBuilder { parts: TraceParts { exits, classes, ..TraceParts::default() } }
    }

    /// Adds one sample.
    ///
    /// # Errors
    /// Logits that are not M · K; scores that are not M, or that only some samples have.
    pub fn push(&mut self, sample: Sample<'_>) -> Result<(), Problem> {
        let TraceParts { exits, classes, .. } = self.parts;
        let scored = if self.is_empty() { !sample.scores.is_empty() } else { self.parts.scores.is_some() };
        for (tensor, expected, got) in [
            ("logits", exits * classes, sample.logits.len()),
            ("scores", if scored { exits } else { 0 }, sample.scores.len()),
        ] {
            if got != expected {
                return Err(Problem::Length { tensor, expected, got });
            }
        }
        self.parts.logits.extend_from_slice(sample.logits);
        if scored {
            self.parts.scores.get_or_insert_default().extend_from_slice(sample.scores);
        }
        let label = sample.label.map(|label| i64::try_from(label).unwrap_or(i64::MAX));
        self.parts.labels.push(label.unwrap_or(-1));
        self.parts.ids.push(sample.id.to_owned());
        self.parts.tokens.push(i64::try_from(sample.tokens).unwrap_or(i64::MAX));
        Ok(())
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.parts.labels.len()
    }

    /// True before the first sample.
    pub fn is_empty(&self) -> bool {
        self.parts.labels.is_empty()
    }

    /// The trace.
    ///
    /// # Errors
    /// What [`Trace::new`] refuses.
    pub fn finish(mut self, provenance: Provenance) -> Result<Trace, Problem> {
        self.parts.provenance = provenance;
        Trace::new(self.parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_samples_have_scores_or_none_has() {
        let sample = |scores| Sample { id: "a", label: None, tokens: 1, logits: &[0.0; 4], scores };
        let mut builder = TraceBuilder::new(2, 2);
        assert!(builder.push(sample(&[0.5])).is_err());
        builder.push(sample(&[0.5, 0.25])).unwrap();
        let error = builder.push(sample(&[])).unwrap_err().to_string();
        assert_eq!(error, "scores: expected 2 values, got 0");
        builder.push(sample(&[0.75, 1.0])).unwrap();
        assert_eq!(builder.finish(Provenance::here()).unwrap().scores(), Some(&[0.5, 0.25, 0.75, 1.0][..]));

        let mut builder = TraceBuilder::new(2, 2);
        builder.push(sample(&[])).unwrap();
        let error = builder.push(sample(&[0.5, 0.25])).unwrap_err().to_string();
        assert_eq!(error, "scores: expected 0 values, got 2");
        assert_eq!(builder.finish(Provenance::here()).unwrap().scores(), None);
    }
}
