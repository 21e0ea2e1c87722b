//! A policy run over a trace: the exits and labels a live run would give, without the model.

use rayon::prelude::*;

use crate::metrics::Metrics;
use crate::policy::{CheckedPolicy, ExitPolicy, Reason};
use crate::trace::Trace;

/// What a policy did with each of the N samples of a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// The exit that answered, from 1.
    pub exits: Vec<u32>,
    /// The class it predicted, from 0.
    pub labels: Vec<u32>,
    /// The normalised entropy at that exit.
    pub entropies: Vec<f64>,
    /// What ended the sample.
    pub reasons: Vec<Reason>,
}

/// A policy that was checked for another model than the trace's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a trace of {exits} exits and {classes} classes (the policy was checked for those), \
     got one of {trace_exits} exits and {trace_classes} classes"
)]
pub struct ReplayError {
    /// M of the policy.
    pub exits: usize,
    /// K of the policy.
    pub classes: usize,
    /// M of the trace.
    pub trace_exits: usize,
    /// K of the trace.
    pub trace_classes: usize,
}

/// Runs a policy over every sample of a trace, on all cores. The same code decides as in a live run,
/// so exits and labels are the same.
///
/// # Errors
/// A policy that was checked for another number of exits or classes.
///
/// ```
/// # use epee_exit::{Policy, Trace, TraceParts, replay};
/// let logits = vec![0.0, 1.0, 0.0, 2.0, 0.0, 9.0];
/// let parts = TraceParts { exits: 3, classes: 2, logits, labels: vec![1], ..Default::default() };
/// let trace = Trace::new(parts)?;
/// let replayed = replay(&Policy::Patience { patience: 2 }.check(3, 2)?, &trace)?;
/// assert_eq!((replayed.exits[0], replayed.labels[0]), (2, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn replay(policy: &CheckedPolicy, trace: &Trace) -> Result<Replay, ReplayError> {
    let (exits, classes) = (policy.exits(), policy.classes());
    if (trace.exits(), trace.classes()) != (exits, classes) {
        let (trace_exits, trace_classes) = (trace.exits(), trace.classes());
        return Err(ReplayError { exits, classes, trace_exits, trace_classes });
    }
    let answers: Vec<(u32, u32, f64, Reason)> = (0..trace.samples())
        .into_par_iter()
        .with_min_len(256)
        .map(|sample| {
            let mut state = policy.start();
            let mut exit = 1;
            loop {
                let logits = trace.row(sample, exit);
                if let Some((label, entropy, reason)) = policy.step(&mut state, exit, logits) {
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

impl Replay {
    /// The metrics of these answers on the trace they were replayed over.
    pub fn metrics(&self, trace: &Trace) -> Metrics {
        Metrics::of(trace.labels(), &self.labels, &self.exits, trace.exits(), trace.classes())
    }
}
