//! From a trace to what a report says of it: the only file here that replays anything.

mod confidence;
mod risk;

use epee_exit::{
    Choice as Chosen, Goal, Grid as Settings, Metric, Policy, PolicyKind, Replay, Scoring, SweepRow, Threshold, Trace,
    choose, full_depth, pareto, per_exit, replay, runnable, sweep,
};

use crate::data::{
    Choice, Curve, Degeneracy, ExitBin, ExitRow, Grid, GridRow, Late, LateSample, Likeness, Point, TraceReport,
    Tradeoff,
};
use crate::error::ReportError;

/// The loss of macro-F1 that the headline tolerates.
const TOLERATED: f64 = 0.01;
/// How many of the samples that leave last are listed.
const LATE: usize = 20;
/// The metrics of Figure 1, with what they are called.
const METRICS: [(Metric, &str); 2] = [(Metric::Accuracy, "accuracy"), (Metric::MacroF1, "macro-F1")];

/// What is asked of a report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// The most points of a curve, see [`most_points`](crate::most_points).
    pub most: usize,
    /// ε of the risk figures, in (0, 1).
    pub epsilon: f64,
    /// δ of the risk figures, in (0, 1).
    pub delta: f64,
}

impl Options {
    /// Risks of at most 5 % with 95 % confidence.
    pub fn new(most: usize) -> Options {
        Options { most, epsilon: 0.05, delta: 0.05 }
    }
}

/// Replays the standard settings over a trace: thresholds 0, 0.01, … 1, every patience and `never`, every fixed exit; of every
/// other policy that can run on it, its own standard settings. `name` is what the trace is called.
///
/// # Errors
/// A trace whose classes or exits no policy fits, such as one class alone; ε or δ outside (0, 1).
pub fn gather(trace: &Trace, name: &str, options: &Options) -> Result<TraceReport, ReportError> {
    let most = options.most;
    let standard = Settings::standard(trace.exits(), trace.classes());
    let settings =
        Settings { thresholds: Some((0..=100).map(|i| Some(f64::from(i) / 100.0)).collect()), ..standard.clone() };
    let swept = |kind: PolicyKind, settings: &Settings| {
        sweep(trace, &settings.clone().with_kinds([kind])).map_err(|error| ReportError::Replay(error.to_string()))
    };
    let rows = Swept {
        fixed: swept(PolicyKind::Fixed, &settings)?,
        entropy: swept(PolicyKind::Entropy, &settings)?,
        patience: swept(PolicyKind::Patience, &settings)?,
        epee: swept(PolicyKind::Epee, &settings)?,
        full: full_depth(trace, &Scoring::default()),
    };
    // Of many traces every second threshold: a cell of the grid is as long as a point of a curve.
    let step = if most < 50 { 2 } else { 1 };
    let thresholds = standard.thresholds_of(PolicyKind::Epee).into_iter().step_by(step).collect();
    let coarse = Settings { thresholds: Some(thresholds), ..standard.clone() };
    let cells = swept(PolicyKind::Epee, &coarse)?;
    let mut report = TraceReport {
        name: name.to_owned(),
        facts: facts(trace),
        exits: exits(trace),
        grid: Some(grid(&cells, &coarse, trace)),
        ..TraceReport::default()
    };
    risk::add(&mut report, trace, options)?;
    if trace.labelled() == 0 {
        report.notes.push(
            "No sample of this trace has a label. Left out: quality against saving, the Pareto fronts, the chosen setting and \
             where its samples leave, and the special cases"
                .to_owned()
                + ".",
        );
        return Ok(report);
    }
    if trace.labelled() < trace.samples() {
        let (labelled, samples) = (trace.labelled(), trace.samples());
        report.notes.push(format!(
            "{labelled} of {samples} samples have a label: accuracy and F1 are theirs, the saving is everyone's."
        ));
    }
    report.saving = METRICS.map(|metric| rows.tradeoff(metric, most)).to_vec();
    confidence::add(&mut report, trace, most)?;
    let others: Vec<PolicyKind> = runnable(trace).into_iter().filter(|kind| !SWEPT.contains(kind)).collect();
    let others: Vec<(PolicyKind, Vec<SweepRow>)> =
        others.into_iter().map(|kind| Ok((kind, swept(kind, &standard)?))).collect::<Result<_, ReportError>>()?;
    report.fronts = Some(rows.fronts(&others, METRICS[1], most));
    report.degeneracy = Some(rows.degeneracy(METRICS[1], trace.exits(), most));
    let chosen = choose(&rows.epee, &rows.full, Goal::MaxLoss(TOLERATED), Metric::MacroF1)
        .map_err(|error| ReportError::Replay(error.to_string()))?;
    let policy = chosen.policy.check(trace.exits(), trace.classes());
    let policy = policy.map_err(|error| ReportError::Replay(error.to_string()))?;
    let replayed = replay(&policy, trace).map_err(|error| ReportError::Replay(error.to_string()))?;
    report.choice = Some(choice(&chosen));
    report.histogram = histogram(trace, &replayed);
    report.late = late(trace, &replayed);
    Ok(report)
}

/// The policies that every figure shows.
const SWEPT: [PolicyKind; 4] = [PolicyKind::Fixed, PolicyKind::Entropy, PolicyKind::Patience, PolicyKind::Epee];

/// Every setting of the paper's policies, scored.
struct Swept {
    fixed: Vec<SweepRow>,
    entropy: Vec<SweepRow>,
    patience: Vec<SweepRow>,
    epee: Vec<SweepRow>,
    full: SweepRow,
}

impl Swept {
    fn tradeoff(&self, (metric, name): (Metric, &str), most: usize) -> Tradeoff {
        let curves = vec![
            curve("entropy", &self.entropy, metric, most),
            curve("patience", &self.patience, metric, most),
            Curve { name: "epee".to_owned(), ..curve("epee", &pareto(&self.epee, metric), metric, most) },
        ];
        Tradeoff { metric: name.to_owned(), full: Some(self.full.get(metric)), curves }
    }

    fn fronts(&self, others: &[(PolicyKind, Vec<SweepRow>)], (metric, name): (Metric, &str), most: usize) -> Tradeoff {
        let policies =
            [("fixed", &self.fixed), ("entropy", &self.entropy), ("patience", &self.patience), ("epee", &self.epee)];
        let paper = policies.into_iter().map(|(policy, rows)| (policy, rows, most));
        // There are many of them, and they are there for comparison.
        let others = others.iter().map(|(kind, rows)| (kind.name(), rows, most.div_ceil(3).max(6)));
        let front =
            |(policy, rows, most): (&str, &Vec<SweepRow>, usize)| curve(policy, &pareto(rows, metric), metric, most);
        let curves = paper.chain(others).map(front).collect();
        Tradeoff { metric: name.to_owned(), full: Some(self.full.get(metric)), curves }
    }

    /// EPEE with one part off beside the other part alone; every fifth threshold where a curve may not have them all.
    fn degeneracy(&self, (metric, name): (Metric, &str), exits: usize, most: usize) -> Degeneracy {
        let step = if most < self.entropy.len() { 5 } else { 1 };
        let special = |name: &str, keep: &dyn Fn(Option<f64>, Option<usize>) -> bool| {
            let kept = self.epee.iter().filter(|row| {
                let threshold = row.policy.threshold().and_then(Threshold::scalar);
                keep(threshold, row.policy.rule.patience())
            });
            Curve { name: name.to_owned(), points: kept.map(|row| point(row, metric)).collect() }
        };
        let parent = |name: &str, rows: &[SweepRow]| Curve {
            name: name.to_owned(),
            points: rows.iter().map(|row| point(row, metric)).collect(),
        };
        let every = |mut curve: Curve| {
            curve.points = curve.points.into_iter().step_by(step).collect();
            curve
        };
        let pairs = vec![
            Likeness {
                parent: every(parent("entropy", &self.entropy)),
                special: every(special("epee, P_t = never", &|_, patience| patience.is_none())),
            },
            Likeness {
                parent: every(parent("entropy", &self.entropy)),
                special: every(special(&format!("epee, P_t = M = {exits}"), &|_, patience| patience == Some(exits))),
            },
            Likeness {
                parent: parent("patience", &self.patience),
                special: special("epee, τ = 0", &|threshold, _| threshold == Some(0.0)),
            },
        ];
        Degeneracy { metric: name.to_owned(), pairs }
    }
}

fn point(row: &SweepRow, metric: Metric) -> Point {
    Point { saving: row.saving, value: row.get(metric), setting: row.policy.to_string() }
}

/// A curve by ascending saving: settings that come to the same are one point, and of too many some are taken evenly.
fn curve(name: &str, rows: &[SweepRow], metric: Metric, most: usize) -> Curve {
    let mut points: Vec<Point> = rows.iter().map(|row| point(row, metric)).collect();
    points.sort_by(|a, b| a.saving.total_cmp(&b.saving));
    points.dedup_by(|b, a| a.saving == b.saving && a.value == b.value);
    let last = points.len().saturating_sub(1);
    if points.len() > most.max(2) {
        let most = most.max(2);
        points = (0..most).map(|i| points[i * last / (most - 1)].clone()).collect();
    }
    Curve { name: name.to_owned(), points }
}

fn known(value: f64) -> Option<f64> {
    Some(value).filter(|value| value.is_finite())
}

fn exits(trace: &Trace) -> Vec<ExitRow> {
    let row = |exit: epee_exit::ExitMetrics| ExitRow {
        exit: exit.exit,
        accuracy: known(exit.accuracy),
        macro_f1: known(exit.macro_f1),
        entropy: exit.entropy,
    };
    per_exit(trace).into_iter().map(row).collect()
}

/// The standard grid as rows of thresholds.
fn grid(rows: &[SweepRow], settings: &Settings, trace: &Trace) -> Grid {
    let (thresholds, patiences) = (settings.thresholds_of(PolicyKind::Epee), settings.patiences());
    let never = |text: Option<String>| text.unwrap_or_else(|| "never".to_owned());
    let labelled = trace.labelled() > 0;
    let height = thresholds.len();
    // A sweep goes patience by patience: the thresholds of one patience stand side by side.
    let cells = |at: usize| (0..patiences.len()).filter_map(move |column| rows.get(column * height + at));
    let row = |(at, threshold): (usize, &Option<f64>)| GridRow {
        threshold: never(threshold.map(|threshold| threshold.to_string())),
        values: if labelled { cells(at).map(|row| row.macro_f1).collect() } else { Vec::new() },
        savings: cells(at).map(|row| row.saving).collect(),
    };
    Grid {
        metric: "macro-F1".to_owned(),
        patiences: patiences.iter().map(|patience| never(patience.map(|patience| patience.to_string()))).collect(),
        rows: thresholds.iter().enumerate().map(row).collect(),
    }
}

fn choice(chosen: &Chosen) -> Choice {
    Choice {
        setting: chosen.policy.to_string(),
        rule: "Chosen on this trace itself: of all EPEE settings the greatest saving at most 0.01 of macro-F1 below full depth. \
               A setting to be relied on is chosen on dev and judged on test"
            .to_owned(),
        metric: METRICS[1].1.to_owned(),
        saving: chosen.row.saving,
        value: chosen.row.macro_f1,
        full: chosen.full.macro_f1,
        met: chosen.met && chosen.policy != Policy::full(),
    }
}

fn histogram(trace: &Trace, replayed: &Replay) -> Vec<ExitBin> {
    #[derive(Clone, Default)]
    struct Tally {
        samples: u64,
        labelled: u64,
        right: u64,
        tokens: i64,
    }
    let mut tallies = vec![Tally::default(); trace.exits()];
    for (sample, (&exit, &answer)) in replayed.exits.iter().zip(&replayed.labels).enumerate() {
        let Some(tally) = (exit as usize).checked_sub(1).and_then(|at| tallies.get_mut(at)) else { continue };
        let label = trace.labels()[sample];
        tally.samples += 1;
        tally.labelled += u64::from(label >= 0);
        tally.right += u64::from(label == i64::from(answer));
        tally.tokens += trace.tokens().get(sample).copied().unwrap_or(0);
    }
    let share = |part: f64, whole: u64| (whole > 0).then(|| part / whole as f64);
    let bin = |(at, tally): (usize, Tally)| ExitBin {
        exit: at + 1,
        samples: tally.samples,
        accuracy: share(tally.right as f64, tally.labelled),
        tokens: share(tally.tokens as f64, tally.samples).filter(|_| !trace.tokens().is_empty()),
    };
    tallies.into_iter().enumerate().map(bin).collect()
}

fn late(trace: &Trace, replayed: &Replay) -> Option<Late> {
    let exit = replayed.exits.iter().copied().max().filter(|&exit| exit > 1)?;
    let mut last: Vec<usize> = (0..trace.samples()).filter(|&sample| replayed.exits[sample] == exit).collect();
    last.sort_by(|&a, &b| replayed.entropies[b].total_cmp(&replayed.entropies[a]));
    let mean = |samples: &mut dyn Iterator<Item = i64>| {
        let (sum, count) = samples.fold((0.0, 0.0), |(sum, count), tokens| (sum + tokens as f64, count + 1.0));
        sum / count
    };
    let tokens = trace.tokens();
    let mean_tokens = (!tokens.is_empty())
        .then(|| (mean(&mut last.iter().map(|&sample| tokens[sample])), mean(&mut tokens.iter().copied())));
    let row = |&sample: &usize| LateSample {
        id: trace.ids().get(sample).cloned().unwrap_or_else(|| sample.to_string()),
        tokens: tokens.get(sample).copied(),
        label: usize::try_from(trace.labels()[sample]).ok().map(|label| trace.class_name(label)),
        answer: trace.class_name(replayed.labels[sample] as usize),
        entropy: replayed.entropies[sample],
        text: None,
    };
    let rows = last.iter().take(LATE).map(row).collect();
    Some(Late { exit: exit as usize, samples: last.len(), mean_tokens, rows })
}

fn facts(trace: &Trace) -> Vec<(String, String)> {
    let from = trace.provenance();
    let classes: Vec<String> = (0..trace.classes()).map(|class| trace.class_name(class)).collect();
    let mut facts = vec![
        ("samples".to_owned(), format!("{} ({} labelled)", trace.samples(), trace.labelled())),
        ("exits".to_owned(), trace.exits().to_string()),
        ("classes".to_owned(), format!("{}: {}", trace.classes(), classes.join(", "))),
    ];
    for (name, value) in [
        ("split", &from.split),
        ("precision", &from.precision),
        ("model digest", &from.model_digest),
        ("data digest", &from.data_digest),
        ("recorded by epee", &from.epee_version),
    ] {
        facts.push((name.to_owned(), value.clone().unwrap_or_else(|| "not recorded".to_owned())));
    }
    facts
}
