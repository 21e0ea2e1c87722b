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
}

/// Collects samples into a [`Trace`].
///
/// ```
/// # use epee_exit::{Provenance, Sample, TraceBuilder};
/// let mut builder = TraceBuilder::new(1, 2);
/// builder.push(Sample { id: "note-1", label: Some(1), tokens: 7, logits: &[0.0, 1.0] })?;
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
    /// Logits that are not M · K.
    pub fn push(&mut self, sample: Sample<'_>) -> Result<(), Problem> {
        let expected = self.parts.exits * self.parts.classes;
        let got = sample.logits.len();
        if got != expected {
            return Err(Problem::Length { tensor: "logits", expected, got });
        }
        self.parts.logits.extend_from_slice(sample.logits);
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
