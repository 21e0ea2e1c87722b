//! The contents of a report as plain data.
//!
//! Savings, scores, risks and entropies are shares from 0 to 1; exits count from 1.

use std::fmt;

use epee_exit::{ExitMetrics, ReliabilityBin};

/// The contents of one trace's section. The page leaves out whatever is empty or `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TraceReport {
    /// The trace's name, for headings and, as a slug, for file names.
    pub name: String,
    /// The model, the data and the run: pairs of a name and a value.
    pub facts: Vec<(String, String)>,
    /// Warnings for the reader, a sentence each.
    pub notes: Vec<String>,
    /// The setting of the headline and of the exit histogram.
    pub choice: Option<ChosenSetting>,
    /// Figure 1 of the paper: one panel per metric.
    pub tradeoffs: Vec<Tradeoff>,
    /// Figure 3 of the paper: budgeted mode.
    pub exits: Vec<ExitMetrics>,
    /// Figure 4 of the paper: every combination of threshold and patience.
    pub grid: Option<Grid>,
    /// Figure 8 of the paper: special cases beside the policies they equal.
    pub special_cases: Option<SpecialCases>,
    /// The Pareto front of every policy.
    pub fronts: Option<Tradeoff>,
    /// The number of samples that leave at each exit under the chosen setting.
    pub histogram: Vec<ExitBin>,
    /// Risk against setting, one figure per certificate.
    pub risks: Vec<RiskCurve>,
    /// Confidence against accuracy, exit by exit.
    pub reliability: Vec<Reliability>,
    /// The samples that leave last under the chosen setting.
    pub late: Option<LateSamples>,
}

/// A chosen setting and its metric, beside full depth.
#[derive(Clone, Debug, PartialEq)]
pub struct ChosenSetting {
    /// The setting's text.
    pub setting: String,
    /// How and on which data it was chosen, as a sentence without its full stop.
    pub rule: String,
    /// The metric it was chosen by.
    pub metric: String,
    /// The share of layers not computed.
    pub saving: f64,
    /// The metric at this setting.
    pub value: f64,
    /// The metric at full depth.
    pub full: f64,
    /// False if no setting reached the goal; the setting is then full depth.
    pub met: bool,
}

/// One setting of a policy, with its saving and its metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The share of layers not computed.
    pub saving: f64,
    /// The metric.
    pub value: f64,
    /// The setting's text.
    pub setting: String,
}

impl Point {
    /// Its place: saving and metric.
    pub(crate) fn at(&self) -> (f64, f64) {
        (self.saving, self.value)
    }

    /// The text shown to a reader who points at it.
    pub(crate) fn tip(&self, curve: &str, metric: &str) -> String {
        let Point { saving, value, setting } = self;
        let head = match setting.as_str() {
            "" => curve.to_owned(),
            text if text.starts_with(curve) => setting.clone(),
            _ => format!("{setting} ({curve})"),
        };
        format!("{head}\nsaving {saving:.4} · {metric} {value:.4}")
    }
}

/// The settings of one policy, in the order in which a line joins them.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Its name in the legend. `entropy`, `patience`, `epee` and `fixed` always look the same.
    pub name: String,
    /// Its settings.
    pub points: Vec<Point>,
}

/// A metric against the saving.
#[derive(Clone, Debug, PartialEq)]
pub struct Tradeoff {
    /// The metric's name.
    pub metric: String,
    /// The metric at full depth, if known.
    pub full: Option<f64>,
    /// A curve per policy.
    pub curves: Vec<Curve>,
}

/// A metric and the saving by threshold and patience.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// The metric's name.
    pub metric: String,
    /// The patiences, by column; one of them may be `never`.
    pub patiences: Vec<String>,
    /// A row per threshold, from the lowest.
    pub rows: Vec<GridRow>,
}

/// One threshold of a [`Grid`].
#[derive(Clone, Debug, PartialEq)]
pub struct GridRow {
    /// The threshold's text.
    pub threshold: String,
    /// The metric by patience; empty if no label is known.
    pub values: Vec<f64>,
    /// The saving by patience.
    pub savings: Vec<f64>,
}

/// Special cases of a policy beside the policies they should equal.
#[derive(Clone, Debug, PartialEq)]
pub struct SpecialCases {
    /// The metric's name.
    pub metric: String,
    /// The pairs; those with the same parent share a panel.
    pub pairs: Vec<SpecialCase>,
}

/// A policy, and a special case of another that should equal it setting by setting.
#[derive(Clone, Debug, PartialEq)]
pub struct SpecialCase {
    /// The parent policy.
    pub parent: Curve,
    /// The special case, in the same order.
    pub special: Curve,
}

impl SpecialCase {
    /// The largest difference in saving or metric over all settings; infinite if their numbers differ.
    pub fn largest_difference(&self) -> f64 {
        if self.parent.points.len() != self.special.points.len() {
            return f64::INFINITY;
        }
        let pairs = self.parent.points.iter().zip(&self.special.points);
        pairs.fold(0.0, |most, (a, b)| most.max((a.saving - b.saving).abs()).max((a.value - b.value).abs()))
    }
}

/// The samples that leave at one exit.
#[derive(Clone, Debug, PartialEq)]
pub struct ExitBin {
    /// The exit.
    pub exit: usize,
    /// The number of samples that leave here.
    pub samples: u64,
    /// The share of correct answers among them, if a label is known.
    pub accuracy: Option<f64>,
    /// Their mean length in tokens, if known.
    pub tokens: Option<f64>,
}

/// Risk against setting.
#[derive(Clone, Debug, PartialEq)]
pub struct RiskCurve {
    /// The part of the figure's file name: plain letters, digits and hyphens; unique within a report.
    pub slug: String,
    /// The risk in words, such as `errors that full depth would not have made`.
    pub name: String,
    /// The label of the horizontal axis, such as `saving`.
    pub axis: String,
    /// ε: the greatest risk of a certified setting.
    pub epsilon: f64,
    /// δ: the probability that the certificate fails.
    pub delta: f64,
    /// The settings, by ascending position.
    pub points: Vec<RiskPoint>,
}

/// The risk of one setting.
#[derive(Clone, Debug, PartialEq)]
pub struct RiskPoint {
    /// Its place on the horizontal axis: its saving, or its number in the order of testing.
    pub position: f64,
    /// The setting's text.
    pub setting: String,
    /// The risk on the calibration data.
    pub empirical: f64,
    /// The upper bound, if one was computed.
    pub upper: Option<f64>,
    /// True if the certificate holds for it.
    pub certified: bool,
}

/// Confidence against accuracy at one exit.
#[derive(Clone, Debug, PartialEq)]
pub struct Reliability {
    /// The exit.
    pub exit: usize,
    /// The expected calibration error, if computed.
    pub ece: Option<f64>,
    /// The bins, by ascending confidence; empty ones may be left out.
    pub bins: Vec<ReliabilityBin>,
}

/// The samples that leave last.
#[derive(Clone, Debug, PartialEq)]
pub struct LateSamples {
    /// The latest exit that any sample reached.
    pub exit: usize,
    /// The number of samples that reached it.
    pub samples: usize,
    /// Their mean length in tokens and that of all samples, if known.
    pub mean_tokens: Option<(f64, f64)>,
    /// Some of them, the least certain first.
    pub rows: Vec<LateSample>,
}

/// A sample that leaves late.
#[derive(Clone, PartialEq)]
pub struct LateSample {
    /// Its id, or its number from 0 if the trace has none.
    pub id: String,
    /// Its length in tokens, if known.
    pub tokens: Option<i64>,
    /// Its class, if known.
    pub label: Option<String>,
    /// The predicted class.
    pub answer: String,
    /// The normalised entropy of the answer.
    pub entropy: f64,
    /// Its text, if the page is to show it. `Debug` shows its length.
    pub text: Option<String>,
}

impl fmt::Debug for LateSample {
    /// The id, and the length of the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LateSample({}, text of {:?} bytes)", self.id, self.text.as_ref().map(String::len))
    }
}

/// A grid of training runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrainingGrid {
    /// Its name.
    pub name: String,
    /// The score that compares models.
    pub score: String,
    /// Warnings for the reader, a sentence each.
    pub notes: Vec<String>,
    /// The options that differ between runs.
    pub keys: Vec<String>,
    /// The unit of batches: `batch size` or `batch tokens`.
    pub batches: String,
    /// The runs.
    pub runs: Vec<TrainingRun>,
}

/// One run of a [`TrainingGrid`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrainingRun {
    /// The values of the keys.
    pub values: Vec<String>,
    /// The peak learning rate.
    pub learning_rate: f64,
    /// The same as the user wrote it.
    pub rate: String,
    /// The sequences, or tokens, of a batch.
    pub batch: usize,
    /// The best epoch, if there is one.
    pub epoch: Option<usize>,
    /// The score, if the run finished.
    pub score: Option<f64>,
    /// The mean of the classes' F1 of each exit on dev.
    pub macro_f1: Vec<Option<f64>>,
    /// True if every exit predicts the majority class: the model learned nothing.
    pub majority: bool,
    /// True for the best run.
    pub best: bool,
    /// A remark for its row.
    pub remark: String,
}
