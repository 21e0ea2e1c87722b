//! F-PABEE.

use super::*;
use crate::named::named;

/// A counter grows by 1 if `D(p_(m-1), p_m) < τ`, with τ at least 0 and one for all exits, and falls to 0 if it is not; exit
/// if it reaches the patience.
///
/// The counter is at t exactly if the greatest of the last t divergences is below the threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FPabee {
    /// D.
    pub divergence: Divergence,
    /// t, from 1 to M; M is never reached.
    pub patience: usize,
    /// The meaning of the logits.
    pub outputs: Outputs,
}

/// The divergence D between two exits' outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divergence {
    /// `KL(p_(m-1) ‖ p_m) = Σ p_(m-1) ln(p_(m-1) / p_m)`.
    Kl,
    /// `KL(p_m ‖ p_(m-1))`.
    ReverseKl,
    /// The sum of the two.
    SymmetricKl,
    /// Jensen–Shannon, `H(m̄) - H(p)/2 - H(q)/2` with `m̄ = (p + q)/2`.
    JensenShannon,
}

named!(Divergence { Kl = "kl", ReverseKl = "reverse-kl", SymmetricKl = "symmetric-kl", JensenShannon = "js" });

impl Divergence {
    /// Of two lists of log-probabilities; `before` is the earlier exit's.
    fn between(self, before: &[f64], now: &[f64]) -> f64 {
        let pairs = before.iter().zip(now);
        match self {
            Divergence::Kl => pairs.map(|(&p, &q)| libm::exp(p) * (p - q)).sum(),
            Divergence::ReverseKl => pairs.map(|(&p, &q)| libm::exp(q) * (q - p)).sum(),
            Divergence::SymmetricKl => pairs.map(|(&p, &q)| (libm::exp(p) - libm::exp(q)) * (p - q)).sum(),
            Divergence::JensenShannon => {
                let term = |(&p, &q): (&f64, &f64)| {
                    let (a, b) = (libm::exp(p), libm::exp(q));
                    let mean = (a + b) / 2.0;
                    let halves = (weighted(a, p) + weighted(b, q)) / 2.0;
                    if mean > 0.0 { halves - mean * libm::log(mean) } else { 0.0 }
                };
                pairs.map(term).sum()
            }
        }
    }
}

/// `p ln p`, 0 if p underflows.
fn weighted(p: f64, ln_p: f64) -> f64 {
    if p > 0.0 { p * ln_p } else { 0.0 }
}

/// The meaning of an exit's logits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outputs {
    /// One class of K: softmax.
    #[default]
    Softmax,
    /// Any of K labels: a sigmoid each, and the divergence is the sum over the labels.
    Sigmoid,
}

named!(Outputs { Softmax = "softmax", Sigmoid = "sigmoid" });

impl BuiltIn for FPabee {
    fn read(parts: &mut Parts<'_>) -> Result<Self, String> {
        Ok(FPabee {
            divergence: parts.named("divergence")?.unwrap_or(Divergence::JensenShannon),
            patience: parts.count("patience")?,
            outputs: parts.named("outputs")?.unwrap_or_default(),
        })
    }

    fn families(exits: usize, _: usize, patiences: &[Option<usize>]) -> Vec<Self> {
        let (divergence, outputs) = (Divergence::JensenShannon, Outputs::Softmax);
        below(exits, patiences).map(|patience| FPabee { divergence, patience, outputs }).collect()
    }
}

impl ExitRule for FPabee {
    fn parts(&self) -> Vec<(&'static str, String)> {
        let outputs = (self.outputs == Outputs::Sigmoid).then(|| ("outputs", self.outputs.to_string()));
        let divergence = ("divergence", self.divergence.to_string());
        [divergence, ("patience", self.patience.to_string())].into_iter().chain(outputs).collect()
    }

    fn check(&self, exits: usize, classes: usize, threshold: &Threshold) -> Result<(), PolicyError> {
        threshold.check(exits, 0.0..=f64::MAX)?;
        threshold.check_single()?;
        if self.outputs == Outputs::Softmax {
            check_classes("fpabee", classes)?;
        }
        check_patience(Some(self.patience), exits)
    }

    fn signal(&self, state: &mut PolicyState, exit: &ExitOutput<'_>) -> Signal {
        let mut now = Vec::with_capacity(2 * exit.logits().len());
        match self.outputs {
            Outputs::Softmax => log_softmax(exit.logits(), &mut now),
            Outputs::Sigmoid => now.extend(exit.logits().iter().flat_map(|&z| log_sigmoids(f64::from(z)))),
        }
        let before = std::mem::replace(&mut state.previous, now);
        if before.is_empty() {
            return Signal::level(f64::NAN);
        }
        let divergence = self.divergence.between(&before, &state.previous);
        Signal::level(state.greatest_of_last(self.patience, divergence))
    }

    fn thresholds(&self, _: usize, _: usize) -> Vec<f64> {
        vec![0.0, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0]
    }

    fn patience(&self) -> Option<usize> {
        Some(self.patience)
    }
}

fn log_softmax(logits: &[f32], out: &mut Vec<f64>) {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    out.extend(logits.iter().map(|&z| f64::from(z) - f64::from(max)));
    let sum: f64 = out.iter().map(|&d| libm::exp(d)).sum();
    let log_sum = libm::log(sum);
    for d in out {
        *d -= log_sum;
    }
}

/// `ln σ(z)` and `ln (1 - σ(z))`.
fn log_sigmoids(z: f64) -> [f64; 2] {
    let softplus = |x: f64| x.max(0.0) + libm::log1p(libm::exp(-x.abs()));
    [-softplus(-z), -softplus(z)]
}
