//! The signals of a policy over a trace, before any threshold is compared: a level and an answer for each exit of each sample.
//!
//! Everything that tries many settings reads them: sweeps, certificates, thresholds that differ by exit.

use std::borrow::Cow;

use rayon::prelude::*;

use crate::confidence::{Facts, facts, ln_classes, temper};
use crate::policy::{Direction, ExitOutput, Policy, PolicyError, PolicyState, Threshold, check_temperatures};
use crate::trace::Trace;

/// The exit outputs of a trace, with everything computed once that every policy reads.
pub(crate) struct TraceOutputs<'a> {
    trace: &'a Trace,
    /// `[N, M, K]`, tempered.
    logits: Cow<'a, [f32]>,
    /// `[N, M]`.
    facts: Vec<Facts>,
    ln_classes: f64,
}

impl<'a> TraceOutputs<'a> {
    /// Reads a trace, its logits divided by a temperature for each exit, or by none if the list is empty.
    pub(crate) fn new(trace: &'a Trace, temperatures: &[f64]) -> Result<Self, PolicyError> {
        let (exits, classes) = (trace.exits(), trace.classes());
        check_temperatures(temperatures, exits)?;
        let logits = if temperatures.iter().all(|&t| t == 1.0) {
            Cow::Borrowed(trace.logits())
        } else {
            let mut tempered = Vec::with_capacity(trace.logits().len());
            let mut row = Vec::with_capacity(classes);
            for (i, logits) in trace.logits().chunks_exact(classes).enumerate() {
                temper(logits, temperatures[i % exits], &mut row);
                tempered.extend_from_slice(&row);
            }
            Cow::Owned(tempered)
        };
        let facts = logits.par_chunks_exact(classes).with_min_len(4096).map(facts).collect();
        Ok(TraceOutputs { trace, logits, facts, ln_classes: ln_classes(classes) })
    }

    pub(crate) fn trace(&self) -> &'a Trace {
        self.trace
    }

    /// One exit, from 1, of one sample, from 0.
    pub(crate) fn output(&self, sample: usize, exit: usize) -> ExitOutput<'_> {
        let (exits, classes) = (self.trace.exits(), self.trace.classes());
        let at = sample * exits + exit - 1;
        let logits = &self.logits[at * classes..(at + 1) * classes];
        let score = self.trace.score(sample, exit);
        ExitOutput::of_facts(exit, logits, self.facts[at], self.ln_classes).with_score(score)
    }
}

/// The signals of a policy at each exit of each sample of a trace, whatever its threshold.
pub(crate) struct Signals {
    direction: Direction,
    exits: usize,
    /// `[N, M]`, NaN if no threshold lets a sample out.
    levels: Vec<f64>,
    /// `[N, M]`: the class a sample is answered with if it leaves there.
    answers: Vec<u32>,
    /// `[N]`: the exit it leaves at whatever the threshold, from 1; M if nothing else stops it.
    caps: Vec<u32>,
}

impl Signals {
    /// Runs a policy over a trace; its own threshold plays no part.
    pub(crate) fn new(outputs: &TraceOutputs<'_>, policy: &Policy) -> Result<Self, PolicyError> {
        let (samples, exits) = (outputs.trace.samples(), outputs.trace.exits());
        check_scores(policy, outputs.trace)?;
        let policy = policy.check(exits, outputs.trace.classes())?;
        let mut levels = vec![f64::NAN; samples * exits];
        let mut answers = vec![0; samples * exits];
        let mut caps = vec![exits as u32; samples];
        let parts = (levels.par_chunks_exact_mut(exits), answers.par_chunks_exact_mut(exits), &mut caps);
        let each = parts.into_par_iter().with_min_len(512).enumerate();
        each.for_each_init(PolicyState::default, |state, (sample, (levels, answers, cap))| {
            state.reset();
            for exit in 1..=exits {
                let output = outputs.output(sample, exit);
                let signal = policy.signal(state, &output);
                levels[exit - 1] = signal.level;
                answers[exit - 1] = policy.label(state, &output) as u32;
                if signal.stop.is_some() {
                    *cap = exit as u32;
                    break;
                }
            }
        });
        Ok(Signals { direction: policy.policy().rule.direction(), exits, levels, answers, caps })
    }

    pub(crate) fn samples(&self) -> usize {
        self.caps.len()
    }

    /// The levels of a sample, `[M]`.
    pub(crate) fn levels(&self, sample: usize) -> &[f64] {
        &self.levels[sample * self.exits..][..self.exits]
    }

    /// The exit a sample leaves at whatever the threshold.
    pub(crate) fn cap(&self, sample: usize) -> usize {
        self.caps[sample] as usize
    }

    /// The class it is answered with at an exit up to its cap.
    pub(crate) fn answer(&self, sample: usize, exit: usize) -> u32 {
        self.answers[sample * self.exits + exit - 1]
    }

    /// The exit at which a sample leaves with a threshold for each exit.
    pub(crate) fn exit(&self, sample: usize, thresholds: &[f64]) -> usize {
        let cap = self.cap(sample);
        let levels = &self.levels(sample)[..cap - 1];
        let passes = levels.iter().zip(thresholds).position(|(&level, &t)| self.direction.passes(level, t));
        passes.map_or(cap, |at| at + 1)
    }

    /// Thresholds spread over the levels of some exits, from the most cautious: at most `most`, rounded to four digits, each
    /// once.
    pub(crate) fn quantiles(&self, exits: std::ops::Range<usize>, most: usize) -> Vec<f64> {
        // More samples than this say nothing more of two hundred quantiles.
        let step = self.samples().div_ceil(ENOUGH);
        let rows = (0..self.samples()).step_by(step).flat_map(|sample| {
            let seen = exits.start..exits.end.min(self.cap(sample) + 1);
            let levels = self.levels(sample);
            seen.map(move |exit| levels[exit - 1]).filter(|level| level.is_finite())
        });
        let mut all: Vec<f64> = rows.collect();
        all.sort_unstable_by(f64::total_cmp);
        let Some(last) = all.len().checked_sub(1) else { return Vec::new() };
        let parts = most.max(2) - 1;
        cautious_first((0..=parts).map(|i| rounded(all[last * i / parts])).collect(), self.direction)
    }

    /// The row of a threshold among sorted ones, after row 0 for no threshold.
    pub(crate) fn row(&self, thresholds: &[f64], threshold: Option<f64>) -> usize {
        let Some(threshold) = threshold else { return 0 };
        let at = self.direction.aggressiveness(threshold);
        1 + thresholds.partition_point(|&t| self.direction.aggressiveness(t) < at)
    }
}

/// Samples that quantiles are taken of.
const ENOUGH: usize = 5000;

/// Settings that differ in their threshold alone, as places in the list, each family under the setting without a threshold.
pub(crate) fn families(policies: &[Policy]) -> Vec<(Policy, Vec<usize>)> {
    let mut families: Vec<(Policy, Vec<usize>)> = Vec::new();
    for (at, policy) in policies.iter().enumerate() {
        let family = policy.with_threshold(Threshold::Never);
        // Grids list a family in a row, so the last one is asked first.
        match families.iter_mut().rev().find(|(known, _)| *known == family) {
            Some((_, members)) => members.push(at),
            None => families.push((family, vec![at])),
        }
    }
    families
}

/// Runs a function over every family of some settings, with its signals and its thresholds from the most cautious, on all
/// cores. It gives a result for each member; together they are in the order of the settings.
pub(crate) fn by_family<T: Send>(
    outputs: &TraceOutputs<'_>,
    policies: &[Policy],
    each: impl Fn(&Policy, &[usize], &Signals, &[f64]) -> Vec<T> + Sync,
) -> Result<Vec<T>, PolicyError> {
    let results = |(family, members): (Policy, Vec<usize>)| {
        for &at in &members {
            policies[at].check(outputs.trace.exits(), outputs.trace.classes())?;
        }
        let signals = Signals::new(outputs, &family)?;
        let thresholds = members.iter().filter_map(|&at| policies[at].threshold.scalar()).collect();
        let results = each(&family, &members, &signals, &cautious_first(thresholds, signals.direction));
        Ok(members.into_iter().zip(results).collect::<Vec<_>>())
    };
    let all = families(policies).into_par_iter().map(results).collect::<Result<Vec<_>, PolicyError>>()?;
    let mut all: Vec<(usize, T)> = all.into_iter().flatten().collect();
    all.sort_unstable_by_key(|(at, _)| *at);
    Ok(all.into_iter().map(|(_, result)| result).collect())
}

/// Thresholds from the most cautious to the most aggressive, each once.
fn cautious_first(mut thresholds: Vec<f64>, direction: Direction) -> Vec<f64> {
    thresholds.sort_unstable_by(|a, b| direction.aggressiveness(*a).total_cmp(&direction.aggressiveness(*b)));
    thresholds.dedup();
    thresholds
}

/// Four significant digits.
fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

/// Refuses a policy that reads learned scores on a trace without them.
pub(crate) fn check_scores(policy: &Policy, trace: &Trace) -> Result<(), PolicyError> {
    if policy.rule.reads_scores() && trace.scores().is_none() {
        return Err(PolicyError::NoScores);
    }
    Ok(())
}

/// The exit at which a sample leaves from one threshold on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    /// 0 for no threshold at all, else 1 + the index of the first threshold that lets the sample out here.
    pub(crate) from: u32,
    /// The exit, from 1.
    pub(crate) exit: u32,
    /// The class it is answered with.
    pub(crate) answer: u32,
}

impl Signals {
    /// The exits at which a sample leaves as the threshold goes through a list from cautious to aggressive, from no
    /// threshold on: ascending `from`, descending exit.
    pub(crate) fn stops(&self, sample: usize, thresholds: &[f64], stops: &mut Vec<Stop>) {
        stops.clear();
        let cap = self.cap(sample);
        let mut earlier = thresholds.len();
        for (m, &level) in self.levels(sample)[..cap - 1].iter().enumerate() {
            // Only thresholds that no earlier exit passes at; most levels pass at none of them.
            if earlier == 0 || !self.direction.passes(level, thresholds[earlier - 1]) {
                continue;
            }
            earlier = thresholds[..earlier].partition_point(|&t| !self.direction.passes(level, t));
            stops.push(self.stop(sample, earlier + 1, m + 1));
        }
        stops.push(self.stop(sample, 0, cap));
        stops.reverse();
    }

    fn stop(&self, sample: usize, from: usize, exit: usize) -> Stop {
        Stop { from: from as u32, exit: exit as u32, answer: self.answer(sample, exit) }
    }

    /// The exits at which a sample leaves as the threshold of one exit goes through a list and the others stay.
    pub(crate) fn stops_at(&self, sample: usize, exit: usize, list: &[f64], others: &[f64], stops: &mut Vec<Stop>) {
        stops.clear();
        let cap = self.cap(sample);
        let passes = |m: usize| m != exit && self.direction.passes(self.levels(sample)[m - 1], others[m - 1]);
        let without = (1..cap).find(|&m| passes(m)).unwrap_or(cap);
        stops.push(self.stop(sample, 0, without));
        if exit < without {
            let level = self.levels(sample)[exit - 1];
            let from = list.partition_point(|&t| !self.direction.passes(level, t));
            if from < list.len() {
                stops.push(self.stop(sample, from + 1, exit));
            }
        }
    }

    /// Sums over all samples, on all cores: a row of `width` numbers without a threshold, then one with each of a list.
    ///
    /// `stops` lists where a sample leaves; `add` adds a sample that leaves at a stop to a row, `by` 1 or −1 times. Each
    /// sample adds its changes from row to row, and the sum of the changes up to a row is that row.
    pub(crate) fn sums(
        &self,
        thresholds: usize,
        width: usize,
        stops: impl Fn(usize, &mut Vec<Stop>) + Sync,
        add: impl Fn(&mut [i64], usize, Stop, i64) + Sync,
    ) -> Vec<i64> {
        let empty = || vec![0i64; (thresholds + 1) * width];
        let parts = (0..self.samples()).into_par_iter().with_min_len(1 << 13).fold(
            || (empty(), Vec::new()),
            |(mut changes, mut list), sample| {
                stops(sample, &mut list);
                let mut before: Option<Stop> = None;
                for &stop in &list {
                    let row = &mut changes[stop.from as usize * width..][..width];
                    if let Some(before) = before {
                        add(row, sample, before, -1);
                    }
                    add(row, sample, stop, 1);
                    before = Some(stop);
                }
                (changes, list)
            },
        );
        let total = |mut a: Vec<i64>, b: Vec<i64>| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        };
        let mut sums = parts.map(|(changes, _)| changes).reduce_with(total).unwrap_or_else(empty);
        for at in width..sums.len() {
            sums[at] += sums[at - width];
        }
        sums
    }
}
