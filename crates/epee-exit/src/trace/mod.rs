//! Traces: the logits of every exit for every sample, recorded once.
//!
//! A [`Trace`] is checked when it is made or loaded: its shapes and labels are consistent and every logit
//! is finite. It holds raw logits, never probabilities.

mod error;
mod file;
mod header;
mod provenance;

pub use error::{TraceError, TraceProblem};
pub use provenance::Provenance;

use rayon::prelude::*;

use crate::confidence::first_non_finite;

/// The parts of a trace, not yet checked. N samples, M exits, K classes.
#[derive(Clone, Debug, Default)]
pub struct TraceParts {
    /// M.
    pub exits: usize,
    /// K.
    pub classes: usize,
    /// `[N, M, K]`, contiguous.
    pub logits: Vec<f32>,
    /// `[N]`: the class of each sample, -1 if it is unknown.
    pub labels: Vec<i64>,
    /// `[N]`, or empty if samples have no ids.
    pub ids: Vec<String>,
    /// `[N]`: the length of each sample in tokens, or empty.
    pub tokens: Vec<i64>,
    /// `[N, M]`: the scores of a learned exit head, if the model has one.
    pub scores: Option<Vec<f32>>,
    /// The origin of the trace.
    pub provenance: Provenance,
}

/// The logits of every exit for every sample: enough to evaluate any exit setting without running
/// the model again. Stored as one safetensors file, see [`Trace::load`].
///
/// ```
/// # use epee_exit::Trace;
/// let trace = Trace::from_logits(2, 2, vec![0.0, 1.0, 0.0, 2.0], vec![1])?;
/// assert_eq!((trace.samples(), trace.row(0, 2)), (1, &[0.0, 2.0][..]));
/// # Ok::<(), epee_exit::TraceProblem>(())
/// ```
#[derive(Clone, Debug)]
pub struct Trace {
    parts: TraceParts,
}

impl Trace {
    /// Checks the parts of a trace.
    ///
    /// # Errors
    /// No sample, exit or class; lengths that do not agree; a label outside -1 to K - 1; a logit or
    /// score that is not finite (the error names the sample and the exit); provenance that does not
    /// fit M and K.
    pub fn new(parts: TraceParts) -> Result<Self, TraceProblem> {
        check(&parts)?;
        Ok(Trace { parts })
    }

    /// A trace of logits `[N, M, K]` and labels `[N]`, -1 for unknown, with nothing else known about it.
    ///
    /// # Errors
    /// As [`Trace::new`].
    pub fn from_logits(exits: usize, classes: usize, logits: Vec<f32>, labels: Vec<i64>) -> Result<Self, TraceProblem> {
        Trace::new(TraceParts { exits, classes, logits, labels, ..TraceParts::default() })
    }

    /// N, the number of samples; at least 1.
    pub fn samples(&self) -> usize {
        self.parts.labels.len()
    }

    /// M, the number of exits; at least 1.
    pub fn exits(&self) -> usize {
        self.parts.exits
    }

    /// K, the number of classes; at least 1.
    pub fn classes(&self) -> usize {
        self.parts.classes
    }

    /// All logits, `[N, M, K]`.
    pub fn logits(&self) -> &[f32] {
        &self.parts.logits
    }

    /// The K logits of one exit, counted from 1, for one sample, counted from 0.
    pub fn row(&self, sample: usize, exit: usize) -> &[f32] {
        let TraceParts { exits, classes, logits, .. } = &self.parts;
        let at = (sample * exits + exit - 1) * classes;
        &logits[at..at + classes]
    }

    /// The learned score of one exit, counted from 1, for one sample, counted from 0, if the model has scores.
    pub fn score(&self, sample: usize, exit: usize) -> Option<f32> {
        self.scores().map(|scores| scores[sample * self.parts.exits + exit - 1])
    }

    /// The class of each sample, -1 if it is unknown.
    pub fn labels(&self) -> &[i64] {
        &self.parts.labels
    }

    /// The number of samples with a known class.
    pub fn labelled(&self) -> usize {
        self.parts.labels.iter().filter(|&&label| label >= 0).count()
    }

    /// The id of each sample, or nothing.
    pub fn ids(&self) -> &[String] {
        &self.parts.ids
    }

    /// The length of each sample in tokens, or nothing.
    pub fn tokens(&self) -> &[i64] {
        &self.parts.tokens
    }

    /// The learned exit scores, `[N, M]`, if the model has them.
    pub fn scores(&self) -> Option<&[f32]> {
        self.parts.scores.as_deref()
    }

    /// The origin of the trace.
    pub fn provenance(&self) -> &Provenance {
        &self.parts.provenance
    }

    /// The name of a class: its label name if the trace has names, else its number.
    pub fn class_name(&self, class: usize) -> String {
        let name = self.parts.provenance.label_names.get(class).cloned();
        name.unwrap_or_else(|| class.to_string())
    }

    /// The class of every label, if there are labels, all of one class, and more classes than one.
    pub(crate) fn only_class(&self) -> Option<usize> {
        let mut labels = self.labels().iter().filter(|&&label| label >= 0);
        let one = labels.next()?;
        (self.classes() > 1 && labels.all(|label| label == one)).then_some(*one as usize)
    }

    /// The trace of some of the samples, in the given order; one may be named more than once.
    ///
    /// # Panics
    /// If a sample does not exist, or none is named.
    #[must_use]
    pub fn subset(&self, samples: &[usize]) -> Trace {
        assert!(!samples.is_empty(), "a trace has at least one sample");
        let TraceParts { exits, classes, ref ids, ref tokens, .. } = self.parts;
        let width = exits * classes;
        let logits = samples.iter().flat_map(|&i| &self.parts.logits[i * width..(i + 1) * width]).copied().collect();
        let scores = self
            .scores()
            .map(|scores| samples.iter().flat_map(|&i| &scores[i * exits..(i + 1) * exits]).copied().collect());
        Trace {
            parts: TraceParts {
                exits,
                classes,
                logits,
                labels: samples.iter().map(|&i| self.parts.labels[i]).collect(),
                ids: if ids.is_empty() { Vec::new() } else { samples.iter().map(|&i| ids[i].clone()).collect() },
                tokens: if tokens.is_empty() { Vec::new() } else { samples.iter().map(|&i| tokens[i]).collect() },
                scores,
                provenance: self.parts.provenance.clone(),
            },
        }
    }

    /// The parts, to be changed and checked again.
    pub fn into_parts(self) -> TraceParts {
        self.parts
    }
}

fn check(parts: &TraceParts) -> Result<(), TraceProblem> {
    let (samples, exits, classes) = (parts.labels.len(), parts.exits, parts.classes);
    if samples == 0 || exits == 0 || classes == 0 {
        return Err(TraceProblem::Empty { samples, exits, classes });
    }
    let scores = parts.scores.as_ref().map(Vec::len);
    for (tensor, expected, got) in [
        ("logits", volume(&[samples, exits, classes]), Some(parts.logits.len())),
        ("ids", Some(samples), Some(parts.ids.len()).filter(|&n| n > 0)),
        ("tokens", Some(samples), Some(parts.tokens.len()).filter(|&n| n > 0)),
        ("scores", volume(&[samples, exits]), scores),
    ] {
        if let Some(got) = got
            && expected != Some(got)
        {
            let expected = format!("{} values", expected.unwrap_or(usize::MAX));
            return Err(TraceProblem::mismatch(tensor, expected, got));
        }
    }
    let name = |sample: usize| match parts.ids.get(sample) {
        Some(id) => format!("`{id}`"),
        None => sample.to_string(),
    };
    for (sample, &got) in parts.labels.iter().enumerate() {
        if got < -1 || usize::try_from(got).is_ok_and(|label| label >= classes) {
            return Err(TraceProblem::Label { sample: name(sample), classes, got });
        }
    }
    check_finite("logits", &parts.logits, exits * classes, classes, name)?;
    if let Some(scores) = &parts.scores {
        check_finite("scores", scores, exits, 1, name)?;
    }
    parts.provenance.check(samples, exits, classes)
}

fn volume(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, &n| product.checked_mul(n))
}

/// Finds the first value that is not finite; `per_sample` values a sample, `per_exit` an exit.
fn check_finite(
    tensor: &'static str,
    values: &[f32],
    per_sample: usize,
    per_exit: usize,
    name: impl Fn(usize) -> String,
) -> Result<(), TraceProblem> {
    const CHUNK: usize = 1 << 16;
    let found = values
        .par_chunks(CHUNK)
        .enumerate()
        .find_map_first(|(chunk, part)| Some(chunk * CHUNK + first_non_finite(part)?));
    let Some(at) = found else { return Ok(()) };
    Err(TraceProblem::NonFinite {
        tensor,
        sample: name(at / per_sample),
        exit: at % per_sample / per_exit + 1,
        value: values[at],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> TraceParts {
        TraceParts { exits: 3, classes: 2, logits: vec![0.5; 12], labels: vec![0, -1], ..TraceParts::default() }
    }

    #[test]
    fn rows_are_where_they_belong() {
        let mut parts = parts();
        parts.logits = (0..12).map(|i| i as f32).collect();
        let trace = Trace::new(parts).unwrap();
        assert_eq!(trace.row(0, 1), [0.0, 1.0]);
        assert_eq!(trace.row(1, 3), [10.0, 11.0]);
        assert_eq!((trace.samples(), trace.labelled()), (2, 1));
        assert_eq!(trace.class_name(1), "1");
    }

    #[test]
    fn parts_that_do_not_fit_are_named() {
        type Change = fn(&mut TraceParts);
        let cases: [(Change, &str); 15] = [
            (|p| p.logits[9] = f32::NAN, "sample 1, exit 2: expected finite logits, got NaN"),
            (
                |p| {
                    p.ids = vec!["a/1".into(), "a/2".into()];
                    p.logits[4] = f32::NEG_INFINITY;
                },
                "sample `a/1`, exit 3: expected finite logits, got -inf",
            ),
            (
                |p| p.scores = Some(vec![0.0, 0.0, 0.0, f32::NAN, 0.0, 0.0]),
                "sample 1, exit 1: expected finite scores, got NaN",
            ),
            (|p| p.labels = vec![0], "logits: expected 6 values, got 12"),
            (|p| p.ids = vec!["a".into()], "ids: expected 2 values, got 1"),
            (|p| p.tokens = vec![1; 3], "tokens: expected 2 values, got 3"),
            (|p| p.scores = Some(vec![]), "scores: expected 6 values, got 0"),
            (|p| p.labels[1] = 2, "sample 1: expected a label from 0 to 1, or -1 if unknown, got 2"),
            (|p| p.labels[1] = -2, "sample 1: expected a label from 0 to 1, or -1 if unknown, got -2"),
            (|p| p.exits = 0, "expected at least 1 sample, 1 exit and 1 class, got 2 samples, 0 exits and 2 classes"),
            (|p| p.exits = usize::MAX, "logits: expected 18446744073709551615 values, got 12"),
            (
                |p| p.provenance.label_names = vec!["yes".into()],
                "label_names: expected 2 names (the number of classes), got 1",
            ),
            (
                |p| p.provenance.layer_seconds = vec![0.1],
                "layer_seconds: expected 3 times (the number of exits), got 1",
            ),
            (
                |p| p.provenance.layer_seconds = vec![0.1, 0.1, f64::NAN],
                "layer_seconds: expected times of at least 0, got NaN",
            ),
            (
                |p| p.provenance.layer_seconds = vec![9e9, 0.1, 0.1],
                "layer_seconds: expected at most 9e9 s in all, got 18000000000.4",
            ),
        ];
        for (change, want) in cases {
            let mut parts = parts();
            change(&mut parts);
            assert_eq!(Trace::new(parts).unwrap_err().to_string(), want);
        }
    }
}
