//! Caveats: what a certificate's reader should doubt, recorded when it was made.

use serde::{Deserialize, Serialize};

/// A reason to trust a certificate less, found when it was made and kept in it.
///
/// [`Display`](std::fmt::Display) gives a sentence for its reader.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[allow(missing_docs, reason = "the sentence says what each field is")]
pub enum Caveat {
    /// Nothing shows that this model recorded the trace; `names` is the digest of the model that it names.
    TrustedTrace { names: Option<String> },
    /// The samples are those that the model was trained on.
    TrainSplit,
    /// `ids` samples have the id of another, `samples` the logits and label of another.
    Repeats { ids: usize, samples: usize, of: usize },
    /// The caller chose the seed.
    ChosenSeed,
    /// There were `calibrations` before on the same samples, whose δ and this one's add up to `delta`.
    Earlier { calibrations: usize, seeds: Vec<u64>, delta: f64 },
}

impl std::fmt::Display for Caveat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Caveat::TrustedTrace { names: None } => {
                f.write_str("The trace does not say which model recorded it; the caller vouched that it was this one.")
            }
            Caveat::TrustedTrace { names: Some(digest) } => write!(
                f,
                "The trace says that another model recorded it (digest {}); the caller vouched for it.",
                epee_files::short(digest)
            ),
            Caveat::TrainSplit => f.write_str(
                "The samples are of the train split: the model has seen them, and answers them better than new ones.",
            ),
            Caveat::Repeats { ids, samples, of } => write!(
                f,
                "Of {of} samples {samples} repeat the logits and label of another, and {ids} the id of another. The promise \
                 counts each as a draw of its own and is weaker than it says."
            ),
            Caveat::ChosenSeed => f.write_str(
                "The seed was chosen by the caller. If several were tried, the promise is weaker than it says.",
            ),
            Caveat::Earlier { calibrations, seeds, delta } => write!(
                f,
                "{} on the same samples{}. If this one was chosen among them, it fails with a probability of at most {:.3}, the sum \
                 of all.",
                if *calibrations == 1 {
                    "There was 1 other calibration".to_owned()
                } else {
                    format!("There were {calibrations} other calibrations")
                },
                seeds_text(seeds),
                delta.min(1.0)
            ),
        }
    }
}

fn seeds_text(seeds: &[u64]) -> String {
    match seeds {
        [] => String::new(),
        seeds => format!(", with the seeds {}", seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
    }
}
