//! Early-exit policies, and everything that can be computed from recorded logits.
//!
//! A policy is a pure function of the logits it has seen so far. So the same [`CheckedPolicy`] runs live after each layer and
//! over a [`Trace`], which holds the logits of every exit for every sample. Without the model, a trace gives
//! [`replay()`], [`per_exit`], [`sweep()`], [`pareto`], [`choose`], [`certify()`] and [`compare()`]. To run a policy of your
//! own in all of them, implement [`ExitRule`].
//!
//! Equation numbers are those of the EPEE paper. Samples are counted from 0, classes from 0, exits from 1 to M.

mod certify;
mod choose;
mod compare;
mod confidence;
mod drift;
mod metrics;
mod named;
mod policy;
mod quality;
mod refine;
mod replay;
mod signals;
pub mod statistics;
mod sweep;
mod trace;

pub use certify::{
    Abstention, AbstentionRequest, Attempt, Bound, Caveat, Certificate, CertificateRequest, CertificateScope,
    Certification, CertifiedRisk, CertifiedSetting, CertifyError, LossCounts, MeasuredRisk, PathPoint, PathSource,
    Risk, RiskEstimate, RuntimeIdentity, Sealed, Signature, VoidReason, abstain, certify, measure_risk,
};
pub use choose::{Choice, ChooseError, Goal, choose, choose_on, pareto};
pub use compare::{CompareError, ComparedPolicy, Comparison, Difference, compare};
pub use confidence::{argmax, entropy, softmax};
pub use drift::{DriftError, DriftMonitor, DriftStatus};
pub use metrics::{Counts, ExitMetrics, Metric, Metrics, UnknownMetric, per_exit, ratio, saving};
pub use policy::{
    Answer, CheckedPolicy, CustomRule, Decision, Direction, Ensemble, ExitOutput, ExitOutputError, ExitRule, Policy,
    PolicyError, PolicyKind, PolicyState, Reason, Rule, Signal, Threshold, rules,
};
pub use quality::{
    ExitQuality, QualityError, ReliabilityBin, exit_quality, expected_calibration_error, fit_temperatures, reliability,
};
pub use refine::refine;
pub use replay::{Replay, ReplayError, answers, replay};
pub use statistics::{Bootstrap, Interval};
pub use sweep::{
    Grid, ListError, Patiences, Scoring, SweepRow, Thresholds, check_runs, full_depth, runnable, score, sweep,
    sweep_with,
};
pub use trace::{Provenance, Trace, TraceError, TraceParts, TraceProblem};
