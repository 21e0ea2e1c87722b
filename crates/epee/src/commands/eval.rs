//! `epee eval`: a policy run live, timed beside full depth.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use epee_data::{Dataset, Encoding, Example, pack_count};
use epee_exit::{Answer, CheckedPolicy, Metrics, Policy, Replay};
use epee_model::{Batch, Model};
use serde::Serialize;
use serde_json::json;

use super::check_absent;
use super::sweep::decimal;
use crate::inputs::{Classifier, labels, split};
use crate::ui::{Ui, table};

/// Run a policy live on a split: metrics, exits, and wall-clock beside full depth
#[derive(clap::Args)]
#[command(after_help = "Policy and full depth take turns on the same samples, so that both see the same machine.\n\n\
    Examples:\n  \
    epee eval --model runs/phee --data data/phee --split test\n  \
    epee eval --model runs/phee --data data/phee --policy 'epee(threshold=0.1, patience=4)'")]
pub(crate) struct Args {
    /// A multi-exit model directory
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// A dataset folder
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The split to run on
    #[arg(long, default_value = "test")]
    split: String,
    /// The policy, such as `epee(threshold=0.1, patience=4)` [default: the one in the model's exits.json]
    #[arg(long)]
    policy: Option<Policy>,
    /// Samples run together
    #[arg(long, default_value = "1", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    batch_size: u32,
    /// Only the first N samples
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Write each sample's answer to this file, as JSON lines
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
    /// Replace the predictions' file if it exists
    #[arg(long)]
    force: bool,
}

/// The wall-clock of policy and full depth on the same samples.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct WallClock {
    /// Milliseconds per sample under the policy.
    pub(crate) policy_ms: f64,
    /// Milliseconds per sample at full depth.
    pub(crate) full_depth_ms: f64,
    /// 1 − policy / full depth.
    pub(crate) saving: f64,
    /// Full depth / policy.
    pub(crate) ratio: f64,
    /// Samples run together.
    pub(crate) batch_size: usize,
    /// Threads.
    pub(crate) threads: usize,
}

/// The samples of one grade of difficulty.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Grade {
    pub(crate) grade: u32,
    pub(crate) samples: usize,
    pub(crate) accuracy: f64,
    pub(crate) mean_exit: f64,
}

/// What a live run gave.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) answers: Vec<Answer>,
    pub(crate) metrics: Metrics,
    pub(crate) full_depth: Metrics,
    pub(crate) wall_clock: WallClock,
    pub(crate) grades: Vec<Grade>,
}

/// Evaluates and prints.
pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    if let Some(file) = &args.predictions {
        check_absent(file, args.force)?;
    }
    let classifier = Classifier::load(&args.model)?;
    let dataset = Dataset::open(&args.data)?;
    classifier.check_labels(&dataset)?;
    let split = split(&dataset, &args.split, args.limit.map(|limit| limit as usize))?;
    let sequences = classifier.encode(&split.examples, ui)?;
    let model = &classifier.artefact.model;
    let policy = args.policy.unwrap_or(classifier.artefact.exits.policy);
    let checked = policy.check(model.depth(), model.classes())?;
    let live = live(model, &checked, &split.examples, &sequences, args.batch_size as usize, ui)?;
    if let Some(file) = &args.predictions {
        write_predictions(file, &split.examples, &live.answers, &classifier.artefact.labels)?;
    }
    if ui.json() {
        return ui.print_json(&json!({
            "policy": policy, "split": args.split, "metrics": live.metrics, "full_depth": live.full_depth,
            "wall_clock": live.wall_clock, "grades": live.grades,
        }));
    }
    ui.print(text(&policy, &live))?;
    Ok(())
}

/// Runs policy and full depth in turns, batch after batch.
pub(crate) fn live(
    model: &Model<f32>,
    policy: &CheckedPolicy,
    examples: &[Example],
    sequences: &[Encoding],
    batch_size: usize,
    ui: Ui,
) -> anyhow::Result<Live> {
    let full = Policy::Full.check(model.depth(), model.classes())?;
    let order: Vec<usize> = (0..sequences.len()).collect();
    let bar = ui.progress(sequences.len() as u64, "eval");
    let (mut answers, mut full_answers) = (Vec::new(), Vec::new());
    let (mut policy_time, mut full_time) = (Duration::ZERO, Duration::ZERO);
    let timed = |policy: &CheckedPolicy, batch: &Batch, time: &mut Duration| {
        let start = Instant::now();
        let classified = model.classify(batch, policy);
        *time += start.elapsed();
        classified
    };
    for (i, indices) in pack_count(&order, batch_size).iter().enumerate() {
        let batch = Batch::new(indices.iter().map(|&i| &sequences[i]));
        let place = || format!("batch that begins with example {}", examples[indices[0]].id);
        if i == 0 {
            // Weights are packed and memory is touched at the first pass.
            model.classify(&batch, &full)?;
        }
        // Who goes first changes, so that neither always finds warm caches.
        if i % 2 == 0 {
            answers.extend(timed(policy, &batch, &mut policy_time).with_context(place)?);
            full_answers.extend(timed(&full, &batch, &mut full_time).with_context(place)?);
        } else {
            full_answers.extend(timed(&full, &batch, &mut full_time).with_context(place)?);
            answers.extend(timed(policy, &batch, &mut policy_time).with_context(place)?);
        }
        bar.inc(indices.len() as u64);
    }
    bar.finish_and_clear();
    let labels = labels(examples);
    let metrics = |answers: &[Answer]| {
        let predictions: Vec<u32> = answers.iter().map(|answer| answer.label as u32).collect();
        let exits: Vec<u32> = answers.iter().map(|answer| answer.exit as u32).collect();
        Metrics::of(&labels, &predictions, &exits, model.depth(), model.classes())
    };
    let per_sample = |time: Duration| 1e3 * time.as_secs_f64() / examples.len() as f64;
    let (policy_ms, full_depth_ms) = (per_sample(policy_time), per_sample(full_time));
    let wall_clock = WallClock {
        policy_ms,
        full_depth_ms,
        saving: 1.0 - policy_ms / full_depth_ms,
        ratio: full_depth_ms / policy_ms,
        batch_size,
        threads: rayon::current_num_threads(),
    };
    let grades = grades(examples, answers.iter().map(|answer| (answer.label, answer.exit)));
    Ok(Live { metrics: metrics(&answers), full_depth: metrics(&full_answers), answers, wall_clock, grades })
}

/// Accuracy and mean exit by grade, of what a policy did with labelled examples.
pub(crate) fn grades_of(examples: &[Example], replay: &Replay) -> Vec<Grade> {
    let taken = replay.labels.iter().zip(&replay.exits).map(|(&label, &exit)| (label as usize, exit as usize));
    grades(examples, taken)
}

fn grades(examples: &[Example], taken: impl Iterator<Item = (usize, usize)>) -> Vec<Grade> {
    let mut sums: BTreeMap<u32, (usize, usize, usize)> = BTreeMap::new();
    for (example, (label, exit)) in examples.iter().zip(taken) {
        if let Some(grade) = example.grade {
            let sum = sums.entry(grade).or_default();
            sum.0 += 1;
            sum.1 += usize::from(example.label == Some(label));
            sum.2 += exit;
        }
    }
    let grade = |(grade, (samples, right, exits)): (u32, (usize, usize, usize))| Grade {
        grade,
        samples,
        accuracy: right as f64 / samples as f64,
        mean_exit: exits as f64 / samples as f64,
    };
    sums.into_iter().map(grade).collect()
}

/// The result for people.
fn text(policy: &Policy, live: &Live) -> String {
    let summary = summary(policy, live);
    if live.grades.is_empty() { summary } else { format!("{summary}\n\n{}", grade_table(&live.grades)) }
}

/// Accuracy and mean exit by grade.
pub(crate) fn grade_table(grades: &[Grade]) -> String {
    let rows = grades.iter().map(|grade| {
        vec![
            grade.grade.to_string(),
            grade.samples.to_string(),
            decimal(grade.accuracy, 3),
            decimal(grade.mean_exit, 2),
        ]
    });
    table(["grade of difficulty", "samples", "accuracy", "mean exit"], rows)
}

/// Metrics, exits and wall-clock.
pub(crate) fn summary(policy: &Policy, live: &Live) -> String {
    let row = |name: String, metrics: &Metrics, ms: f64| {
        vec![
            name,
            decimal(metrics.accuracy, 3),
            decimal(metrics.macro_f1, 3),
            decimal(metrics.saving, 3),
            decimal(metrics.ratio, 2),
            decimal(metrics.mean_exit, 2),
            decimal(ms, 2),
        ]
    };
    let clock = &live.wall_clock;
    let mut text = table(
        ["setting", "accuracy", "macro-F1", "saving", "ratio", "mean exit", "ms/sample"],
        [
            row(policy.to_string(), &live.metrics, clock.policy_ms),
            row("full".to_owned(), &live.full_depth, clock.full_depth_ms),
        ],
    );
    let exits = live.metrics.histogram.iter().enumerate().map(|(m, n)| format!("{}: {n}", m + 1));
    text.push_str(&format!("\nsamples by exit  {}", exits.collect::<Vec<_>>().join("  ")));
    text.push_str(&format!(
        "\nwall-clock: saving {} (ratio {}), batch size {}, {} threads; counted in layers: saving {} (ratio {})",
        decimal(clock.saving, 3),
        decimal(clock.ratio, 2),
        clock.batch_size,
        clock.threads,
        decimal(live.metrics.saving, 3),
        decimal(live.metrics.ratio, 2),
    ));
    text
}

fn write_predictions(
    file: &std::path::Path,
    examples: &[Example],
    answers: &[Answer],
    labels: &[String],
) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    for (example, answer) in examples.iter().zip(answers) {
        let line = json!({
            "id": example.id, "label": labels[answer.label], "exit": answer.exit, "entropy": answer.entropy,
            "reason": answer.reason, "probabilities": answer.probabilities,
        });
        writeln!(bytes, "{line}").context("cannot build the predictions")?;
    }
    Ok(epee_model::write_atomic(file, &bytes)?)
}
