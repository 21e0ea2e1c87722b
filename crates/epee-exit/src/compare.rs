//! Comparison of policies at the same goals: each chosen on one trace and reported on another, with intervals.

use rayon::prelude::*;
use serde::Serialize;

use crate::choose::{Choice, ChooseError, Goal, choose};
use crate::metrics::{Counts, Metric};
use crate::policy::{Policy, PolicyError, PolicyKind, serialize_text};
use crate::refine::{refine, spread};
use crate::replay::{ReplayError, replay};
use crate::signals::TraceOutputs;
use crate::statistics::{Bootstrap, Interval, bootstrap, bootstrap_difference, clopper_pearson, discordant, mcnemar};
use crate::sweep::{Grid, Scoring, check_runs, full_depth, runnable};
use crate::trace::Trace;

/// The policies and goals of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The built-in policies.
    pub kinds: Vec<PolicyKind>,
    /// Policies of the caller's own, see [`Policy::custom`]; their thresholds are chosen as those of the others.
    pub custom: Vec<Policy>,
    /// The goals, each reached by every policy as well as it can.
    pub goals: Vec<Goal>,
    /// The metric that decides.
    pub metric: Metric,
    /// Thresholds tried for each family of settings, spread over its own levels.
    pub thresholds: usize,
    /// Also try a threshold for each exit, for policies that may have them.
    pub per_exit: bool,
    /// How intervals are drawn.
    pub bootstrap: Bootstrap,
}

impl Comparison {
    /// All built-in policies that can run on a trace, at matched savings of 0.3, 0.5 and 0.7 by macro-F1, 200 thresholds each.
    pub fn all(trace: &Trace) -> Comparison {
        Comparison {
            kinds: runnable(trace),
            custom: Vec::new(),
            goals: [0.3, 0.5, 0.7].map(Goal::Matched).to_vec(),
            metric: Metric::MacroF1,
            thresholds: 200,
            per_exit: true,
            bootstrap: Bootstrap::default(),
        }
    }
}

/// One policy at one goal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedPolicy {
    /// The goal.
    pub goal: Goal,
    /// The policy's name; `NAME, per exit` with a threshold for each exit.
    pub name: String,
    /// The setting; full depth if none reaches the goal.
    #[serde(serialize_with = "serialize_text")]
    pub policy: Policy,
    /// True if the goal was reached on the trace that chose.
    pub met: bool,
    /// The metric on the trace that chose.
    pub chosen_value: f64,
    /// The saving on the trace that chose.
    pub chosen_saving: f64,
    /// The saving on the trace that reports.
    pub saving: f64,
    /// Accuracy there, with its exact interval (Clopper–Pearson).
    pub accuracy: f64,
    /// Its interval.
    pub accuracy_interval: Interval,
    /// The metric there.
    pub value: f64,
    /// Its bootstrap interval.
    pub interval: Interval,
    /// The metric minus EPEE's at the same goal, on the same samples; `None` if EPEE is not compared, and for itself.
    pub against_epee: Option<Difference>,
}

/// A paired difference of two lists of answers to the same samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The metric of the second minus that of the first.
    pub value: f64,
    /// Its paired bootstrap interval.
    pub interval: Interval,
    /// McNemar's exact test of the answers.
    pub mcnemar: f64,
}

impl Difference {
    /// Between two lists of answers `[N]` to samples with labels `[N]`, -1 for unknown.
    ///
    /// ```
    /// # use epee_exit::{Bootstrap, Difference, Metric, Scoring};
    /// let (labels, a, b) = ([0, 1, 1, 0], [0, 1, 1, 0], [0, 1, 0, 0]);
    /// let difference =
    ///     Difference::between(&labels, &a, &b, 2, Metric::Accuracy, &Scoring::default(), &Bootstrap::default());
    /// assert_eq!((difference.value, difference.mcnemar), (-0.25, 1.0));
    /// ```
    pub fn between(
        labels: &[i64],
        a: &[u32],
        b: &[u32],
        classes: usize,
        metric: Metric,
        scoring: &Scoring,
        options: &Bootstrap,
    ) -> Difference {
        let value = |counts: &Counts| scoring.value(metric, counts);
        let (only_a, only_b) = discordant(labels, a, b);
        Difference {
            value: value(&Counts::of(labels, b, classes)) - value(&Counts::of(labels, a, classes)),
            interval: bootstrap_difference(labels, a, b, classes, options, value),
            mcnemar: mcnemar(only_a, only_b),
        }
    }
}

/// A comparison that cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CompareError {
    /// The traces are of different models.
    #[error(
        "expected two traces of one model, got one of {0} exits and {1} classes and one of {2} exits and {3} classes"
    )]
    Shapes(usize, usize, usize, usize),
    /// The choice failed.
    #[error(transparent)]
    Choose(#[from] ChooseError),
    /// The replay failed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

/// Chooses every policy's best setting for every goal on `choosing`, and reports it on `reporting`.
///
/// # Errors
/// A policy that cannot run on the traces (BERxiT without scores, ELBERT with three classes); traces of different shapes; no labels; a goal outside its range.
pub fn compare(
    choosing: &Trace,
    reporting: &Trace,
    comparison: &Comparison,
    scoring: &Scoring,
) -> Result<Vec<ComparedPolicy>, CompareError> {
    let (exits, classes) = (choosing.exits(), choosing.classes());
    if (exits, classes) != (reporting.exits(), reporting.classes()) {
        return Err(CompareError::Shapes(exits, classes, reporting.exits(), reporting.classes()));
    }
    let outputs = TraceOutputs::new(choosing, &scoring.temperatures).map_err(ChooseError::from)?;
    let full = full_depth(choosing, scoring);
    let grid = Grid::standard(exits, classes);
    let built_in = comparison.kinds.iter().map(|&kind| {
        check_runs(kind, choosing)?;
        Ok((kind.name().to_owned(), grid.families(kind)))
    });
    let custom = comparison.custom.iter().map(|policy| Ok((policy.name().to_owned(), vec![policy.clone()])));
    let candidates: Vec<(String, Vec<Policy>)> =
        built_in.chain(custom).collect::<Result<_, PolicyError>>().map_err(ChooseError::from)?;
    let choices = |(name, families): &(String, Vec<Policy>)| -> Result<Vec<(String, Choice)>, ChooseError> {
        let mut rows = Vec::new();
        for family in families {
            rows.extend(spread(&outputs, family, comparison.thresholds, scoring)?);
        }
        // BranchyNet is DeeBERT with a threshold for each exit.
        let kind = families.first().and_then(Policy::kind);
        let lists = kind == Some(PolicyKind::BranchyNet);
        let per_exit = lists || kind == Some(PolicyKind::Epee) || kind == Some(PolicyKind::Entropy);
        let mut choices = Vec::new();
        for &goal in &comparison.goals {
            let choice = choose(&rows, &full, goal, comparison.metric)?;
            if comparison.per_exit && choice.met && per_exit {
                let name = if lists { name.clone() } else { format!("{name}, per exit") };
                choices.push((name, refine(choosing, &choice, scoring)?));
            }
            if !(lists && comparison.per_exit) {
                choices.push((name.clone(), choice));
            }
        }
        Ok(choices)
    };
    let choices: Vec<Vec<_>> = candidates.par_iter().map(choices).collect::<Result<_, _>>()?;
    let mut choices: Vec<(String, Choice)> = choices.into_iter().flatten().collect();
    choices.sort_by_key(|(_, choice)| comparison.goals.iter().position(|goal| *goal == choice.goal));
    report(choices, reporting, comparison, scoring)
}

fn report(
    choices: Vec<(String, Choice)>,
    trace: &Trace,
    comparison: &Comparison,
    scoring: &Scoring,
) -> Result<Vec<ComparedPolicy>, CompareError> {
    let (labels, classes, options) = (trace.labels(), trace.classes(), &comparison.bootstrap);
    let value = |counts: &Counts| scoring.value(comparison.metric, counts);
    let run = |policy: &Policy| -> Result<_, CompareError> {
        let checked = policy.check(trace.exits(), classes).and_then(|p| p.with_temperatures(&scoring.temperatures));
        Ok(replay(&checked.map_err(ChooseError::from)?, trace)?)
    };
    let epee: Vec<(Goal, Vec<u32>)> = choices
        .iter()
        .filter(|(name, _)| name == PolicyKind::Epee.name())
        .map(|(_, choice)| Ok((choice.goal, run(&choice.policy)?.labels)))
        .collect::<Result<_, CompareError>>()?;
    let compared = |(name, choice): (String, Choice)| -> Result<ComparedPolicy, CompareError> {
        let replayed = run(&choice.policy)?;
        let metrics = replayed.metrics(trace);
        let counts = Counts::of(labels, &replayed.labels, classes);
        let correct = counts.correct.iter().sum();
        let baseline = epee.iter().find(|(goal, _)| *goal == choice.goal && name != PolicyKind::Epee.name());
        let against_epee = baseline.map(|(_, epee)| {
            Difference::between(labels, epee, &replayed.labels, classes, comparison.metric, scoring, options)
        });
        Ok(ComparedPolicy {
            goal: choice.goal,
            name,
            met: choice.met,
            chosen_value: choice.row.get(comparison.metric),
            chosen_saving: choice.row.saving,
            policy: choice.policy,
            saving: metrics.saving,
            accuracy: metrics.accuracy,
            accuracy_interval: clopper_pearson(correct, counts.labelled(), options.level),
            value: value(&counts),
            interval: bootstrap(labels, &replayed.labels, classes, options, value),
            against_epee,
        })
    };
    choices.into_par_iter().map(compared).collect()
}
