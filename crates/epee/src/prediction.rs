//! The answer for one input.

use epee_exit::{Answer, Reason};
use serde::Serialize;

/// The answer for one input, and the exit it left at.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Prediction {
    /// The class name.
    pub label: String,
    /// The class, from 0.
    pub class: usize,
    /// The probability of the class.
    pub probability: f32,
    /// The probability of every class, in the order of the model's labels.
    pub probabilities: Vec<f32>,
    /// The exit that answered, from 1: the number of layers that were computed.
    pub exit: usize,
    /// The number of exits of the model, M.
    pub exits: usize,
    /// The normalised entropy at that exit, from 0 (certain) to 1.
    pub entropy: f64,
    /// The part of the policy that ended the computation.
    pub reason: Reason,
    /// The number of tokens.
    pub tokens: usize,
    /// True if the text was longer than the model reads and lost its end.
    pub truncated: bool,
    /// True if the model's abstention rule says that the answer is too uncertain to count.
    pub abstains: bool,
}

impl Prediction {
    pub(crate) fn new(answer: Answer, labels: &[String], exits: usize, abstain_below: Option<f64>) -> Prediction {
        let Answer { label: class, probabilities, exit, entropy, reason } = answer;
        let greatest = probabilities.iter().copied().fold(0.0, f32::max);
        Prediction {
            label: labels[class].clone(),
            class,
            probability: probabilities[class],
            probabilities,
            exit,
            exits,
            entropy,
            reason,
            tokens: 0,
            truncated: false,
            abstains: abstain_below.is_some_and(|below| f64::from(greatest) < below),
        }
    }
}
