//! What a report says, as plain data: nothing here knows traces or policies.
//!
//! Savings, scores, risks and entropies are shares from 0 to 1; exits count from 1.

/// Everything there is to say about one trace. What is empty or `None` is left out of the page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TraceReport {
    /// What the trace is called, in headings and, made plain, in file names.
    pub name: String,
    /// What was run, on what: pairs of a name and a value.
    pub facts: Vec<(String, String)>,
    /// What the reader must know before reading on, a sentence each.
    pub notes: Vec<String>,
    /// The setting that the headline and the exit histogram are about.
    pub choice: Option<Choice>,
    /// Figure 1 of the paper: one panel per metric.
    pub saving: Vec<Tradeoff>,
    /// Figure 3 of the paper: budgeted mode.
    pub exits: Vec<ExitRow>,
    /// Figure 4 of the paper: every combination of threshold and patience.
    pub grid: Option<Grid>,
    /// Figure 8 of the paper: special cases beside the policies they come from.
    pub degeneracy: Option<Degeneracy>,
    /// The Pareto front of every policy.
    pub fronts: Option<Tradeoff>,
    /// Where samples leave under the chosen setting.
    pub histogram: Vec<ExitBin>,
    /// Risk against setting, one figure per certificate.
    pub risks: Vec<Risk>,
    /// How far confidence can be trusted, exit by exit.
    pub reliability: Vec<Reliability>,
    /// The samples that leave last under the chosen setting.
    pub late: Option<Late>,
}

/// A setting that was chosen, beside full depth.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The setting's text.
    pub setting: String,
    /// How it was chosen and on what, as a sentence without its full stop.
    pub rule: String,
    /// The metric that decided.
    pub metric: String,
    /// The share of layers not computed.
    pub saving: f64,
    /// The metric at this setting.
    pub value: f64,
    /// The metric at full depth.
    pub full: f64,
    /// False where no setting reached the goal: the setting is full depth then.
    pub met: bool,
}

/// One setting of a policy: what it saves, what it is worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The share of layers not computed.
    pub saving: f64,
    /// The metric.
    pub value: f64,
    /// The setting's text.
    pub setting: String,
}

/// Settings of one policy, in the order in which a line joins them.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// What the legend calls it. `entropy`, `patience`, `epee` and `fixed` always look the same.
    pub name: String,
    /// Its settings.
    pub points: Vec<Point>,
}

/// A metric against the saving.
#[derive(Clone, Debug, PartialEq)]
pub struct Tradeoff {
    /// The metric.
    pub metric: String,
    /// The metric at full depth, where known.
    pub full: Option<f64>,
    /// A curve per policy.
    pub curves: Vec<Curve>,
}

/// One exit that answers every sample.
#[derive(Clone, Debug, PartialEq)]
pub struct ExitRow {
    /// The exit.
    pub exit: usize,
    /// The share answered right, where labels are known.
    pub accuracy: Option<f64>,
    /// The mean of the classes' F1, where labels are known.
    pub macro_f1: Option<f64>,
    /// The mean normalised entropy.
    pub entropy: f64,
}

/// A metric and the saving by threshold and patience.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// The metric.
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
    /// The metric by patience; empty where no label is known.
    pub values: Vec<f64>,
    /// The saving by patience.
    pub savings: Vec<f64>,
}

/// Special cases of a policy beside the policies they should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Degeneracy {
    /// The metric.
    pub metric: String,
    /// The pairs; those with the same parent share a panel.
    pub pairs: Vec<Likeness>,
}

/// A policy, and a special case of another that should lie exactly on it, setting by setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Likeness {
    /// The parent policy.
    pub parent: Curve,
    /// The special case, in the same order.
    pub special: Curve,
}

impl Likeness {
    /// The largest difference in saving or metric over all settings; infinite where their numbers differ.
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
    /// How many leave here.
    pub samples: u64,
    /// The share of them answered right, where labels are known and somebody leaves.
    pub accuracy: Option<f64>,
    /// Their mean length in tokens, where known.
    pub tokens: Option<f64>,
}

/// Risk against setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Risk {
    /// Stands in the figure's file name: plain letters, digits and hyphens; unique within a report.
    pub slug: String,
    /// What the risk is, such as `errors that full depth would not have made`.
    pub name: String,
    /// What the horizontal axis shows, such as `saving`.
    pub axis: String,
    /// What is certified, where something is.
    pub certificate: Certificate,
    /// The settings, by ascending position.
    pub points: Vec<RiskPoint>,
}

/// What a certificate promises: risk at most ε, but for a chance of δ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Certificate {
    /// ε, the most risk.
    pub epsilon: f64,
    /// δ, the chance that the promise is broken.
    pub delta: f64,
}

/// The risk of one setting.
#[derive(Clone, Debug, PartialEq)]
pub struct RiskPoint {
    /// Where it stands on the axis: its saving, or its number in the order of testing.
    pub position: f64,
    /// The setting's text.
    pub setting: String,
    /// The risk on the calibration data.
    pub empirical: f64,
    /// The upper bound, where one was computed.
    pub upper: Option<f64>,
    /// Whether the certificate holds for it.
    pub certified: bool,
}

/// Confidence against accuracy at one exit.
#[derive(Clone, Debug, PartialEq)]
pub struct Reliability {
    /// The exit.
    pub exit: usize,
    /// The expected calibration error, where it was computed.
    pub ece: Option<f64>,
    /// The bins, by ascending confidence; empty ones may be left out.
    pub bins: Vec<Bin>,
}

/// The samples whose confidence is alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// How many there are.
    pub count: u64,
    /// Their mean confidence.
    pub confidence: f64,
    /// The share of them answered right.
    pub accuracy: f64,
}

/// The samples that leave last.
#[derive(Clone, Debug, PartialEq)]
pub struct Late {
    /// The latest exit that any sample reached.
    pub exit: usize,
    /// How many samples reached it.
    pub samples: usize,
    /// Their mean length in tokens and that of all samples, where known.
    pub mean_tokens: Option<(f64, f64)>,
    /// Some of them, the least certain first.
    pub rows: Vec<LateSample>,
}

/// A sample that leaves late.
#[derive(Clone, Debug, PartialEq)]
pub struct LateSample {
    /// Its id, or its number from 0 where the trace has none.
    pub id: String,
    /// Its length in tokens, where known.
    pub tokens: Option<i64>,
    /// Its class, where known.
    pub label: Option<String>,
    /// The class that was answered.
    pub answer: String,
    /// The normalised entropy of the answer.
    pub entropy: f64,
    /// Its text, where the page is to show it.
    pub text: Option<String>,
}

/// A grid of training runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrainingGrid {
    /// What the grid is called.
    pub name: String,
    /// What models are compared by.
    pub score: String,
    /// What the reader must know before reading on, a sentence each.
    pub notes: Vec<String>,
    /// The options that tell runs apart.
    pub keys: Vec<String>,
    /// What batches are counted in, as `batch size` or `batch tokens`.
    pub batches: String,
    /// The runs.
    pub runs: Vec<TrainingRun>,
}

/// One run of a [`TrainingGrid`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrainingRun {
    /// The values of the keys.
    pub values: Vec<String>,
    /// The peak of the learning rate.
    pub learning_rate: f64,
    /// The same as a person writes it.
    pub rate: String,
    /// What a batch holds: sequences, or tokens.
    pub batch: usize,
    /// The best epoch, where there is one.
    pub epoch: Option<usize>,
    /// What it was compared by, where it was finished.
    pub score: Option<f64>,
    /// The mean of the classes' F1 of each exit on dev.
    pub macro_f1: Vec<Option<f64>>,
    /// True where every exit answers the majority class: nothing was learned.
    pub majority: bool,
    /// True of the best run.
    pub best: bool,
    /// What there is to say of it.
    pub remark: String,
}
