//! Certification: fixed-sequence testing along a path that was found without the tested samples.

use rayon::prelude::*;

use super::path::{counted, pareto_path, prior_path};
use super::risk::Losses;
use super::samples::Draw;
use super::{Bound, Caveat, CertifiedSetting, CertifyError, LossCounts, Risk};
use crate::metrics::saving;
use crate::policy::{Policy, PolicyError};
use crate::quality::fit_temperatures;
use crate::signals::{Signals, TraceOutputs, families};
use crate::statistics::{fixed_sequence, smallest_certifiable_n};
use crate::sweep::Grid;
use crate::trace::Trace;

/// The source of the path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PathSource {
    /// One half of the samples finds the settings that no other beats in risk and saving; the other half tests them.
    #[default]
    Pareto,
    /// The natural order of one policy's threshold, or patience; all samples test it.
    Prior,
}

/// The guarantee that a setting is to have.
#[derive(Clone, Debug, PartialEq)]
pub struct CertificateRequest {
    /// The risks, each of which is to be at most ε.
    pub risks: Vec<Risk>,
    /// ε, the tolerated risk, in (0, 1).
    pub epsilon: f64,
    /// δ, the allowed probability that a certified setting has a higher risk, in (0, 1).
    pub delta: f64,
    /// The bound for every risk; [`Risk::default_bound`] if `None`.
    pub bound: Option<Bound>,
    /// The source of the path.
    pub path: PathSource,
    /// Seed of the split into halves, and of the order of the samples. If `None`, the samples fix it; a seed of the caller's
    /// becomes a [`Caveat`] of the certificate.
    pub seed: Option<u64>,
    /// Certify even if samples repeat others; the certificate says so. Draws with replacement from a population are an honest use.
    pub allow_repeats: bool,
    /// Fit a temperature for each exit on the half that finds the path.
    pub fit_temperatures: bool,
}

impl CertificateRequest {
    /// Consistency within ε with probability 1 − δ, Pareto testing.
    pub fn new(epsilon: f64, delta: f64) -> CertificateRequest {
        CertificateRequest {
            risks: vec![Risk::Consistency],
            epsilon,
            delta,
            bound: None,
            path: PathSource::Pareto,
            seed: None,
            allow_repeats: false,
            fit_temperatures: false,
        }
    }
}

/// The test's result for one risk of one setting.
#[derive(Clone, Debug, PartialEq)]
pub struct RiskEstimate {
    /// The number of samples that the risk counts.
    pub n: usize,
    /// The sum of their losses.
    pub losses: f64,
    /// The mean loss.
    pub mean: f64,
    /// The p-value of "the risk is above ε".
    pub p: f64,
    /// The same as counts, from which the others follow.
    pub counts: LossCounts,
}

/// One setting of the path.
#[derive(Clone, Debug, PartialEq)]
pub struct PathPoint {
    /// The setting.
    pub policy: Policy,
    /// The share of layers it saves on the samples of the test.
    pub saving: f64,
    /// The number of samples of the test that left at each exit.
    pub exits: Vec<u64>,
    /// One for each risk of the request.
    pub risks: Vec<RiskEstimate>,
    /// The upper bound of each risk at confidence 1 − δ, for this setting alone; empty for a setting between two shown ones.
    pub upper: Vec<f64>,
}

impl PathPoint {
    /// The greatest p-value over the risks: it is at most δ only if all of them are.
    pub fn p(&self) -> f64 {
        self.risks.iter().map(|risk| risk.p).fold(0.0, f64::max)
    }

    /// The setting and its counts, as a certificate stores them.
    pub(super) fn certified(&self) -> CertifiedSetting {
        let losses = self.risks.iter().map(|risk| risk.counts.clone()).collect();
        CertifiedSetting { policy: self.policy.clone(), exits: self.exits.clone(), losses }
    }
}

/// The result of a certification: the tested path, and how far it is certified.
#[derive(Clone, Debug, PartialEq)]
pub struct Certification {
    /// The path from full depth on, as far as it was walked.
    pub path: Vec<PathPoint>,
    /// The number of its settings that are certified: a prefix, whose last is the choice.
    pub certified: usize,
    /// Samples in the trace.
    pub samples: usize,
    /// Samples that tested the path.
    pub tested: usize,
    /// The temperatures that belong to every setting; empty for none.
    pub temperatures: Vec<f64>,
    /// Seed of the split and of the order.
    pub seed: u64,
    /// Doubts about the samples and the seed. A caller who knows of more adds them.
    pub caveats: Vec<Caveat>,
}

impl Certification {
    /// The certified setting that saves most of its path.
    pub fn chosen(&self) -> &PathPoint {
        &self.path[self.certified - 1]
    }
}

/// Finds the most aggressive setting of a grid whose risks are at most ε, with probability at least 1 − δ over the draw of the
/// calibration samples, whatever the model and the data are like.
///
/// Samples are shuffled with a seed that they fix themselves, in an order that does not depend on the trace's. With [`PathSource::Pareto`] the first half finds the path (and fits the
/// temperatures, if asked), the other tests it; with several risks the p-value of a setting is the greatest of theirs
/// (Pareto testing, ICLR 2023). Temperatures on a path fixed beforehand use half of the samples as well.
///
/// # Errors
/// ε or δ outside (0, 1); labels that are missing or of one class for a risk that needs them; too few samples to certify even
/// a risk of 0; samples that repeat others; full depth that fails; a grid without a natural order if one is needed; a setting
/// that does not fit.
pub fn certify(trace: &Trace, grid: &Grid, request: &CertificateRequest) -> Result<Certification, CertifyError> {
    check(trace, request)?;
    let Draw { order, seed, caveats } = Draw::new(trace, request.seed, request.allow_repeats)?;
    let halves = request.path == PathSource::Pareto || request.fit_temperatures;
    let (first, second) = order.split_at(if halves { order.len() / 2 } else { 0 });
    enough(trace, &order, request, "")?;
    let hint = "\nhint: a prior path tests all of them, in the order of one policy's threshold";
    enough(trace, second, request, if request.path == PathSource::Pareto { hint } else { "" })?;

    // A single sample leaves nothing to find a path with.
    let (finder, tester) = (Some(first).filter(|first| !first.is_empty()), trace.subset(second));
    let finder = finder.map(|first| trace.subset(first));
    let temperatures = match &finder {
        Some(finder) if request.fit_temperatures => fit_temperatures(finder)?,
        _ => Vec::new(),
    };
    let path = match (request.path, &finder) {
        (PathSource::Prior, _) => prior_path(grid).map_err(|families| CertifyError::NoOrder { families })?,
        (PathSource::Pareto, Some(finder)) => {
            pareto_path(&TraceOutputs::new(finder, &temperatures)?, grid, &request.risks)?
        }
        (PathSource::Pareto, None) => vec![Policy::full()],
    };
    let (path, certified) = Tester::new(&TraceOutputs::new(&tester, &temperatures)?, path, request)?.walk();
    if certified == 0 {
        let (risks, upper) = (&path[0].risks, &path[0].upper);
        let worst = (0..risks.len()).max_by(|&a, &b| risks[a].p.total_cmp(&risks[b].p)).unwrap_or(0);
        let RiskEstimate { mean, n, .. } = risks[worst].clone();
        let (risk, upper) = (request.risks[worst].name(|class| trace.class_name(class)), upper[worst]);
        return Err(CertifyError::FullDepth { risk, mean, n, upper, epsilon: request.epsilon });
    }
    let (samples, tested) = (trace.samples(), tester.samples());
    Ok(Certification { path, certified, samples, tested, temperatures, seed, caveats })
}

fn check(trace: &Trace, request: &CertificateRequest) -> Result<(), CertifyError> {
    check_shares([("max risk", request.epsilon), ("confidence", 1.0 - request.delta)])?;
    if request.risks.is_empty() {
        return Err(CertifyError::NoRisk);
    }
    if let Some(risk) = request.risks.iter().find(|risk| risk.needs_labels()) {
        check_labels(trace, &risk.name(|class| trace.class_name(class)))?;
    }
    Ok(())
}

/// Refuses numbers outside (0, 1).
pub(super) fn check_shares(shares: [(&'static str, f64); 2]) -> Result<(), CertifyError> {
    let bad = shares.into_iter().find(|(_, got)| !(*got > 0.0 && *got < 1.0));
    bad.map_or(Ok(()), |(what, got)| Err(CertifyError::OutOfRange { what, got }))
}

/// Refuses labels that are missing or of one class.
pub(super) fn check_labels(trace: &Trace, risk: &str) -> Result<(), CertifyError> {
    if trace.labelled() == 0 {
        return Err(CertifyError::NoLabels { risk: risk.to_owned() });
    }
    let one = trace.only_class();
    one.map_or(Ok(()), |one| Err(CertifyError::OneClass { class: trace.class_name(one) }))
}

/// Refuses samples that are too few to certify even a risk of 0.
fn enough(trace: &Trace, samples: &[usize], request: &CertificateRequest, hint: &str) -> Result<(), CertifyError> {
    let needs = smallest_certifiable_n(request.epsilon, request.delta).unwrap_or(1 << 53);
    let last = |&sample: &usize| crate::confidence::argmax(trace.row(sample, trace.exits())) as u32;
    let full: Vec<u32> = samples.iter().map(last).collect();
    let labels: Vec<i64> = samples.iter().map(|&sample| trace.labels()[sample]).collect();
    for &risk in &request.risks {
        let n = counted(risk, &full, &labels) as usize;
        if (n as u64) < needs {
            let of = if samples.len() < trace.samples() { " in the half that tests" } else { "" };
            let hint =
                format!("with zero losses seen, {needs} samples{of} are the fewest for this risk and confidence{hint}");
            return Err(CertifyError::TooFew { risk: risk.name(|class| trace.class_name(class)), n, needs, hint });
        }
    }
    Ok(())
}

/// The answers of full depth, at its temperature.
pub(super) fn full_answers(outputs: &TraceOutputs<'_>) -> Vec<u32> {
    let last = outputs.trace().exits();
    (0..outputs.trace().samples()).map(|sample| outputs.output(sample, last).label() as u32).collect()
}

/// The samples of the test, and the signals of the path's settings over them.
struct Tester<'a> {
    trace: &'a Trace,
    request: &'a CertificateRequest,
    full: Vec<u32>,
    path: Vec<Policy>,
    signals: Vec<Signals>,
    /// The index of each setting's signals.
    family: Vec<usize>,
}

impl<'a> Tester<'a> {
    fn new(
        outputs: &TraceOutputs<'a>,
        path: Vec<Policy>,
        request: &'a CertificateRequest,
    ) -> Result<Self, CertifyError> {
        let trace = outputs.trace();
        let mut family = vec![0; path.len()];
        let families = families(&path);
        for (i, (_, members)) in families.iter().enumerate() {
            for &at in members {
                path[at].check(trace.exits(), trace.classes())?;
                family[at] = i;
            }
        }
        let signals = families.par_iter().map(|(family, _)| Signals::new(outputs, family));
        let signals = signals.collect::<Result<_, PolicyError>>()?;
        Ok(Tester { trace, request, full: full_answers(outputs), path, signals, family })
    }

    /// One setting of the path; with its upper bounds if they will be shown.
    fn point(&self, at: usize, with_upper: bool) -> PathPoint {
        let (policy, signals, request) = (&self.path[at], &self.signals[self.family[at]], self.request);
        let thresholds = policy.threshold.resolve(self.trace.exits());
        let exits: Vec<usize> = (0..signals.samples()).map(|sample| signals.exit(sample, &thresholds)).collect();
        let losses = |risk: Risk| {
            let loss = |(sample, &exit): (usize, &usize)| {
                risk.loss(signals.answer(sample, exit), self.full[sample], self.trace.labels()[sample])
            };
            Losses::new(exits.iter().enumerate().filter_map(loss), request.bound.unwrap_or(risk.default_bound()))
        };
        let (mut risks, mut upper) = (Vec::new(), Vec::new());
        for &risk in &request.risks {
            let losses = losses(risk);
            let p = losses.p(request.epsilon, request.delta);
            upper.extend(with_upper.then(|| losses.upper(request.delta)));
            let (n, sum, mean) = (losses.len(), losses.sum(), losses.mean());
            risks.push(RiskEstimate { n, losses: sum, mean, p, counts: losses.into_counts() });
        }
        let layers = exits.iter().map(|&exit| exit as u64).sum();
        let saving = saving(layers, exits.len(), self.trace.exits());
        let mut left = vec![0; self.trace.exits()];
        exits.iter().for_each(|&exit| left[exit - 1] += 1);
        PathPoint { policy: policy.clone(), saving, exits: left, risks, upper }
    }

    /// The settings up to the first that fails, and as many again after it to show how the risk grows; and the number of
    /// certified ones.
    fn walk(&self) -> (Vec<PathPoint>, usize) {
        let mut points: Vec<PathPoint> = Vec::new();
        let mut certified = 0;
        while points.len() < self.path.len() && (points.len() == certified || points.len() < 2 * certified) {
            let chunk = points.len()..self.path.len().min(points.len() + CHUNK);
            points.par_extend(chunk.into_par_iter().map(|at| self.point(at, false)));
            let p: Vec<f64> = points.iter().map(PathPoint::p).collect();
            certified = fixed_sequence(&p, self.request.delta);
        }
        // Bounds for the choice, its neighbours, and evenly over the rest.
        let step = points.len().div_ceil(CHUNK).max(1);
        let shown = |at: &usize| at.is_multiple_of(step) || (at + 1 >= certified && *at <= certified);
        let shown: Vec<usize> = (0..points.len()).filter(shown).collect();
        let upper: Vec<Vec<f64>> = shown.par_iter().map(|&at| self.point(at, true).upper).collect();
        for (at, upper) in shown.into_iter().zip(upper) {
            points[at].upper = upper;
        }
        (points, certified)
    }
}

/// Settings tested at a time, and about as many that are shown with their bounds.
const CHUNK: usize = 64;
