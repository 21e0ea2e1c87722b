//! A threshold for each exit, found by coordinate search from one threshold for all.

use crate::choose::{Choice, ChooseError, choose};
use crate::policy::{Policy, Threshold};
use crate::signals::{Signals, Stop, TraceOutputs};
use crate::sweep::{Scorer, Scoring, SweepRow};
use crate::trace::Trace;

/// Thresholds tried for one exit at a time.
const CANDIDATES: usize = 64;
/// Rounds through all exits, at most.
const ROUNDS: usize = 8;

/// Lets the threshold of a chosen setting differ by exit if that serves its goal better on the same trace.
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
        let list = thresholds[..exits - 1].iter().map(|&t| (!t.is_nan()).then_some(t));
        start.policy.with_threshold(Threshold::PerExit(list.collect()))
    };
    let Some(threshold) = start.policy.threshold() else { return Ok(start.clone()) };
    let mut thresholds = threshold.resolve(exits);
    if exits < 2 || policy(&thresholds).check(exits, classes).is_err() {
        return Ok(start.clone());
    }
    let outputs = TraceOutputs::new(trace, &scoring.temperatures)?;
    let signals = Signals::new(&outputs, &start.policy)?;
    let scorer = Scorer::new(trace, &scoring.micro_classes);
    let mut best = start.clone();
    for _ in 0..ROUNDS {
        let before = thresholds.clone();
        for exit in 1..exits {
            let list = signals.quantiles(exit..exit + 1, CANDIDATES);
            let stops = |sample: usize, stops: &mut Vec<Stop>| {
                signals.stops_at(sample, exit, &list, &thresholds, stops);
            };
            let setting = |at: usize| {
                let mut thresholds = thresholds.clone();
                thresholds[exit - 1] = if at == 0 { f64::NAN } else { list[at - 1] };
                policy(&thresholds)
            };
            // The best so far comes first: what is only as good does not replace it.
            let mut rows = vec![best.row.clone()];
            rows.extend(scorer.column(&signals, list.len(), stops, setting));
            let choice = choose(&rows, &start.full, start.goal, start.metric)?;
            if choice.met && better(&choice, &best) {
                thresholds = choice.policy.threshold.resolve(exits);
                best = choice;
            }
        }
        if before.iter().zip(&thresholds).all(|(a, b)| a.to_bits() == b.to_bits()) {
            break;
        }
    }
    Ok(best)
}

/// True if a choice serves its goal strictly better than another.
fn better(choice: &Choice, than: &Choice) -> bool {
    let key = |it: &Choice| choice.goal.key(it.row.saving, it.row.get(choice.metric));
    !than.met || key(choice) > key(than)
}

/// The scores of a family, with thresholds spread over its own levels: as many for every policy, whatever its units.
pub(crate) fn spread(
    outputs: &TraceOutputs<'_>,
    family: &Policy,
    most: usize,
    scoring: &Scoring,
) -> Result<Vec<SweepRow>, ChooseError> {
    let trace = outputs.trace();
    let (exits, classes) = (trace.exits(), trace.classes());
    let signals = Signals::new(outputs, family)?;
    let mut thresholds = if family.threshold().is_some() { signals.quantiles(1..exits, most) } else { Vec::new() };
    // Rounding may carry a quantile out of its range, as a confidence above 1.
    thresholds.retain(|&threshold| family.with_threshold(threshold).check(exits, classes).is_ok());
    let scorer = Scorer::new(trace, &scoring.micro_classes);
    let stops = |sample: usize, stops: &mut Vec<Stop>| signals.stops(sample, &thresholds, stops);
    let setting = |at: usize| family.with_threshold(at.checked_sub(1).map(|at| thresholds[at]));
    Ok(scorer.column(&signals, thresholds.len(), stops, setting))
}
