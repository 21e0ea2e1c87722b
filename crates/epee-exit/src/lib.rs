//! Early-exit policies and everything that can be computed from recorded logits.
//!
//! A policy is a pure function of the logits it has seen so far. So the same [`CheckedPolicy`] runs
//! live after each layer and over a [`Trace`], which holds the logits of every exit for every sample.
//! From one trace come, without the model: [`replay()`], [`per_exit`], [`sweep()`], [`pareto`] and
//! [`choose`]. Nothing here knows tensors, models or threads of its own; equation numbers are those
//! of the EPEE paper.
//!
//! Samples are counted from 0, classes from 0, exits from 1 to M.

mod certify;
mod choose;
mod compare;
mod confidence;
mod drift;
mod metrics;
mod policy;
mod quality;
mod random;
mod refine;
mod replay;
mod statistics;
mod stream;
mod sweep;
mod trace;

pub use certify::{
    Abstention, Bound, Certificate, CertificateRequest, CertificateScope, Certification, CertifiedRisk, CertifyError,
    MeasuredRisk, PathPoint, PathSource, Risk, RiskEstimate, RuntimeIdentity, abstain, betting_p, certify,
    exact_binomial_p, fixed_sequence, hoeffding_bentkus_p, measure, smallest_certifiable_n,
};
pub use choose::{Choice, ChooseError, Goal, choose, choose_on, pareto};
pub use compare::{CompareError, ComparedPolicy, Comparison, Difference, compare};
pub use confidence::{argmax, entropy, softmax};
pub use drift::{DriftError, DriftMonitor, Status};
pub use metrics::{Counts, ExitMetrics, Metric, Metrics, UnknownMetric, per_exit, ratio, saving};
pub use policy::{
    Answer, Berxit, BranchyNet, CheckedPolicy, Decision, DeeBert, Divergence, Elbert, Ensemble, Entropy, Epee,
    ExitOutput, ExitOutputError, ExitPolicy, FPabee, Fixed, Full, Margin, Outputs, Pabee, Patience, Pcee, Policy,
    PolicyError, PolicyKind, PolicyState, Reason, Rule, ShallowDeep, Threshold, Voting,
};
pub use quality::{
    ExitQuality, QualityError, ReliabilityBin, exit_quality, expected_calibration_error, fit_temperatures, reliability,
};
pub use refine::refine;
pub use replay::{Replay, ReplayError, answers, replay};
pub use statistics::{
    Bootstrap, Interval, binomial_cdf, binomial_upper, bootstrap, bootstrap_difference, clopper_pearson, discordant,
    mcnemar,
};
pub use sweep::{
    Grid, ListError, Patiences, Scoring, SweepRow, Thresholds, check_runs, full_depth, runnable, score, sweep,
    sweep_with,
};
pub use trace::{Problem, Provenance, Sample, Trace, TraceBuilder, TraceError, TraceParts, keys};
