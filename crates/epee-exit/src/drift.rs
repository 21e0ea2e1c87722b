//! Drift at run time: an alarm if the risk rises above the certified one.
//!
//! A random share of the samples is run to full depth beside the early exit; each gives a loss. An
//! e-process bets against "the risk is at most ε". While that is true it hardly ever grows large:
//! `P(E_t >= 1/δ for any t) <= δ`, Ville's inequality, however long it watches.

use serde::{Deserialize, Serialize};

use crate::statistics::{stream, unit};

/// The bets that are mixed, times 1 - ε: they grow fastest for losses of 0 or 1 with a risk of 1, 2, 3 and 5 ε.
/// The first never loses.
const BETS: [f64; 4] = [0.0, 1.0, 2.0, 4.0];
/// The greatest bet, as a share of 1/ε. Below 1, so that no loss ends the process.
const GREATEST_BET: f64 = 0.5;
/// The weights before the first loss.
const EQUAL: [f64; BETS.len()] = [1.0 / BETS.len() as f64; BETS.len()];

/// The verdict on early exits after the losses so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftStatus {
    /// No evidence against the tolerated risk.
    Watching,
    /// The risk is above ε: full depth until a person acts.
    Alarm,
}

/// A watch over the risk of a setting while it runs: `E_t = Π_{s <= t} (1 + λ_s (L_s - ε))` with
/// `0 <= λ_s <= 1/ε` chosen before L_s, and an alarm from the first `E_t >= 1/δ` on (Waudby-Smith and Ramdas,
/// arXiv 2010.09686; Podkopaev and Ramdas, arXiv 2110.06177).
///
/// If every loss, given the losses before it, is expected to be at most ε, a false alarm is raised
/// with probability at most δ over the whole run. Losses of 0 or 1 at 3 ε raise it, with ε = 0.02 and δ = 0.05, in
/// 97 of 100 runs within 400 losses from the start, within 700 after 1,000 losses at half of ε (this file's tests). The bet is a mixture `λ_t = Σ_k w_k min(b_k / (1 - ε), 0.5/ε)`
/// of b = 0, 1, 2, 4. The weights start equal, grow by each bet's own factor, and share
/// (Herbster and Warmuth 1998): before loss t + 1 a part `1 / (t + 10/ε)` of all moves to the three that bet. So a long
/// time without drift costs about ln t of `ln E`, not a part of every step.
///
/// It serialises its whole state; a state that is read is checked.
///
/// ```
/// # use epee_exit::{DriftMonitor, DriftStatus};
/// let mut monitor = DriftMonitor::new(0.02, 0.05, 0.1, 1)?;
/// let shadowed = (0..10_000).filter(|_| monitor.should_shadow()).count();
/// assert!((850..1150).contains(&shadowed));
/// // One loss in ten: five times the tolerated risk.
/// let seen = (0..).find(|i| monitor.observe(f64::from(u8::from(i % 10 == 9))) == DriftStatus::Alarm);
/// assert_eq!((seen, monitor.alarm()), (Some(49), true));
/// assert!(monitor.e_value() >= 20.0);
/// # Ok::<(), epee_exit::DriftError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "State")]
pub struct DriftMonitor {
    #[serde(flatten)]
    state: State,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct State {
    epsilon: f64,
    delta: f64,
    shadow_fraction: f64,
    seed: u64,
    /// The number of samples asked about.
    asked: u64,
    observed: u64,
    log_e: f64,
    /// w, for the next loss.
    weights: [f64; BETS.len()],
    alarm: bool,
}

impl DriftMonitor {
    /// A monitor of the tolerated risk ε, the probability δ of a false alarm and the share q of samples
    /// run to full depth, drawn from `seed`.
    ///
    /// # Errors
    /// ε or δ outside (0, 1), q outside (0, 1].
    pub fn new(epsilon: f64, delta: f64, shadow_fraction: f64, seed: u64) -> Result<Self, DriftError> {
        let (asked, observed, log_e, weights, alarm) = (0, 0, 0.0, EQUAL, false);
        Self::try_from(State { epsilon, delta, shadow_fraction, seed, asked, observed, log_e, weights, alarm })
    }

    /// True if the next sample is to be run to full depth: with probability q, whatever the sample. The
    /// answers depend on the seed and on how many came before.
    pub fn should_shadow(&mut self) -> bool {
        let State { seed, shadow_fraction, asked, .. } = &mut self.state;
        let draw = unit(&mut stream(*seed, *asked));
        *asked = asked.wrapping_add(1);
        draw < *shadow_fraction
    }

    /// Adds the loss of a sample that was run to full depth, in [0, 1]. A loss outside counts as the
    /// nearer end, NaN as 1.
    pub fn observe(&mut self, loss: f64) -> DriftStatus {
        let loss = if loss.is_nan() { 1.0 } else { loss.clamp(0.0, 1.0) };
        let state = &mut self.state;
        let excess = loss - state.epsilon;
        // The mixture's factor, 1 + λ (L - ε), is the mean of the factors.
        let mut grown = state.weights;
        for (weight, bet) in grown.iter_mut().zip(BETS) {
            *weight *= 1.0 + (bet / (1.0 - state.epsilon)).min(GREATEST_BET / state.epsilon) * excess;
        }
        let factor: f64 = grown.iter().sum();
        state.log_e += libm::log(factor);
        state.observed = state.observed.saturating_add(1);
        let shared = 1.0 / (state.observed as f64 + 10.0 / state.epsilon);
        for (k, (weight, grown)) in state.weights.iter_mut().zip(grown).enumerate() {
            let given = if k == 0 { 0.0 } else { shared / (BETS.len() - 1) as f64 };
            *weight = (1.0 - shared) * (grown / factor) + given;
        }
        state.alarm |= state.log_e >= -libm::log(state.delta);
        self.status()
    }

    /// The status after the last loss.
    pub fn status(&self) -> DriftStatus {
        if self.state.alarm { DriftStatus::Alarm } else { DriftStatus::Watching }
    }

    /// True once the alarm was raised; it stays until [`reset`](Self::reset).
    pub fn alarm(&self) -> bool {
        self.state.alarm
    }

    /// `E_t`, 1 before the first loss. It goes on after an alarm.
    pub fn e_value(&self) -> f64 {
        libm::exp(self.state.log_e)
    }

    /// t, the number of losses since the start or the last reset.
    pub fn observed(&self) -> u64 {
        self.state.observed
    }

    /// Clears the alarm and starts again from E = 1, a new run with a false-alarm probability of its
    /// own. Which samples are run to full depth goes on as it would have.
    pub fn reset(&mut self) {
        self.state = State { observed: 0, log_e: 0.0, weights: EQUAL, alarm: false, ..self.state };
    }
}

impl TryFrom<State> for DriftMonitor {
    type Error = DriftError;

    fn try_from(state: State) -> Result<Self, DriftError> {
        for (name, got) in [("epsilon", state.epsilon), ("delta", state.delta)] {
            if !(got > 0.0 && got < 1.0) {
                return Err(DriftError::OutOfRange { name, expected: "above 0 and below 1", got });
            }
        }
        if !(state.shadow_fraction > 0.0 && state.shadow_fraction <= 1.0) {
            let (expected, got) = ("above 0 and at most 1", state.shadow_fraction);
            return Err(DriftError::OutOfRange { name: "shadow_fraction", expected, got });
        }
        let weights: f64 = state.weights.iter().sum();
        let sound = state.weights.iter().all(|&weight| weight >= 0.0) && (weights - 1.0).abs() < 1e-6;
        if !state.log_e.is_finite() || !sound {
            return Err(DriftError::State { log_e: state.log_e, weights });
        }
        Ok(Self { state })
    }
}

/// A monitor that cannot be made, or cannot be read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the message says what each field is")]
pub enum DriftError {
    /// ε or δ is outside (0, 1), or the share of samples run to full depth outside (0, 1].
    #[error("{name}: expected a number {expected}, got {got}")]
    OutOfRange { name: &'static str, expected: &'static str, got: f64 },
    /// A stored state that no monitor can reach.
    #[error("drift monitor: expected a finite log_e and weights that add up to 1, got {log_e} and {weights}")]
    State { log_e: f64, weights: f64 },
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPSILON: f64 = 0.02;
    const DELTA: f64 = 0.05;
    const STREAMS: u64 = 2_000;

    fn monitor() -> DriftMonitor {
        DriftMonitor::new(EPSILON, DELTA, 0.1, 3).unwrap()
    }

    /// The loss after which each of 2,000 streams raises the alarm, from 1. `risk` of a time, from 0.
    fn alarms(length: u64, from: u64, risk: impl Fn(u64) -> f64) -> Vec<Option<u64>> {
        let one = |number| {
            let (mut monitor, mut bits) = (monitor(), stream(21, from + number));
            (1..=length)
                .find(|&t| monitor.observe(f64::from(u8::from(unit(&mut bits) < risk(t - 1)))) == DriftStatus::Alarm)
        };
        (0..STREAMS).map(one).collect()
    }

    fn share(alarms: &[Option<u64>], within: u64) -> f64 {
        alarms.iter().flatten().filter(|&&t| t <= within).count() as f64 / STREAMS as f64
    }

    #[test]
    fn false_alarms_are_as_rare_as_promised() {
        let limit = DELTA + 3.0 * (DELTA * (1.0 - DELTA) / STREAMS as f64).sqrt();
        let (at, below) = (alarms(5_000, 0, |_| EPSILON), alarms(5_000, 0, |_| 0.75 * EPSILON));
        let (at, below) = (share(&at, 5_000), share(&below, 5_000));
        assert!(at <= limit, "{at}, at most {limit}");
        assert!(below < at, "{below} below ε, {at} at ε");
    }

    #[test]
    fn a_risk_of_three_epsilon_is_seen_in_time() {
        // At δ = 0.05 and ε = 0.02: 400 losses from the start, 700 after 1,000 losses at half of ε.
        let drifted = share(&alarms(400, 10_000, |_| 3.0 * EPSILON), 400);
        assert!(drifted >= 0.95, "{drifted}");
        let late = alarms(1_700, 20_000, |t| if t < 1_000 { 0.5 * EPSILON } else { 3.0 * EPSILON });
        let (before, late) = (share(&late, 1_000), share(&late, 1_700));
        assert!(late - before >= 0.95 && before < 0.01, "{late}, {before} too early");
    }

    #[test]
    fn the_process_is_fair_at_epsilon() {
        // Over all 2^14 streams of losses 0 and 1, weighted by their probability, E is 1 on average
        // at every end. A bet that knows its loss is not.
        let (epsilon, length) = (0.3, 14);
        let mut sum = 0.0;
        for stream in 0..1u32 << length {
            let mut monitor = DriftMonitor::new(epsilon, 0.05, 1.0, 0).unwrap();
            let mut probability = 1.0;
            for t in 0..length {
                let loss = stream >> t & 1;
                probability *= if loss == 1 { epsilon } else { 1.0 - epsilon };
                monitor.observe(f64::from(loss));
            }
            sum += probability * monitor.e_value();
        }
        assert!((sum - 1.0).abs() < 1e-12, "{sum}");
    }

    #[test]
    fn the_alarm_stays_until_reset() {
        let mut monitor = monitor();
        assert_eq!((monitor.e_value(), monitor.observed(), monitor.status()), (1.0, 0, DriftStatus::Watching));
        while monitor.observe(1.0) == DriftStatus::Watching {}
        for _ in 0..5_000 {
            assert_eq!(monitor.observe(0.0), DriftStatus::Alarm);
        }
        assert!(monitor.e_value() < 1.0 && monitor.alarm());
        monitor.reset();
        let mut fresh = self::monitor();
        assert_eq!((monitor.e_value(), monitor.observed(), monitor.alarm()), (1.0, 0, false));
        assert_eq!((monitor.observe(0.0), monitor.e_value()), (fresh.observe(0.0), fresh.e_value()));
    }

    #[test]
    fn losses_outside_the_range_are_clamped() {
        let after = |loss| {
            let mut monitor = monitor();
            monitor.observe(loss);
            monitor.e_value()
        };
        for (outside, inside) in
            [(7.0, 1.0), (f64::INFINITY, 1.0), (f64::NAN, 1.0), (-3.0, 0.0), (f64::NEG_INFINITY, 0.0)]
        {
            assert_eq!(after(outside), after(inside));
        }
        assert!(after(1.0) > after(0.5) && after(0.5) > after(0.0) && after(0.0) < 1.0);
    }

    #[test]
    fn a_share_q_is_shadowed_and_a_saved_monitor_goes_on() {
        let mut monitor = DriftMonitor::new(EPSILON, DELTA, 0.25, 8).unwrap();
        let taken = (0..20_000).filter(|_| monitor.should_shadow()).count();
        assert!((taken as f64 - 5_000.0).abs() < 4.0 * (20_000.0f64 * 0.1875).sqrt(), "{taken}");
        for i in 0..50 {
            monitor.observe(f64::from(u8::from(i % 9 == 0)));
        }
        let text = serde_json::to_string(&monitor).unwrap();
        let mut read: DriftMonitor = serde_json::from_str(&text).unwrap();
        assert!((read.e_value() / monitor.e_value() - 1.0).abs() < 1e-12 && read.observed() == 50);
        let next = |monitor: &mut DriftMonitor| (0..500).map(|_| monitor.should_shadow()).collect::<Vec<_>>();
        assert_eq!(next(&mut read), next(&mut monitor));
        let mut all = DriftMonitor::new(EPSILON, DELTA, 1.0, 8).unwrap();
        assert!((0..1_000).all(|_| all.should_shadow()));
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        let error = |epsilon, delta, fraction| DriftMonitor::new(epsilon, delta, fraction, 1).unwrap_err().to_string();
        for got in [0.0, 1.0, -0.5, f64::NAN] {
            let want = format!("expected a number above 0 and below 1, got {got}");
            assert_eq!(error(got, 0.05, 0.1), format!("epsilon: {want}"));
            assert_eq!(error(0.02, got, 0.1), format!("delta: {want}"));
        }
        for got in [0.0, 1.01, f64::NAN] {
            let want = format!("shadow_fraction: expected a number above 0 and at most 1, got {got}");
            assert_eq!(error(0.02, 0.05, got), want);
        }
        let text = serde_json::to_string(&monitor()).unwrap();
        let changed = text.replace("[0.25,", "[-4.0,");
        let error = serde_json::from_str::<DriftMonitor>(&changed).unwrap_err().to_string();
        assert!(error.contains("weights that add up to 1, got 0 and -3.25"), "{error}");
    }
}
