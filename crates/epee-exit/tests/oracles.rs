//! Every policy against a second reading of its formula, written from the paper and sharing no code with the library; the
//! relations between policies that hold exactly; and live runs against replays.

#![allow(clippy::unwrap_used)]

mod common;

use common::{any_setting, any_trace, entropy_as_written, label_as_written, margin_as_written, p};
use epee_exit::rules::BranchyNet;
use epee_exit::{Policy, PolicyKind, Replay, Threshold, Trace, answers, argmax, entropy, replay};
use proptest::prelude::*;

fn run(policy: &Policy, trace: &Trace) -> Replay {
    replay(&policy.check(trace.exits(), trace.classes()).unwrap(), trace).unwrap()
}

fn parse(text: &str) -> Policy {
    text.parse().unwrap()
}

/// Values so near that rounding decides; the oracle then gives no answer.
fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9 * (1.0 + b.abs())
}

/// The first exit at which `leaves` says so, or the last; `None` if rounding decides before that.
fn first(trace: &Trace, mut leaves: impl FnMut(usize) -> Option<bool>) -> Option<usize> {
    for m in 1..trace.exits() {
        if leaves(m)? {
            return Some(m);
        }
    }
    Some(trace.exits())
}

fn below(value: f64, threshold: f64) -> Option<bool> {
    (!near(value, threshold)).then_some(value < threshold)
}

fn reaches(value: f64, threshold: f64) -> Option<bool> {
    (!near(value, threshold)).then_some(value >= threshold)
}

/// Compares a policy with an oracle: an exit and a class for each sample.
fn agree(
    trace: &Trace,
    policy: &Policy,
    oracle: impl Fn(usize) -> Option<(usize, usize)>,
) -> Result<(), TestCaseError> {
    let got = run(policy, trace);
    for sample in 0..trace.samples() {
        if let Some(want) = oracle(sample) {
            let got = (got.exits[sample] as usize, got.labels[sample] as usize);
            prop_assert_eq!(got, want, "{} sample {}", policy, sample);
        }
    }
    Ok(())
}

/// Compares a policy that answers with the class of the exit taken: the first at which `leaves` says so, or the last.
fn agree_on_exits(
    trace: &Trace,
    policy: &Policy,
    leaves: impl Fn(usize, usize) -> Option<bool>,
) -> Result<(), TestCaseError> {
    agree(trace, policy, |sample| {
        let exit = first(trace, |m| leaves(sample, m))?;
        Some((exit, label(trace, sample, exit)))
    })
}

/// The same for a policy that leaves after `patience` exits in a row at which `holds` says so.
fn agree_on_counts(
    trace: &Trace,
    policy: &Policy,
    patience: usize,
    holds: impl Fn(usize, usize) -> Option<bool>,
) -> Result<(), TestCaseError> {
    agree(trace, policy, |sample| {
        let mut count = 0;
        let exit = first(trace, |m| {
            count = if holds(sample, m)? { count + 1 } else { 0 };
            Some(count == patience)
        })?;
        Some((exit, label(trace, sample, exit)))
    })
}

fn label(trace: &Trace, sample: usize, m: usize) -> usize {
    label_as_written(trace.row(sample, m))
}

/// KL of two distributions.
fn kl(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| if *p > 0.0 { p * (p / q).ln() } else { 0.0 }).sum()
}

fn h(p: &[f64]) -> f64 {
    p.iter().map(|p| if *p > 0.0 { -p * p.ln() } else { 0.0 }).sum()
}

fn divergence(name: &str, before: &[f64], now: &[f64]) -> f64 {
    match name {
        "kl" => kl(before, now),
        "reverse-kl" => kl(now, before),
        "symmetric-kl" => kl(before, now) + kl(now, before),
        _ => {
            let mean: Vec<f64> = before.iter().zip(now).map(|(a, b)| (a + b) / 2.0).collect();
            h(&mean) - h(before) / 2.0 - h(now) / 2.0
        }
    }
}

/// Logits of ordinary size, for which no probability underflows; divergences are compared on them.
fn mild_trace(classes: std::ops::Range<usize>) -> impl Strategy<Value = Trace> {
    (1usize..12, 1usize..9, classes).prop_flat_map(|(samples, exits, classes)| {
        let logits = prop::collection::vec(-3.0f32..3.0, samples * exits * classes);
        logits.prop_map(move |logits| Trace::from_logits(exits, classes, logits, vec![0; samples]).unwrap())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Eq. 3, and the policies it contains: Eq. 1, Eq. 2 and full depth.
    #[test]
    fn epee(
        trace in any_trace(2..7),
        threshold in prop_oneof![6 => 0.0..1.0, 1 => Just(0.0), 1 => Just(1.0)],
        patience in 1usize..9,
    ) {
        let (last, patience) = (trace.exits(), patience.min(trace.exits()));
        agree_on_exits(&trace, &Policy::epee(threshold, patience), |sample, m| {
            let same = (1..=m).rev().take_while(|&i| label(&trace, sample, i) == label(&trace, sample, m)).count();
            let entropy = entropy_as_written(trace.row(sample, m));
            // Rounding decides nearer than this.
            let decided = threshold == 0.0 || f64::abs(entropy - threshold) >= 1e-12;
            decided.then_some(entropy < threshold || same >= patience)
        })?;
        let by_patience = run(&Policy::patience(patience), &trace);
        prop_assert_eq!(&run(&Policy::epee(0.0, patience), &trace), &by_patience);
        prop_assert_eq!(&run(&Policy::epee(None, patience), &trace), &by_patience);
        let by_entropy = run(&Policy::entropy(threshold), &trace);
        prop_assert_eq!(&run(&Policy::epee(threshold, None), &trace), &by_entropy);
        let reasons_differ = run(&Policy::epee(threshold, last), &trace);
        prop_assert_eq!((reasons_differ.exits, reasons_differ.labels), (by_entropy.exits, by_entropy.labels));
        let full = run(&Policy::full(), &trace);
        prop_assert_eq!(&run(&Policy::epee(None, None), &trace), &full);
        prop_assert!(full.exits.iter().all(|&exit| exit as usize == last));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn branchynet_and_deebert(
        trace in any_trace(2..7),
        thresholds in prop::collection::vec(prop::option::of(0.0..2.0f64), 8),
    ) {
        let nats = |sample, m| entropy_as_written(trace.row(sample, m)) * (trace.classes() as f64).ln();
        let list = thresholds[..trace.exits() - 1].to_vec();
        let branchy = Policy::new(BranchyNet, Threshold::PerExit(list.clone()));
        agree_on_exits(&trace, &branchy, |sample, m| list[m - 1].map_or(Some(false), |t| below(nats(sample, m), t)))?;
        let one = thresholds[0].unwrap_or(0.7);
        agree_on_exits(&trace, &parse(&format!("deebert(threshold={one})")), |sample, m| below(nats(sample, m), one))?;
        // One threshold for all is DeeBERT.
        let all = Policy::new(BranchyNet, one);
        prop_assert_eq!(run(&all, &trace), run(&parse(&format!("deebert(threshold={one})")), &trace));
    }

    #[test]
    fn shallow_deep(trace in any_trace(1..7), q in 0.1..1.0f64) {
        let confidence = |sample, m| p(trace.row(sample, m)).into_iter().fold(0.0, f64::max);
        agree(&trace, &parse(&format!("shallow-deep(threshold={q})")), |sample| {
            for m in 1..=trace.exits() {
                if reaches(confidence(sample, m), q)? {
                    return Some((m, label(&trace, sample, m)));
                }
            }
            let all: Vec<f64> = (1..=trace.exits()).map(|m| confidence(sample, m)).collect();
            let best = all.iter().copied().fold(0.0, f64::max);
            let near_best = all.iter().filter(|c| near(**c, best)).count();
            let at = all.iter().position(|c| *c == best)?;
            (near_best == 1).then(|| (trace.exits(), label(&trace, sample, at + 1)))
        })?;
    }

    #[test]
    fn pabee(trace in any_trace(1..7), t in 1usize..9) {
        let t = t.min(trace.exits());
        let agrees = |sample, m| Some(m > 1 && label(&trace, sample, m) == label(&trace, sample, m - 1));
        agree_on_counts(&trace, &parse(&format!("pabee(patience={t})")), t, agrees)?;
        // PABEE's patience t is the paper's t + 1.
        if t < trace.exits() {
            let ours = run(&Policy::patience(t + 1), &trace);
            prop_assert_eq!(run(&parse(&format!("pabee(patience={t})")), &trace), ours);
        }
    }

    #[test]
    fn pabee_of_numbers(trace in mild_trace(1..2), t in 1usize..9, distance in 0.01..3.0f64) {
        let t = t.min(trace.exits());
        agree_on_counts(&trace, &parse(&format!("pabee(patience={t}, distance={distance})")), t, |sample, m| {
            let y = |m| f64::from(trace.row(sample, m)[0]);
            if m > 1 { below((y(m) - y(m - 1)).abs(), distance) } else { Some(false) }
        })?;
    }

    #[test]
    fn pcee(trace in any_trace(2..7), tau in 0.0..1.0f64, t in 1usize..9) {
        let t = t.min(trace.exits());
        let sure = |sample, m| below(entropy_as_written(trace.row(sample, m)), tau);
        agree_on_counts(&trace, &parse(&format!("pcee(threshold={tau}, patience={t})")), t, sure)?;
        // Once is the entropy policy.
        let once = run(&parse(&format!("pcee(threshold={tau}, patience=1)")), &trace);
        prop_assert_eq!(once, run(&Policy::entropy(tau), &trace));
    }

    #[test]
    fn fpabee(
        trace in mild_trace(2..7),
        name in prop::sample::select(vec!["kl", "reverse-kl", "symmetric-kl", "js"]),
        tau in 0.0..1.0f64,
        t in 1usize..9,
        sigmoid in any::<bool>(),
    ) {
        let t = t.min(trace.exits());
        let outputs = if sigmoid { "sigmoid" } else { "softmax" };
        let policy = parse(&format!("fpabee(divergence={name}, threshold={tau}, patience={t}, outputs={outputs})"));
        agree_on_counts(&trace, &policy, t, |sample, m| {
            if m == 1 {
                return Some(false);
            }
            let (before, now) = (trace.row(sample, m - 1), trace.row(sample, m));
            let two = |z: f32| { let s = 1.0 / (1.0 + (-f64::from(z)).exp()); [s, 1.0 - s] };
            let labels = before.iter().zip(now).map(|(a, b)| divergence(name, &two(*a), &two(*b)));
            below(if sigmoid { labels.sum() } else { divergence(name, &p(before), &p(now)) }, tau)
        })?;
    }

    #[test]
    fn berxit(trace in any_trace(1..4), th in 0.0..1.0f64) {
        let score = |sample, m| f64::from(trace.scores().unwrap()[sample * trace.exits() + m - 1]);
        agree_on_exits(&trace, &parse(&format!("berxit(threshold={th})")), |sample, m| below(score(sample, m), th))?;
    }

    #[test]
    fn elbert(trace in any_trace(2..3), delta in 0.0..1.0f64, n in 1usize..9, margin in 0.0..0.5f64) {
        let n = n.min(trace.exits());
        let policy = parse(&format!("elbert(threshold={delta}, window={n}, margin={margin})"));
        agree_on_exits(&trace, &policy, |sample, m| {
            if below(entropy_as_written(trace.row(sample, m)), delta)? {
                return Some(true);
            }
            if m < n {
                return Some(false);
            }
            let (mut high, mut low) = (true, true);
            for back in m + 1 - n..=m {
                let p1 = p(trace.row(sample, back))[1];
                high &= reaches(p1, 0.5 + margin)?;
                low &= reaches(1.0 - p1, 0.5 + margin)?;
            }
            Some(high || low)
        })?;
        // The simplest window is EPEE, exactly.
        let simplest = run(&parse(&format!("elbert(threshold={delta}, window={n})")), &trace);
        prop_assert_eq!(simplest, run(&Policy::epee(delta, n), &trace));
    }

    #[test]
    fn voting(trace in any_trace(2..7), threshold in 0.5..8.0f64, scale in 0.0..1.0f64) {
        let count = |sample, m: usize, k| (1..=m).filter(|&i| label(&trace, sample, i) == k).count();
        agree(&trace, &parse(&format!("voting(threshold={threshold}, scale={scale})")), |sample| {
            let most = |m| (0..trace.classes()).map(|k| count(sample, m, k)).max().unwrap();
            let exit = first(&trace, |m| reaches(most(m) as f64 / (m as f64).powf(scale), threshold))?;
            let winner = (0..trace.classes()).find(|&k| count(sample, exit, k) == most(exit)).unwrap();
            Some((exit, winner))
        })?;
    }

    #[test]
    fn margin(trace in any_trace(2..7), threshold in 0.0..1.0f64) {
        let policy = parse(&format!("margin(threshold={threshold})"));
        agree_on_exits(&trace, &policy, |sample, m| reaches(margin_as_written(trace.row(sample, m)), threshold))?;
    }

    #[test]
    fn ensembles(trace in mild_trace(2..7), patience in 1usize..9) {
        let patience = patience.min(trace.exits());
        let plain = run(&Policy::patience(patience), &trace);
        agree(&trace, &parse(&format!("patience(patience={patience}, ensemble=all-mean)")), |sample| {
            let exit = plain.exits[sample] as usize;
            let mut mean = vec![0.0; trace.classes()];
            for m in 1..=exit {
                for (sum, p) in mean.iter_mut().zip(p(trace.row(sample, m))) {
                    *sum += p / exit as f64;
                }
            }
            let best = mean.iter().copied().fold(0.0, f64::max);
            let clear = mean.iter().filter(|p| near(**p, best)).count() == 1;
            clear.then(|| (exit, mean.iter().position(|p| *p == best).unwrap()))
        })?;
        // Exits that agree have a mean that agrees with them.
        let run_mean = run(&parse(&format!("patience(patience={patience}, ensemble=run-mean)")), &trace);
        prop_assert_eq!((run_mean.exits, run_mean.labels), (plain.exits, plain.labels));
    }

    /// Two classes: entropy, confidence and margin order exits alike, so their policies differ in units alone.
    #[test]
    fn of_two_classes_confidence_is_entropy(trace in mild_trace(2..3), q in 0.55..0.99f64) {
        let entropy = -(q * q.ln() + (1.0 - q) * (1.0 - q).ln()) / 2f64.ln();
        let (confident, unsure) = (run(&parse(&format!("margin(threshold={})", 2.0 * q - 1.0)), &trace), run(&Policy::entropy(entropy), &trace));
        for sample in 0..trace.samples() {
            let close = (1..=trace.exits()).any(|m| (p(trace.row(sample, m)).into_iter().fold(0.0, f64::max) - q).abs() < 1e-6);
            prop_assert!(close || confident.exits[sample] == unsure.exits[sample]);
        }
    }
}

/// A trace, a setting of any policy that fits it, and a temperature for each of at most eight exits.
fn any_case() -> impl Strategy<Value = (Trace, Policy, Vec<f64>)> {
    any_trace(2..7).prop_flat_map(|trace| {
        let (exits, classes) = (trace.exits(), trace.classes());
        let temperatures = prop_oneof![Just(Vec::new()), prop::collection::vec(0.2..5.0f64, exits)];
        (Just(trace), any_setting(exits, classes), temperatures)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn rows_agree_with_the_equation(trace in any_trace(2..7)) {
        for sample in 0..trace.samples() {
            for exit in 1..=trace.exits() {
                let row = trace.row(sample, exit);
                prop_assert_eq!(argmax(row), label_as_written(row));
                let (h, want) = (entropy(row), entropy_as_written(row));
                prop_assert!((h - want).abs() < 1e-12 && (0.0..=1.0).contains(&h), "{} {}", h, want);
            }
        }
    }

    #[test]
    fn live_and_replayed_are_the_same((trace, policy, temperatures) in any_case()) {
        let policy = policy.check(trace.exits(), trace.classes()).unwrap().with_temperatures(&temperatures).unwrap();
        let replayed = replay(&policy, &trace).unwrap();
        for (sample, answer) in answers(&policy, &trace).unwrap().into_iter().enumerate() {
            prop_assert_eq!(answer.exit, replayed.exits[sample] as usize);
            prop_assert_eq!(answer.label, replayed.labels[sample] as usize);
            prop_assert_eq!(answer.entropy.to_bits(), replayed.entropies[sample].to_bits());
            prop_assert_eq!(answer.reason, replayed.reasons[sample]);
            prop_assert_eq!(answer.probabilities.len(), trace.classes());
            let sum: f32 = answer.probabilities.iter().sum();
            prop_assert!((sum - 1.0).abs() < 1e-5);
        }
    }
}

#[test]
fn a_policy_checked_for_another_model_is_refused() {
    let trace = Trace::from_logits(2, 2, vec![0.0; 4], vec![0]).unwrap();
    let error = replay(&Policy::full().check(12, 2).unwrap(), &trace).unwrap_err().to_string();
    assert!(error.contains("12 exits and 2 classes"), "{error}");
    assert!(error.contains("2 exits and 2 classes"), "{error}");
    assert!(replay(&Policy::full().check(2, 3).unwrap(), &trace).is_err());
}

#[test]
fn a_policy_needs_what_it_reads() {
    let trace = Trace::from_logits(2, 3, vec![0.0; 6], vec![0]).unwrap();
    let berxit = parse("berxit(threshold=0.5)").check(2, 3).unwrap();
    let error = replay(&berxit, &trace).unwrap_err().to_string();
    assert!(error.contains("learned exit scores (the tensor `scores`)") && error.contains("hint: "), "{error}");
    let grid = epee_exit::Grid::standard(2, 3).with_kinds([PolicyKind::Berxit]);
    assert_eq!(epee_exit::sweep(&trace, &grid).unwrap_err().to_string(), error);
}
