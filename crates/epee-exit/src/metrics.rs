//! Metrics: the quality of answers and their cost.
//!
//! Samples whose label is unknown (-1) count for cost, not for accuracy and F1; if none is known
//! these are NaN, which JSON writes as `null`.

use rayon::prelude::*;
use serde::Serialize;

use crate::confidence::{ln_classes, read};
use crate::named::{Named, named};
use crate::trace::Trace;

/// Per class: correct, predicted and true counts. All scores are functions of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// `[K]`: predicted, and true.
    pub correct: Vec<u64>,
    /// `[K]`: predicted, among samples with a label.
    pub predicted: Vec<u64>,
    /// `[K]`: true.
    pub actual: Vec<u64>,
}

impl Counts {
    /// Counts predictions `[N]` against labels `[N]`, -1 for unknown, among `classes` classes.
    /// A label or prediction outside the classes counts for nothing.
    pub fn of(labels: &[i64], predictions: &[u32], classes: usize) -> Self {
        let none = || vec![0u64; classes];
        let mut counts = Counts { correct: none(), predicted: none(), actual: none() };
        for (&label, &prediction) in labels.iter().zip(predictions) {
            let Ok(label) = usize::try_from(label) else { continue };
            let prediction = prediction as usize;
            if label < classes && prediction < classes {
                counts.actual[label] += 1;
                counts.predicted[prediction] += 1;
                counts.correct[label] += u64::from(label == prediction);
            }
        }
        counts
    }

    /// The number of samples with a label.
    pub fn labelled(&self) -> u64 {
        self.actual.iter().sum()
    }

    /// The share of labelled samples that were answered correctly.
    pub fn accuracy(&self) -> f64 {
        share(self.correct.iter().sum(), self.labelled())
    }

    /// F1 of one class: `2 tp / (predicted + actual)`; `None` if the class occurs in neither.
    pub fn f1(&self, class: usize) -> Option<f64> {
        let all = self.predicted[class] + self.actual[class];
        (all > 0).then(|| share(2 * self.correct[class], all))
    }

    /// The unweighted mean of F1 over the classes that occur among labels or predictions.
    ///
    /// The convention of scikit-learn's `f1_score(y, ŷ, average="macro", zero_division=0)`: a class
    /// that occurs in neither does not count, one that occurs and is never correct counts 0.
    pub fn macro_f1(&self) -> f64 {
        let (mut sum, mut present) = (0.0, 0u64);
        for class in 0..self.actual.len() {
            if let Some(f1) = self.f1(class) {
                sum += f1;
                present += 1;
            }
        }
        if present == 0 { f64::NAN } else { sum / present as f64 }
    }

    /// Micro-F1 over all classes. With one label a sample this is the accuracy.
    pub fn micro_f1(&self) -> f64 {
        self.accuracy()
    }

    /// Micro-F1 over some of the classes: `2 Σ tp / Σ (predicted + actual)`. For relation
    /// extraction these are the positive classes (in DDI the four that are not "negative"). 0 if
    /// none of them occurs, as in scikit-learn with `labels=classes, zero_division=0`.
    pub fn micro_f1_over(&self, classes: &[usize]) -> f64 {
        if self.labelled() == 0 {
            return f64::NAN;
        }
        let of = |counts: &[u64]| classes.iter().filter_map(|&k| counts.get(k)).sum::<u64>();
        let all = of(&self.predicted) + of(&self.actual);
        if all == 0 { 0.0 } else { share(2 * of(&self.correct), all) }
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { f64::NAN } else { part as f64 / whole as f64 }
}

/// `saving = 1 - Σ_i layers_i / (N·M)`, Eq. 5 of the paper: the share of layers not computed.
///
/// ```
/// assert_eq!(epee_exit::saving(30, 10, 12), 0.75); // 10 samples, 3 of 12 layers each
/// ```
pub fn saving(layers: u64, samples: usize, exits: usize) -> f64 {
    1.0 - layers as f64 / (samples as f64 * exits as f64)
}

/// `ratio = M·N / Σ_i layers_i`: the speed-up other papers report.
///
/// ```
/// assert_eq!(epee_exit::ratio(30, 10, 12), 4.0);
/// ```
pub fn ratio(layers: u64, samples: usize, exits: usize) -> f64 {
    samples as f64 * exits as f64 / layers as f64
}

/// The scores and the cost of answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metrics {
    /// N.
    pub samples: usize,
    /// The number of them that have a label.
    pub labelled: usize,
    /// The share answered correctly.
    pub accuracy: f64,
    /// See [`Counts::macro_f1`].
    pub macro_f1: f64,
    /// See [`Counts::micro_f1`].
    pub micro_f1: f64,
    /// The share of layers not computed, Eq. 5.
    pub saving: f64,
    /// All layers over computed layers.
    pub ratio: f64,
    /// The mean exit, from 1 to M.
    pub mean_exit: f64,
    /// `[M]`: the number of samples that left at each exit.
    pub histogram: Vec<u64>,
}

impl Metrics {
    /// The metrics of N answers: labels (-1 for unknown), predictions and exits (from 1 to M), each
    /// `[N]`, for a model of M `exits` and K `classes`.
    pub fn of(labels: &[i64], predictions: &[u32], exits_taken: &[u32], exits: usize, classes: usize) -> Self {
        let counts = Counts::of(labels, predictions, classes);
        let samples = exits_taken.len();
        let mut histogram = vec![0; exits];
        for &exit in exits_taken {
            if let Some(bin) = (exit as usize).checked_sub(1).and_then(|i| histogram.get_mut(i)) {
                *bin += 1;
            }
        }
        let layers = exits_taken.iter().map(|&exit| u64::from(exit)).sum();
        Metrics {
            samples,
            labelled: counts.labelled() as usize,
            accuracy: counts.accuracy(),
            macro_f1: counts.macro_f1(),
            micro_f1: counts.micro_f1(),
            saving: saving(layers, samples, exits),
            ratio: ratio(layers, samples, exits),
            mean_exit: layers as f64 / samples as f64,
            histogram,
        }
    }

    /// The value of one metric.
    pub fn get(&self, metric: Metric) -> f64 {
        metric.pick(self.accuracy, self.macro_f1, self.micro_f1)
    }
}

/// Budgeted mode: the scores of one exit if it answers every sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExitMetrics {
    /// The exit, from 1.
    pub exit: usize,
    /// The share answered correctly.
    pub accuracy: f64,
    /// See [`Counts::macro_f1`].
    pub macro_f1: f64,
    /// See [`Counts::micro_f1`].
    pub micro_f1: f64,
    /// The mean normalised entropy over all samples, in [0, 1].
    pub entropy: f64,
}

impl ExitMetrics {
    /// The value of one metric.
    pub fn get(&self, metric: Metric) -> f64 {
        metric.pick(self.accuracy, self.macro_f1, self.micro_f1)
    }
}

/// The metrics of each exit on its own (budgeted mode; Figure 3 of the paper), in order.
pub fn per_exit(trace: &Trace) -> Vec<ExitMetrics> {
    let ln_classes = ln_classes(trace.classes());
    let of_exit = |exit| {
        let mut sum = 0.0;
        let mut predictions = Vec::with_capacity(trace.samples());
        for sample in 0..trace.samples() {
            let (label, entropy) = read(trace.row(sample, exit), ln_classes);
            predictions.push(label as u32);
            sum += entropy;
        }
        let counts = Counts::of(trace.labels(), &predictions, trace.classes());
        ExitMetrics {
            exit,
            accuracy: counts.accuracy(),
            macro_f1: counts.macro_f1(),
            micro_f1: counts.micro_f1(),
            entropy: sum / trace.samples() as f64,
        }
    };
    (1..=trace.exits()).into_par_iter().map(of_exit).collect()
}

/// The metric that decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// The mean of the classes' F1: classes are uneven, so this is the default.
    #[default]
    MacroF1,
    /// F1 over pooled counts.
    MicroF1,
    /// The share answered correctly.
    Accuracy,
}

named!(Metric { MacroF1 = "macro_f1", MicroF1 = "micro_f1", Accuracy = "accuracy" });

impl Metric {
    pub(crate) fn pick(self, accuracy: f64, macro_f1: f64, micro_f1: f64) -> f64 {
        match self {
            Metric::MacroF1 => macro_f1,
            Metric::MicroF1 => micro_f1,
            Metric::Accuracy => accuracy,
        }
    }
}

/// A metric that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("metric: expected macro_f1, micro_f1 or accuracy, got `{0}`")]
pub struct UnknownMetric(String);

impl std::str::FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(text: &str) -> Result<Self, UnknownMetric> {
        Metric::read(&text.replace('-', "_")).map_err(|_| UnknownMetric(text.to_owned()))
    }
}
