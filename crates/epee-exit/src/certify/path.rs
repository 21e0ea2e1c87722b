//! The path: the order in which settings are tested, found without the samples they are tested on.

use super::Risk;
use super::procedure::full_answers;
use crate::metrics::saving;
use crate::policy::{Policy, PolicyError, Rule};
use crate::signals::{Stop, TraceOutputs, by_family, families};
use crate::sweep::Grid;

/// The settings that no other beats in both the greatest risk and the saving on these samples, by ascending saving, after
/// full depth: the path of Pareto testing.
pub(super) fn pareto_path(outputs: &TraceOutputs<'_>, grid: &Grid, risks: &[Risk]) -> Result<Vec<Policy>, PolicyError> {
    let trace = outputs.trace();
    let policies = grid.policies();
    let full = full_answers(outputs);
    let counted: Vec<i64> = risks.iter().map(|risk| counted(*risk, &full, trace.labels())).collect();
    let mut scored: Vec<(usize, f64, f64)> = by_family(outputs, &policies, |_, members, signals, thresholds| {
        // A row holds layers, and the sum of each risk's losses.
        let width = risks.len() + 1;
        let add = |row: &mut [i64], sample: usize, stop: Stop, by: i64| {
            row[0] += by * i64::from(stop.exit);
            for (sum, risk) in row[1..].iter_mut().zip(risks) {
                let loss = risk.loss(stop.answer, full[sample], trace.labels()[sample]);
                *sum += by * i64::from(loss.unwrap_or(0));
            }
        };
        let stops = |sample: usize, stops: &mut Vec<Stop>| signals.stops(sample, thresholds, stops);
        let sums = signals.sums(thresholds.len(), width, stops, add);
        let scores = |&at: &usize| {
            let row = &sums[signals.row(thresholds, policies[at].threshold.scalar()) * width..][..width];
            let means = row[1..].iter().zip(&counted).map(|(&sum, &n)| sum as f64 / n.max(1) as f64);
            (at, means.fold(f64::NEG_INFINITY, f64::max), saving(row[0] as u64, trace.samples(), trace.exits()))
        };
        members.iter().map(scores).collect()
    })?;
    // From the greatest saving down; a setting stays if its risk is below all that save more.
    scored.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.1.total_cmp(&b.1)).then(a.0.cmp(&b.0)));
    let mut path = Vec::new();
    let (mut least, mut last) = (f64::INFINITY, f64::INFINITY);
    for (at, risk, saving) in scored {
        // On few samples different risks look the same: a more cautious setting of the same risk is a smaller step.
        if saving > 0.0 && (risk < least || risk == least && last - saving >= STEP) {
            (least, last) = (risk, saving);
            path.push(policies[at].clone());
        }
    }
    path.push(Policy::full());
    path.reverse();
    Ok(path)
}

/// The least saving between two settings of one risk.
const STEP: f64 = 0.01;

/// The number of samples that a risk counts.
pub(super) fn counted(risk: Risk, full: &[u32], labels: &[i64]) -> i64 {
    full.iter().zip(labels).filter(|(full, label)| risk.loss(**full, **full, **label).is_some()).count() as i64
}

/// The settings of a grid in their natural order after full depth, if they have one: a threshold from cautious to
/// aggressive, or a patience from great to small, or exits from late to early. Otherwise the number of families.
pub(super) fn prior_path(grid: &Grid) -> Result<Vec<Policy>, usize> {
    let mut policies = grid.policies();
    let count = families(&policies).len();
    let kind = policies.first().map(Policy::kind);
    let by_threshold = count == 1 && policies.iter().all(|policy| policy.threshold().is_some());
    let by_family = count == policies.len()
        && policies.iter().all(|policy| Some(policy.kind()) == kind && policy.threshold().is_none());
    if by_threshold {
        let aggressiveness = |policy: &Policy| {
            let threshold = policy.threshold.scalar();
            threshold.map_or(f64::NEG_INFINITY, |threshold| policy.rule.direction().aggressiveness(threshold))
        };
        policies.sort_by(|a, b| aggressiveness(a).total_cmp(&aggressiveness(b)));
    } else if by_family {
        // Patience and exit alike: the more, the more cautious.
        let caution = |policy: &Policy| match &policy.rule {
            Rule::Fixed(fixed) => fixed.exit,
            rule => rule.patience().unwrap_or(usize::MAX),
        };
        policies.sort_by_key(|policy| std::cmp::Reverse(caution(policy)));
    } else {
        return Err(count);
    }
    policies.insert(0, Policy::full());
    Ok(policies)
}
