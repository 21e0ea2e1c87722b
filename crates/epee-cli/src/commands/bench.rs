//! `epee bench`: what a model costs on this machine.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use epee_exit::{ExitOutput, Policy};
use epee_input::{Encoding, Sequence};
use epee_model::{Batch, Engine, ExitRowFirst, InputShape, ModelDir, Session};
use epee_nn::{Precision, in_pool, roofline};
use serde::Serialize;
use serde_json::json;

use epee::Evaluation;
use epee::data::Dataset;
use epee::recording::read_split;

use crate::fetch;
use crate::ui::{self, Ui, decimal, evaluation_json, evaluation_summary, table};

/// Measure latency by depth, arithmetic speed against this machine's peak, and saving in time
#[derive(clap::Args)]
#[command(
    after_help = "Latency is that of one synthetic sequence that leaves at the given exit. \"All rows\" is full depth with every row of \
    every layer computed. The peak is the speed of the inner kernel on data in the first-level cache, measured in the same run. With \
    --data, the policy also runs on a real split beside full depth, as `epee eval` does.\n\n\
    Examples:\n  \
    epee bench --model runs/phee\n  \
    epee bench --model runs/phee --precision f32,int8 --tokens 32,128 --thread-counts 1,2\n  \
    epee bench --model runs/phee --data data/phee --format json"
)]
pub(crate) struct Args {
    /// A multi-exit model directory, or a hub id
    #[arg(long, value_name = "DIR|ID")]
    model: PathBuf,
    /// Numeric precision of the weights: f32, bf16 or int8
    #[arg(long, default_value = "f32", value_name = "P,…", value_delimiter = ',')]
    precision: Vec<Precision>,
    /// Sequence lengths in tokens [default: 32 and 128, up to the model's maximum]
    #[arg(long, value_name = "N,…", value_delimiter = ',')]
    tokens: Vec<usize>,
    /// Thread counts to measure [default: 1 and --threads]
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = crate::flags::threads)]
    thread_counts: Vec<usize>,
    /// Seconds of measurement for each line
    #[arg(long, default_value_t = 0.5, value_name = "S")]
    seconds: f64,
    /// Dataset folder to run the policy on
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Split of that dataset
    #[arg(long, default_value = "test")]
    split: String,
    /// Only the first N samples of that split
    #[arg(long, value_name = "N", requires = "data", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Exit policy to run with --data [default: the model's own, in exits.json]
    #[arg(long, requires = "data")]
    policy: Option<Policy>,
}

/// The latency of one setting.
#[derive(Serialize)]
struct Latency {
    precision: &'static str,
    threads: usize,
    tokens: usize,
    /// The exit that answers; the last appears twice, trimmed and with all rows.
    exit: usize,
    all_rows: bool,
    p50_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
    runs: usize,
}

/// Arithmetic speed of full depth with all rows, and the cost of an exit head.
#[derive(Serialize)]
struct Arithmetic {
    precision: &'static str,
    threads: usize,
    tokens: usize,
    gops: f64,
    ceiling_gops: f64,
    share: f64,
    /// An exit head and the policy's decision, in microseconds and as a share of a layer.
    head_us: f64,
    head_share: f64,
}

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    if !(args.seconds > 0.0 && args.seconds <= 60.0) {
        bail!("--seconds: expected more than 0 and at most 60, got {}", args.seconds);
    }
    let model = fetch::local_model(&args.model, ui)?;
    let model_dir = ModelDir::load(&model)?;
    let (positions, input) = (model_dir.config.positions(), model_dir.config.shape.input);
    if let Some(tokens) = args.tokens.iter().find(|tokens| !(1..=positions).contains(tokens)) {
        bail!("--tokens: expected 1 to {positions} (the model's positions), got {tokens}");
    }
    let mut lengths = match input {
        InputShape::Image(_) if !args.tokens.is_empty() => bail!("--tokens: every image has {positions}"),
        InputShape::Image(_) => vec![positions],
        InputShape::Text(_) if args.tokens.is_empty() => [32, 128].map(|tokens| positions.min(tokens)).to_vec(),
        InputShape::Text(_) => args.tokens.clone(),
    };
    lengths.dedup();
    // Errors come before minutes are spent.
    let dataset = args.data.as_deref().map(Dataset::open).transpose()?;
    let limit = args.limit.map(|limit| limit as usize);
    let split = dataset.as_ref().map(|dataset| read_split(dataset, &args.split, limit)).transpose()?;
    model_dir.exits.check(args.policy.as_ref().unwrap_or(&model_dir.exits.policy))?;
    let mut counts = args.thread_counts.clone();
    if counts.is_empty() {
        counts = vec![1, rayon::current_num_threads()];
        counts.dedup();
    }
    let (mut latencies, mut arithmetic) = (Vec::new(), Vec::new());
    let bar = ui.progress((args.precision.len() * counts.len() * lengths.len()) as u64, "bench");
    for &precision in &args.precision {
        let engine = model_dir.engine(precision)?;
        for &threads in &counts {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .with_context(|| format!("cannot start {threads} threads"))?;
            let ceiling = pool.install(|| in_pool(|| roofline(precision)));
            for &tokens in &lengths {
                let setting = Setting { engine: &engine, threads, tokens, input, seconds: args.seconds };
                pool.install(|| setting.measure(ceiling, &mut latencies, &mut arithmetic))?;
                bar.inc(1);
            }
        }
    }
    bar.finish_and_clear();
    let mut policy = Policy::full();
    let mut live: Vec<Evaluation> = Vec::new();
    for &precision in &args.precision {
        let (Some(dataset), Some(split)) = (&dataset, &split) else { break };
        let classifier = ui::load(&model, precision, args.policy.clone(), ui)?;
        classifier.check_labels(dataset)?;
        live.push(ui::evaluate(&classifier, &split.examples, 1, ui)?);
        policy = classifier.policy().policy().clone();
    }
    if ui.json() {
        let saving: Vec<_> = live.iter().map(|live| evaluation_json(&policy, &args.split, live)).collect();
        return ui.print_json(&json!({
            "instruction_set": epee_nn::isa().name(), "latency": latencies, "arithmetic": arithmetic, "saving": saving,
        }));
    }
    ui.print(latency_table(&latencies))?;
    ui.print(format!("\n{}", arithmetic_table(&arithmetic)))?;
    for live in &live {
        ui.print(format!("\n{}", evaluation_summary(&policy, live)))?;
    }
    Ok(())
}

struct Setting<'e> {
    engine: &'e Engine,
    threads: usize,
    tokens: usize,
    input: InputShape,
    seconds: f64,
}

/// A synthetic sequence.
fn sample(input: InputShape, tokens: usize) -> Batch {
    match input {
        InputShape::Text(input) => {
            // Ids that every vocabulary has, of which attention makes different rows all the same.
            let ids = (0..tokens as u32).map(|t| t.wrapping_mul(7919) % input.vocab_size as u32).collect();
            Batch::new([&Sequence::Text(Encoding { ids, type_ids: vec![0; tokens], truncated: false })])
        }
        InputShape::Image(input) => {
            let pixels =
                (0..input.num_channels * input.height * input.width).map(|i| (i % 97) as f32 / 48.0 - 1.0).collect();
            Batch { pixels, offsets: vec![0, tokens], ..Batch::default() }
        }
    }
}

impl Setting<'_> {
    /// Measures every depth, the arithmetic of the deepest, and an exit head.
    fn measure(
        &self,
        ceiling: f64,
        latencies: &mut Vec<Latency>,
        arithmetic: &mut Vec<Arithmetic>,
    ) -> anyhow::Result<()> {
        let Setting { engine, threads, tokens, .. } = *self;
        let (depth, precision) = (engine.depth(), engine.precision().name());
        let batch = sample(self.input, tokens);
        for (exit, all_rows) in (1..=depth).map(|exit| (exit, false)).chain([(depth, true)]) {
            let first = if all_rows { ExitRowFirst::Never } else { ExitRowFirst::Auto };
            let policy = Policy::fixed(exit).check(depth, engine.classes())?;
            let mut session = Session::new(engine).exit_row_first(first);
            let times = times(self.seconds, || session.classify(&batch, &policy).map(drop))?;
            let at = |share: f64| 1e3 * times[((times.len() - 1) as f64 * share).round() as usize].as_secs_f64();
            let [p50_ms, p90_ms, p99_ms] = [0.5, 0.9, 0.99].map(at);
            let runs = times.len();
            latencies.push(Latency { precision, threads, tokens, exit, all_rows, p50_ms, p90_ms, p99_ms, runs });
        }
        let full = latencies.last().map_or(0.0, |last| last.p50_ms / 1e3);
        let gops = (depth * engine.layer_operations(tokens)) as f64 / full / 1e9;
        let head = self.head(&batch)?;
        arithmetic.push(Arithmetic {
            precision,
            threads,
            tokens,
            gops,
            ceiling_gops: ceiling / 1e9,
            share: 1e9 * gops / ceiling,
            head_us: 1e6 * head,
            head_share: head / (full / depth as f64),
        });
        Ok(())
    }

    /// Seconds for the logits of one exit and EPEE's decision.
    fn head(&self, batch: &Batch) -> anyhow::Result<f64> {
        let (depth, classes) = (self.engine.depth(), self.engine.classes());
        let policy = Policy::epee(0.01, depth);
        let policy = if classes > 1 { policy } else { Policy::patience(depth) }.check(depth, classes)?;
        let mut session = Session::new(self.engine);
        session.start(batch);
        session.advance(true);
        in_pool(|| {
            let times = times(self.seconds, || {
                policy.observe(&mut policy.start(), &ExitOutput::new(1, session.head())).map(drop)
            })?;
            Ok(times[times.len() / 2].as_secs_f64())
        })
    }
}

/// Durations of repeated calls over some seconds, ascending, after a warm-up.
fn times<E>(seconds: f64, mut call: impl FnMut() -> Result<(), E>) -> Result<Vec<Duration>, E> {
    let mut times = Vec::new();
    for budget in [seconds / 5.0, seconds] {
        times.clear();
        let begun = Instant::now();
        while times.len() < 3 || begun.elapsed().as_secs_f64() < budget {
            let start = Instant::now();
            call()?;
            times.push(start.elapsed());
        }
    }
    times.sort_unstable();
    Ok(times)
}

fn latency_table(latencies: &[Latency]) -> String {
    let rows = latencies.iter().map(|latency| {
        let exit = if latency.all_rows { format!("{}, all rows", latency.exit) } else { latency.exit.to_string() };
        vec![
            latency.precision.to_owned(),
            latency.threads.to_string(),
            latency.tokens.to_string(),
            exit,
            decimal(latency.p50_ms, 2),
            decimal(latency.p90_ms, 2),
            decimal(latency.p99_ms, 2),
        ]
    });
    table(["precision", "threads", "tokens", "exit", "p50 ms", "p90 ms", "p99 ms"], rows)
}

fn arithmetic_table(arithmetic: &[Arithmetic]) -> String {
    let rows = arithmetic.iter().map(|row| {
        vec![
            row.precision.to_owned(),
            row.threads.to_string(),
            row.tokens.to_string(),
            decimal(row.gops, 1),
            decimal(row.ceiling_gops, 1),
            format!("{} %", decimal(100.0 * row.share, 0)),
            decimal(row.head_us, 1),
            format!("{} %", decimal(100.0 * row.head_share, 1)),
        ]
    });
    let header = ["precision", "threads", "tokens", "Gop/s", "ceiling", "share", "head + decision µs", "of a layer"];
    format!("{}\ninstruction set: {}", table(header, rows), epee_nn::isa())
}
