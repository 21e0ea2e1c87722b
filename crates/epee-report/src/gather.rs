//! Replays a trace and collects the contents of its report.

mod reliability;
mod risk;

use epee_exit::{
    Choice, Goal, Grid as Settings, Metric, Policy, PolicyKind, Replay, Scoring, SweepRow, Threshold, Trace, choose,
    full_depth, pareto, per_exit, replay, runnable, sweep,
};

use crate::data::{
    ChosenSetting, Curve, ExitBin, Grid, GridRow, LateSample, LateSamples, Point, SpecialCase, SpecialCases,
    TraceReport, Tradeoff,
};
use crate::error::ReportError;

/// The loss of macro-F1 that the headline tolerates.
const TOLERATED: f64 = 0.01;
/// How many of the samples that leave last are listed.
const LATE: usize = 20;
/// The metrics of Figure 1, with their names.
const METRICS: [(Metric, &str); 2] = [(Metric::Accuracy, "accuracy"), (Metric::MacroF1, "macro-F1")];

/// Options of a report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// The most points of a curve, see [`max_points`](crate::max_points).
    pub max_points: usize,
    /// ε of the risk figures, in (0, 1).
    pub epsilon: f64,
    /// δ of the risk figures, in (0, 1).
    pub delta: f64,
}

impl Options {
    /// Risks of at most 5 % with 95 % confidence.
    pub fn new(max_points: usize) -> Options {
        Options { max_points, epsilon: 0.05, delta: 0.05 }
    }
}

/// Replays the standard settings over a trace: thresholds 0, 0.01, … 1, every patience and `never`, every fixed exit; for every
/// other policy that can run on it, that policy's own standard settings. `name` is the trace's name.
///
/// # Errors
/// A trace whose classes or exits no policy fits, such as a single class; ε or δ outside (0, 1).
pub fn gather(trace: &Trace, name: &str, options: &Options) -> Result<TraceReport, ReportError> {
    let most = options.max_points;
    let standard = Settings::standard(trace.exits(), trace.classes());
    let settings =
        Settings { thresholds: Some((0..=100).map(|i| Some(f64::from(i) / 100.0)).collect()), ..standard.clone() };
    let swept = |kind: PolicyKind, settings: &Settings| {
        sweep(trace, &settings.clone().with_kinds([kind])).map_err(ReportError::replay)
    };
    let rows = Swept {
        fixed: swept(PolicyKind::Fixed, &settings)?,
        entropy: swept(PolicyKind::Entropy, &settings)?,
        patience: swept(PolicyKind::Patience, &settings)?,
        epee: swept(PolicyKind::Epee, &settings)?,
        full: full_depth(trace, &Scoring::default()),
    };
    // With many traces on the page, every second threshold: a grid cell takes as much space as a curve's point.
    let step = if most < 50 { 2 } else { 1 };
    let thresholds = standard.thresholds_of(PolicyKind::Epee).into_iter().step_by(step).collect();
    let coarse = Settings { thresholds: Some(thresholds), ..standard.clone() };
    let cells = swept(PolicyKind::Epee, &coarse)?;
    let mut report = TraceReport {
        name: name.to_owned(),
        facts: facts(trace),
        exits: per_exit(trace),
        grid: Some(grid(&cells, &coarse, trace)),
        ..TraceReport::default()
    };
    risk::add(&mut report, trace, options)?;
    let (labelled, samples) = (trace.labelled(), trace.samples());
    if labelled == 0 {
        report.notes.push(
            "No sample of this trace has a label. Left out: quality against saving, the Pareto fronts, the chosen setting and \
             where its samples leave, and the special cases."
                .to_owned(),
        );
        return Ok(report);
    }
    if labelled < samples {
        report.notes.push(format!(
            "{labelled} of {samples} samples have a label. Accuracy and F1 use those; the saving uses all samples."
        ));
    }
    report.tradeoffs = METRICS.map(|metric| rows.tradeoff(metric, most)).to_vec();
    reliability::add(&mut report, trace, most)?;
    let swept_already = [PolicyKind::Fixed, PolicyKind::Entropy, PolicyKind::Patience, PolicyKind::Epee];
    let others = runnable(trace).into_iter().filter(|kind| !swept_already.contains(kind));
    let others: Vec<(PolicyKind, Vec<SweepRow>)> =
        others.map(|kind| Ok((kind, swept(kind, &standard)?))).collect::<Result<_, ReportError>>()?;
    report.fronts = Some(rows.fronts(&others, METRICS[1], most));
    report.special_cases = Some(rows.special_cases(METRICS[1], trace.exits(), most));
    let chosen =
        choose(&rows.epee, &rows.full, Goal::MaxLoss(TOLERATED), Metric::MacroF1).map_err(ReportError::replay)?;
    let policy = chosen.policy.check(trace.exits(), trace.classes()).map_err(ReportError::replay)?;
    let replayed = replay(&policy, trace).map_err(ReportError::replay)?;
    report.choice = Some(choice(&chosen));
    report.histogram = histogram(trace, &replayed);
    report.late = late(trace, &replayed);
    Ok(report)
}

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
            curve("epee", &pareto(&self.epee, metric), metric, most),
        ];
        Tradeoff { metric: name.to_owned(), full: Some(self.full.get(metric)), curves }
    }

    fn fronts(&self, others: &[(PolicyKind, Vec<SweepRow>)], (metric, name): (Metric, &str), most: usize) -> Tradeoff {
        let paper =
            [("fixed", &self.fixed), ("entropy", &self.entropy), ("patience", &self.patience), ("epee", &self.epee)];
        let paper = paper.into_iter().map(|(policy, rows)| (policy, rows, most));
        // The other policies are many and for comparison only: a third of the points each.
        let others = others.iter().map(|(kind, rows)| (kind.name(), rows, most.div_ceil(3).max(6)));
        let curves = paper.chain(others).map(|(policy, rows, most)| curve(policy, &pareto(rows, metric), metric, most));
        Tradeoff { metric: name.to_owned(), full: Some(self.full.get(metric)), curves: curves.collect() }
    }

    /// EPEE with one part switched off, beside the other part alone; every fifth threshold if a curve may not have them all.
    fn special_cases(&self, (metric, name): (Metric, &str), exits: usize, most: usize) -> SpecialCases {
        let step = if most < self.entropy.len() { 5 } else { 1 };
        let curve = |name: &str, rows: &mut dyn Iterator<Item = &SweepRow>, step: usize| Curve {
            name: name.to_owned(),
            points: rows.step_by(step).map(|row| point(row, metric)).collect(),
        };
        let with_patience = |name: &str, patience: Option<usize>| SpecialCase {
            parent: curve("entropy", &mut self.entropy.iter(), step),
            special: curve(name, &mut self.epee.iter().filter(|row| row.policy.rule.patience() == patience), step),
        };
        let no_threshold = |row: &&SweepRow| row.policy.threshold().and_then(Threshold::scalar) == Some(0.0);
        let pairs = vec![
            with_patience("epee, P_t = never", None),
            with_patience(&format!("epee, P_t = M = {exits}"), Some(exits)),
            SpecialCase {
                parent: curve("patience", &mut self.patience.iter(), 1),
                special: curve("epee, τ = 0", &mut self.epee.iter().filter(no_threshold), 1),
            },
        ];
        SpecialCases { metric: name.to_owned(), pairs }
    }
}

fn point(row: &SweepRow, metric: Metric) -> Point {
    Point { saving: row.saving, value: row.get(metric), setting: row.policy.to_string() }
}

/// A curve by ascending saving. Equal settings become one point; of too many points, evenly spaced ones are kept.
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

/// The standard grid as rows of thresholds.
fn grid(rows: &[SweepRow], settings: &Settings, trace: &Trace) -> Grid {
    let (thresholds, patiences) = (settings.thresholds_of(PolicyKind::Epee), settings.patiences());
    let never = |text: Option<String>| text.unwrap_or_else(|| "never".to_owned());
    let labelled = trace.labelled() > 0;
    let height = thresholds.len();
    // A sweep goes patience by patience, so that the thresholds of one patience are adjacent.
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

fn choice(chosen: &Choice) -> ChosenSetting {
    ChosenSetting {
        setting: chosen.policy.to_string(),
        rule: "Chosen on this trace: the EPEE setting with the greatest saving that loses at most 0.01 of macro-F1 against full \
               depth. For an unbiased result, choose a setting on dev and measure it on test"
            .to_owned(),
        metric: METRICS[1].1.to_owned(),
        saving: chosen.row.saving,
        value: chosen.row.macro_f1,
        full: chosen.full.macro_f1,
        met: chosen.met && chosen.policy != Policy::full(),
    }
}

fn histogram(trace: &Trace, replayed: &Replay) -> Vec<ExitBin> {
    let bin = |exit: usize| {
        let samples: Vec<usize> = (0..trace.samples()).filter(|&at| replayed.exits[at] as usize == exit).collect();
        let labelled: Vec<usize> = samples.iter().copied().filter(|&at| trace.labels()[at] >= 0).collect();
        let correct = labelled.iter().filter(|&&at| trace.labels()[at] == i64::from(replayed.labels[at]));
        ExitBin {
            exit,
            samples: samples.len() as u64,
            accuracy: known(correct.count() as f64 / labelled.len() as f64),
            tokens: mean_tokens(trace, &samples),
        }
    };
    (1..=trace.exits()).map(bin).collect()
}

/// The mean length of some samples, if there are any and lengths are known.
fn mean_tokens(trace: &Trace, samples: &[usize]) -> Option<f64> {
    let tokens = samples.iter().filter_map(|&at| trace.tokens().get(at));
    known(tokens.map(|&tokens| tokens as f64).sum::<f64>() / samples.len() as f64)
        .filter(|_| !trace.tokens().is_empty())
}

fn late(trace: &Trace, replayed: &Replay) -> Option<LateSamples> {
    let exit = replayed.exits.iter().copied().max().filter(|&exit| exit > 1)?;
    let all: Vec<usize> = (0..trace.samples()).collect();
    let mut last: Vec<usize> = all.iter().copied().filter(|&sample| replayed.exits[sample] == exit).collect();
    last.sort_by(|&a, &b| replayed.entropies[b].total_cmp(&replayed.entropies[a]));
    let mean_tokens = mean_tokens(trace, &last).zip(mean_tokens(trace, &all));
    let row = |&sample: &usize| LateSample {
        id: trace.ids().get(sample).cloned().unwrap_or_else(|| sample.to_string()),
        tokens: trace.tokens().get(sample).copied(),
        label: usize::try_from(trace.labels()[sample]).ok().map(|label| trace.class_name(label)),
        answer: trace.class_name(replayed.labels[sample] as usize),
        entropy: replayed.entropies[sample],
        text: None,
    };
    let rows = last.iter().take(LATE).map(row).collect();
    Some(LateSamples { exit: exit as usize, samples: last.len(), mean_tokens, rows })
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
