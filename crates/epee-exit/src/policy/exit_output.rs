//! The output of one exit for one sample, and the numbers that policies read from it.

use std::cell::Cell;

use crate::confidence::{Facts, argmax, facts, ln_classes, normalised, probabilities};

/// The output of one exit for one sample: K logits, and the score of a learned exit head if the model has one.
///
/// ```
/// # use epee_exit::ExitOutput;
/// let logits = [0.0, 3f32.ln()]; // p = 1/4, 3/4
/// let exit = ExitOutput::new(1, &logits);
/// assert_eq!(exit.label(), 1);
/// assert!((exit.confidence() - 0.75).abs() < 1e-7 && (exit.margin() - 0.5).abs() < 1e-7);
/// assert!((exit.entropy() - 0.811_278).abs() < 1e-6);
/// ```
#[derive(Clone, Debug)]
pub struct ExitOutput<'a> {
    exit: usize,
    logits: &'a [f32],
    score: Option<f32>,
    label: usize,
    ln_classes: f64,
    /// Computed when first asked for: it costs K exponentials.
    facts: Cell<Option<Facts>>,
}

impl<'a> ExitOutput<'a> {
    /// The output of exit `exit`, from 1 to M, with its K logits.
    pub fn new(exit: usize, logits: &'a [f32]) -> Self {
        Self::of_classes(exit, logits, ln_classes(logits.len()))
    }

    /// The same output with the score of a learned exit head.
    #[must_use]
    pub fn with_score(self, score: Option<f32>) -> Self {
        ExitOutput { score, ..self }
    }

    /// As [`ExitOutput::new`], with ln K computed before.
    pub(crate) fn of_classes(exit: usize, logits: &'a [f32], ln_classes: f64) -> Self {
        ExitOutput { exit, logits, score: None, label: argmax(logits), ln_classes, facts: Cell::new(None) }
    }

    /// With everything computed before.
    pub(crate) fn of_facts(exit: usize, logits: &'a [f32], facts: Facts, ln_classes: f64) -> Self {
        let label = facts.label as usize;
        ExitOutput { exit, logits, score: None, label, ln_classes, facts: Cell::new(Some(facts)) }
    }

    /// The exit, from 1 to M.
    pub fn exit(&self) -> usize {
        self.exit
    }

    /// Its K logits, divided by the exit's temperature if the policy has temperatures.
    pub fn logits(&self) -> &'a [f32] {
        self.logits
    }

    /// The score of a learned exit head: the probability that this exit's answer is wrong.
    pub fn score(&self) -> Option<f32> {
        self.score
    }

    /// The class of the greatest logit; the lowest index if several are equal.
    pub fn label(&self) -> usize {
        self.label
    }

    /// Normalised entropy in [0, 1], Eq. 1: see [`entropy`](crate::entropy()).
    pub fn entropy(&self) -> f64 {
        normalised(self.facts().nats, self.ln_classes)
    }

    /// Entropy in nats, `-Σ p ln p`.
    pub fn entropy_nats(&self) -> f64 {
        self.facts().nats
    }

    /// The greatest probability.
    pub fn confidence(&self) -> f64 {
        self.facts().confidence
    }

    /// The greatest probability minus the second; 1 for one class.
    pub fn margin(&self) -> f64 {
        self.facts().margin
    }

    /// The K probabilities, `softmax(logits)`.
    pub fn probabilities(&self) -> Vec<f64> {
        let mut p = Vec::with_capacity(self.logits.len());
        probabilities(self.logits, &mut p);
        p
    }

    fn facts(&self) -> Facts {
        self.facts.get().unwrap_or_else(|| {
            let facts = facts(self.logits);
            self.facts.set(Some(facts));
            facts
        })
    }
}
