//! `epee eval`: a policy run live, timed beside full depth.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use epee_data::{Dataset, Split};
use epee_exit::{Answer, Bootstrap, CheckedPolicy, Difference, Metric, Metrics, Policy, Replay, Scoring};
use epee_input::{Example, Sequence, pack_count};
use epee_model::{Batch, Engine, ExitRowFirst, Session};
use epee_nn::Precision;
use serde::Serialize;
use serde_json::{Value, json};

use super::check_absent;
use super::sweep::{decimal, difference_line};
use crate::inputs::{Classifier, labels, split};
use crate::ui::{Ui, table};

/// Run a policy live on a split: metrics, exits, and wall-clock beside full depth
#[derive(clap::Args)]
#[command(
    after_help = "Policy and full depth take turns on the same samples, so that both see the same machine. Full depth \
    is timed twice: with every row of every layer, and trimmed, where the last layer computes the row its exit reads alone. \
    Tokenisation is timed apart. With several precisions, --format json prints a list.\n\n\
    Examples:\n  \
    epee eval --model runs/phee --data data/phee --split test\n  \
    epee eval --model runs/phee --data data/phee --policy 'epee(threshold=0.1, patience=4)'\n  \
    epee eval --model runs/phee --data data/phee --precision f32,int8"
)]
pub(crate) struct Args {
    /// A multi-exit model directory, or a hub id
    #[arg(long, value_name = "DIR|ID")]
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
    /// What weights are stored and multiplied in: f32, bf16 or int8; several are run one after the other
    #[arg(long, default_value = "f32", value_name = "P,…", value_delimiter = ',')]
    precision: Vec<Precision>,
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
    /// Milliseconds per sample at full depth, every row of every layer computed.
    pub(crate) full_depth_ms: f64,
    /// The same with the last layer's exit row alone.
    pub(crate) full_depth_trimmed_ms: f64,
    /// Milliseconds per sample to tokenise, which the others leave out.
    pub(crate) tokenise_ms: f64,
    /// 1 − policy / full depth.
    pub(crate) saving: f64,
    /// Full depth / policy.
    pub(crate) ratio: f64,
    /// 1 − policy / full depth trimmed.
    pub(crate) saving_trimmed: f64,
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
    pub(crate) precision: Precision,
    pub(crate) answers: Vec<Answer>,
    pub(crate) metrics: Metrics,
    pub(crate) full_depth: Metrics,
    /// Macro-F1 of the policy minus full depth's, on the same samples.
    pub(crate) difference: Difference,
    pub(crate) wall_clock: WallClock,
    pub(crate) grades: Vec<Grade>,
}

/// Evaluates and prints.
pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    if let Some(file) = &args.predictions {
        check_absent(file, args.force)?;
    }
    let (first, others) = args.precision.split_first().context("expected a precision")?;
    if args.predictions.is_some() && !others.is_empty() {
        bail!("--predictions: expected one precision, got {}", args.precision.len());
    }
    let classifier = Classifier::load(&args.model, *first, ui)?;
    let labels = classifier.model_dir.labels.clone();
    let split = labelled_split(&classifier, &args.data, &args.split, args.limit)?;
    let (policy, runs) =
        runs(classifier, &args.precision, args.policy.clone(), &split.examples, args.batch_size as usize, ui)?;
    if let Some(file) = &args.predictions {
        write_predictions(file, &split.examples, &runs[0].answers, &labels)?;
    }
    if ui.json() {
        let report = |live: &Live| report(&policy, &args.split, live);
        return match runs.as_slice() {
            [run] => ui.print_json(&report(run)),
            runs => ui.print_json(&runs.iter().map(report).collect::<Vec<_>>()),
        };
    }
    let texts: Vec<String> = runs.iter().map(|run| text(&policy, run)).collect();
    ui.print(texts.join("\n\n"))?;
    Ok(())
}

/// The examples to run on, of a dataset with the model's classes.
pub(crate) fn labelled_split(
    classifier: &Classifier,
    data: &Path,
    name: &str,
    limit: Option<u32>,
) -> anyhow::Result<Split> {
    let dataset = Dataset::open(data)?;
    classifier.check_labels(&dataset)?;
    split(&dataset, name, limit.map(|limit| limit as usize))
}

/// Runs the policy, or else the model's own, at one precision after the other; the first one's weights are the classifier's.
pub(crate) fn runs(
    classifier: Classifier,
    precisions: &[Precision],
    policy: Option<Policy>,
    examples: &[Example],
    batch_size: usize,
    ui: Ui,
) -> anyhow::Result<(Policy, Vec<Live>)> {
    let start = Instant::now();
    let sequences = classifier.encode(examples, ui)?;
    let tokenise = start.elapsed();
    let checked = classifier.policy(policy, ui)?;
    let Classifier { model_dir, engine, .. } = classifier;
    let mut first = Some(engine);
    let mut runs = Vec::with_capacity(precisions.len());
    for &precision in precisions {
        // The old weights go before the new ones come.
        let engine = match first.take().filter(|engine| engine.precision() == precision) {
            Some(engine) => engine,
            None => model_dir.engine(precision)?,
        };
        let mut run = live(&engine, &checked, examples, &sequences, batch_size, ui)?;
        run.wall_clock.tokenise_ms = 1e3 * tokenise.as_secs_f64() / examples.len() as f64;
        runs.push(run);
    }
    Ok((checked.policy().clone(), runs))
}

/// A run for scripts.
pub(crate) fn report(policy: &Policy, split: &str, live: &Live) -> Value {
    json!({
        "precision": live.precision.name(), "policy": policy, "split": split, "metrics": live.metrics,
        "full_depth": live.full_depth, "difference": live.difference, "wall_clock": live.wall_clock, "grades": live.grades,
    })
}

/// Runs policy and full depth in turns, batch after batch.
pub(crate) fn live(
    engine: &Engine,
    policy: &CheckedPolicy,
    examples: &[Example],
    sequences: &[Sequence],
    batch_size: usize,
    ui: Ui,
) -> anyhow::Result<Live> {
    let (depth, classes) = (engine.depth(), engine.classes());
    let full = Policy::full().check(depth, classes)?;
    let order: Vec<usize> = (0..sequences.len()).collect();
    let bar = ui.progress(sequences.len() as u64, "eval");
    let mut rivals = [
        TimedRun::new(Session::new(engine), policy.clone()),
        TimedRun::new(Session::new(engine).exit_row_first(ExitRowFirst::Never), full.clone()),
        TimedRun::new(Session::new(engine), full),
    ];
    for (i, indices) in pack_count(&order, batch_size).iter().enumerate() {
        let batch = Batch::new(indices.iter().map(|&i| &sequences[i]));
        let place = || format!("batch that begins with example {}", examples[indices[0]].id);
        // Who goes first changes, so that none always finds warm caches; the first pass only touches memory.
        for turn in 0..rivals.len() {
            let rival = (i + turn) % rivals.len();
            if i == 0 {
                rivals[rival].session.classify(&batch, &rivals[rival].policy).with_context(place)?;
            }
            rivals[rival].run(&batch).with_context(place)?;
        }
        bar.inc(indices.len() as u64);
    }
    bar.finish_and_clear();
    let labels = labels(examples);
    let metrics = |answers: &[Answer]| {
        let predictions: Vec<u32> = answers.iter().map(|answer| answer.label as u32).collect();
        let exits: Vec<u32> = answers.iter().map(|answer| answer.exit as u32).collect();
        Metrics::of(&labels, &predictions, &exits, depth, classes)
    };
    let [policy_ms, full_depth_ms, full_depth_trimmed_ms] =
        [0, 1, 2].map(|i| 1e3 * rivals[i].time.as_secs_f64() / examples.len() as f64);
    let [answers, full_answers, _] = rivals.map(|rival| rival.answers);
    let wall_clock = WallClock {
        policy_ms,
        full_depth_ms,
        full_depth_trimmed_ms,
        tokenise_ms: 0.0,
        saving: 1.0 - policy_ms / full_depth_ms,
        ratio: full_depth_ms / policy_ms,
        saving_trimmed: 1.0 - policy_ms / full_depth_trimmed_ms,
        batch_size,
        threads: rayon::current_num_threads(),
    };
    let grades = grades(examples, answers.iter().map(|answer| (answer.label, answer.exit)));
    let labels_of = |answers: &[Answer]| answers.iter().map(|answer| answer.label as u32).collect::<Vec<_>>();
    let difference = Difference::between(
        &labels,
        &labels_of(&full_answers),
        &labels_of(&answers),
        classes,
        Metric::MacroF1,
        &Scoring::default(),
        &Bootstrap::default(),
    );
    let (metrics, full_depth) = (metrics(&answers), metrics(&full_answers));
    Ok(Live { difference, precision: engine.precision(), metrics, full_depth, answers, wall_clock, grades })
}

/// One of those that take turns on the same batches.
struct TimedRun<'e> {
    session: Session<'e>,
    policy: CheckedPolicy,
    time: Duration,
    answers: Vec<Answer>,
}

impl<'e> TimedRun<'e> {
    fn new(session: Session<'e>, policy: CheckedPolicy) -> TimedRun<'e> {
        TimedRun { session, policy, time: Duration::ZERO, answers: Vec::new() }
    }

    fn run(&mut self, batch: &Batch) -> Result<(), epee_model::Error> {
        let start = Instant::now();
        let answers = self.session.classify(batch, &self.policy)?;
        self.time += start.elapsed();
        self.answers.extend(answers);
        Ok(())
    }
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
            row("full, last layer trimmed".to_owned(), &live.full_depth, clock.full_depth_trimmed_ms),
        ],
    );
    text.push_str(&format!("\n{}", difference_line(Metric::MacroF1, &live.difference)));
    let exits = live.metrics.histogram.iter().enumerate().map(|(m, n)| format!("{}: {n}", m + 1));
    text.push_str(&format!("\nsamples by exit  {}", exits.collect::<Vec<_>>().join("  ")));
    text.push_str(&format!(
        "\nwall-clock: saving {} (ratio {}), against trimmed {}; {}, batch size {}, threads {}; counted in layers: saving {} (ratio {})",
        decimal(clock.saving, 3),
        decimal(clock.ratio, 2),
        decimal(clock.saving_trimmed, 3),
        live.precision,
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
    Ok(epee_files::write_atomic(file, &[bytes])?)
}
