//! Thresholds that differ by exit, found by coordinate search from one threshold for all.

use crate::choose::{Choice, ChooseError, choose};
use crate::policy::{Policy, Threshold};
use crate::stream::{Readings, Stream};
use crate::sweep::{Scorer, Scoring, row};
use crate::trace::Trace;

/// Thresholds tried for one exit at a time.
const CANDIDATES: usize = 64;
/// Rounds through all exits, at most.
const ROUNDS: usize = 8;

/// Lets the threshold of a chosen setting differ by exit where that serves its goal better on the same trace.
///
/// Coordinate search: exit by exit, every threshold among 64 quantiles of that exit's levels, or never, is tried while the
/// others stand still, until a round changes nothing. Each exit is one pass over the samples. The result is at least as good
/// as the start on this trace, which says nothing of another: compare them on data that had no part in it.
///
/// A setting whose policy compares several exits with one threshold, or has none, is returned as it is.
///
/// # Errors
/// As [`choose`], and a setting that does not fit the trace.
pub fn refine(trace: &Trace, start: &Choice, scoring: &Scoring) -> Result<Choice, ChooseError> {
    let (exits, classes) = (trace.exits(), trace.classes());
    let policy = |thresholds: &[f64]| {
        let list = thresholds[..exits - 1].iter().map(|&t| Some(t).filter(|t| !t.is_nan()));
        start.policy.with_threshold(Threshold::PerExit(list.collect()))
    };
    let Some(threshold) = start.policy.threshold() else { return Ok(start.clone()) };
    let mut thresholds = threshold.resolve(exits);
    if exits < 2 || policy(&thresholds).check(exits, classes).is_err() {
        return Ok(start.clone());
    }
    let readings = Readings::new(trace, &scoring.temperatures)?;
    let stream = Stream::new(&readings, &start.policy.check(exits, classes)?)?;
    let scorer = Scorer::new(trace, &scoring.micro_classes);
    let mut best = start.clone();
    for _ in 0..ROUNDS {
        let before = thresholds.clone();
        for exit in 1..exits {
            let list = stream.quantiles(exit..exit + 1, CANDIDATES);
            let cells = scorer.column(&stream, list.len(), |sample, stops| {
                stream.stops_at(sample, exit, &list, &thresholds, stops);
            });
            let setting = |at: usize| {
                let mut thresholds = thresholds.clone();
                thresholds[exit - 1] = if at == 0 { f64::NAN } else { list[at - 1] };
                policy(&thresholds)
            };
            let mut rows: Vec<_> = cells.iter().enumerate().map(|(at, &cell)| row(setting(at), cell, trace)).collect();
            // The best so far comes first: what is only as good does not replace it.
            rows.insert(0, best.row.clone());
            let choice = choose(&rows, &start.full, start.goal, start.metric)?;
            if choice.met && better(&choice, &best) {
                thresholds = choice.policy.threshold().unwrap_or(&Threshold::Never).resolve(exits);
                best = choice;
            }
        }
        if before.iter().zip(&thresholds).all(|(a, b)| a.to_bits() == b.to_bits()) {
            break;
        }
    }
    Ok(best)
}

/// Whether a choice serves its goal strictly better than another.
fn better(choice: &Choice, than: &Choice) -> bool {
    let key = |it: &Choice| choice.goal.key(it.row.saving, it.row.get(choice.metric));
    !than.met || key(choice) > key(than)
}

/// The best setting of a family for a goal, among thresholds spread over its own levels: as many for every policy, whatever
/// its units.
pub(crate) fn candidates(readings: &Readings<'_>, family: &Policy, most: usize) -> Result<Vec<Policy>, ChooseError> {
    let trace = readings.trace();
    if family.threshold().is_none() {
        return Ok(vec![family.clone()]);
    }
    let stream = Stream::new(readings, &family.check(trace.exits(), trace.classes())?)?;
    let thresholds = stream.quantiles(1..trace.exits(), most).into_iter().map(Some).chain([None]);
    let settings = thresholds.map(|threshold| family.with_threshold(Threshold::from(threshold)));
    // Rounding may carry a quantile out of its range, as a confidence above 1.
    Ok(settings.filter(|setting| setting.check(trace.exits(), trace.classes()).is_ok()).collect())
}
