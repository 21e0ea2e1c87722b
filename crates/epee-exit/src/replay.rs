//! Replay: the exits and labels that a live run of a policy would give, from a trace and without the model.

use rayon::prelude::*;

use crate::metrics::Metrics;
use crate::policy::{
    Answer, CheckedPolicy, Decision, ExitOutput, ExitOutputError, Outcome, PolicyError, PolicyState, Reason,
};
use crate::signals::check_scores;
use crate::trace::Trace;

/// The answers of a policy to the N samples of a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// The exit that answered, from 1.
    pub exits: Vec<u32>,
    /// The class it predicted, from 0.
    pub labels: Vec<u32>,
    /// The normalised entropy at that exit.
    pub entropies: Vec<f64>,
    /// The part of the policy that ended the sample.
    pub reasons: Vec<Reason>,
}

/// A policy that cannot run on a trace.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum ReplayError {
    /// It was checked for another model than the trace's.
    #[error(
        "expected a trace of {} exits and {} classes (the policy was checked for those), got one of {} exits and {} classes",
        policy.0, policy.1, trace.0, trace.1
    )]
    Shape { policy: (usize, usize), trace: (usize, usize) },
    /// It needs learned scores that the trace does not have.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// It cannot judge an exit output of the trace.
    #[error(transparent)]
    ExitOutput(#[from] ExitOutputError),
}

/// Runs a policy over every sample of a trace, on all cores. The same code decides as in a live run,
/// so exits and labels are the same.
///
/// # Errors
/// A policy that was checked for another number of exits or classes, or that reads scores the trace lacks.
///
/// ```
/// # use epee_exit::{Policy, Trace, replay};
/// let trace = Trace::from_logits(3, 2, vec![0.0, 1.0, 0.0, 2.0, 0.0, 9.0], vec![1])?;
/// let replayed = replay(&Policy::patience(2).check(3, 2)?, &trace)?;
/// assert_eq!((replayed.exits[0], replayed.labels[0]), (2, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn replay(policy: &CheckedPolicy, trace: &Trace) -> Result<Replay, ReplayError> {
    check(policy, trace)?;
    let answers: Vec<(u32, u32, f64, Reason)> = (0..trace.samples())
        .into_par_iter()
        .with_min_len(256)
        .map_init(<(PolicyState, Vec<f32>)>::default, |(state, tempered), sample| {
            state.reset();
            let mut exit = 1;
            loop {
                let output = policy.output(exit, trace.row(sample, exit), trace.score(sample, exit), tempered);
                if let Some(Outcome { label, entropy, reason }) = policy.step(state, &output) {
                    return (exit as u32, label as u32, entropy, reason);
                }
                exit += 1;
            }
        })
        .collect();
    Ok(Replay {
        exits: answers.iter().map(|a| a.0).collect(),
        labels: answers.iter().map(|a| a.1).collect(),
        entropies: answers.iter().map(|a| a.2).collect(),
        reasons: answers.iter().map(|a| a.3).collect(),
    })
}

/// The full answer for every sample, with probabilities, as a live run gives it.
///
/// # Errors
/// As [`replay()`].
pub fn answers(policy: &CheckedPolicy, trace: &Trace) -> Result<Vec<Answer>, ReplayError> {
    check(policy, trace)?;
    let exits = policy.exits();
    let answer = |sample: usize| {
        let mut state = policy.start();
        for exit in (1..=exits).filter(|&exit| policy.needs(exit)) {
            let output = ExitOutput::new(exit, trace.row(sample, exit)).with_score(trace.score(sample, exit));
            if let Decision::Exit(answer) = policy.observe(&mut state, &output)? {
                return Ok(answer);
            }
        }
        // The last exit answers, so this is not reached.
        Err(ExitOutputError::Order { expected: exits, got: exits + 1 }.into())
    };
    (0..trace.samples()).into_par_iter().with_min_len(256).map(answer).collect()
}

fn check(policy: &CheckedPolicy, trace: &Trace) -> Result<(), ReplayError> {
    let (expected, got) = ((policy.exits(), policy.classes()), (trace.exits(), trace.classes()));
    if expected != got {
        return Err(ReplayError::Shape { policy: expected, trace: got });
    }
    Ok(check_scores(policy.policy(), trace)?)
}

impl Replay {
    /// The metrics of these answers on the trace they were replayed over.
    pub fn metrics(&self, trace: &Trace) -> Metrics {
        Metrics::of(trace.labels(), &self.labels, &self.exits, trace.exits(), trace.classes())
    }
}
