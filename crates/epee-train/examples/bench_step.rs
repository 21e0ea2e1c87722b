//! epee's side of `bench_train.py`: training steps of a BERT with exits at all layers, and one inference, as JSON.
//!
//! `cargo run --release -p epee-train --example bench_step -- --size 6x384 --repeats 5 --threads 2`
//!
//! `--lengths FILE` (the length of a sequence in tokens per line, in training order) runs an epoch instead of steps of one
//! shape; `--batches N` ends it early.

use std::time::Instant;

use epee_input::{Encoding, Sequence};
use epee_model::{Batch, Config, Engine, ExitConfig, ExitRowFirst, Model, Session};
use epee_nn::{AdamW, Dropout, Parameters, Precision, Targets, clip_grad_norm, grad_norm};
use epee_train::{RecipeName, Stage, joint_loss};
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error>;

/// Sequences a batch of an epoch holds.
const BATCH: usize = 16;
const CLASSES: usize = 4;

#[derive(Clone, Copy)]
struct Size {
    layers: usize,
    width: usize,
    sequences: usize,
    tokens: usize,
}

impl Size {
    fn named(name: &str) -> Result<Size, Failure> {
        match name {
            "6x384" => Ok(Size { layers: 6, width: 384, sequences: 16, tokens: 64 }),
            "12x768" => Ok(Size { layers: 12, width: 768, sequences: 8, tokens: 64 }),
            _ => Err(format!("--size: expected 6x384 or 12x768, got `{name}`").into()),
        }
    }

    fn config(self) -> Result<Config, Failure> {
        let json = json!({"model_type": "bert", "vocab_size": 30522, "hidden_size": self.width, "num_hidden_layers": self.layers,
            "num_attention_heads": 12, "intermediate_size": 4 * self.width, "max_position_embeddings": 512});
        Ok(Config::from_json(serde_json::from_value(json)?)?)
    }

    /// Multiplications and additions of a step's matrix products on a batch: forward, and twice that backward. In the last
    /// layer, whose exit reads one row per sequence, only that row and all keys and values.
    fn operations(self, batch: &Batch) -> f64 {
        let d = self.width as f64;
        let tokens = batch.tokens() as f64;
        let squares: f64 = (0..batch.len()).map(|i| (batch.length(i) as f64).powi(2)).sum();
        let whole = 2.0 * tokens * 12.0 * d * d + 4.0 * squares * d;
        let last = 2.0 * d * d * (2.0 * tokens + 10.0 * batch.len() as f64) + 4.0 * tokens * d;
        3.0 * ((self.layers - 1) as f64 * whole + last)
    }
}

fn sequences(lengths: &[usize]) -> Vec<Sequence> {
    let id = |i: usize, t: usize| ((i * 7919 + t * 104_729) % 30_000) as u32 + 100;
    let encoding = |(i, &tokens): (usize, &usize)| Encoding {
        ids: (0..tokens).map(|t| id(i, t)).collect(),
        type_ids: vec![0; tokens],
        truncated: false,
    };
    lengths.iter().enumerate().map(encoding).map(Sequence::from).collect()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Processor time of all threads so far, in seconds; 0 if Linux does not tell.
fn processor_seconds() -> f64 {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return 0.0 };
    let nanoseconds = |path: std::path::PathBuf| -> Option<f64> {
        std::fs::read_to_string(path.join("schedstat")).ok()?.split(' ').next()?.parse().ok()
    };
    threads.flatten().filter_map(|thread| nanoseconds(thread.path())).sum::<f64>() / 1e9
}

/// The most memory the process ever had, in bytes; 0 if Linux does not tell.
fn peak_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).map_or(0, |kilobytes: usize| kilobytes * 1024)
}

struct Training {
    model: Model,
    optimiser: AdamW<Model>,
    grads: Model,
    step: u64,
}

impl Training {
    fn new(config: &Config) -> Training {
        let model: Model = Model::new(config, ExitConfig::of(config, CLASSES), 1);
        let optimiser = AdamW::new(&model, 0.0);
        let grads = model.zeros_like();
        Training { model, optimiser, grads, step: 0 }
    }

    /// One step, inside the thread pool as the trainer does it: seconds of forward, of loss and backward, of clipping and AdamW, and of
    /// the processor.
    fn step(&mut self, batch: &Batch) -> [f64; 4] {
        let labels: Vec<usize> = (0..batch.len()).map(|i| i % CLASSES).collect();
        let processor = processor_seconds();
        let mut marks = vec![Instant::now()];
        self.grads.set_zero();
        let (outputs, saved) = self.model.forward(batch, Dropout::new(0.1, 1).site(self.step));
        marks.push(Instant::now());
        let paper = RecipeName::Paper.recipe().objective(Stage::Second, self.step, self.model.depth());
        let joint = joint_loss(&outputs, &Targets::of(&labels, CLASSES), &labels, &paper);
        self.model.backward(batch, &joint.gradients, &saved, paper.backbone, &mut self.grads);
        marks.push(Instant::now());
        let norm = grad_norm(&self.grads);
        self.optimiser.step(&mut self.model, &self.grads, clip_grad_norm(norm, 1.0), |_| Some(3e-5));
        marks.push(Instant::now());
        self.step += 1;
        let phase = |i: usize| (marks[i + 1] - marks[i]).as_secs_f64();
        [phase(0), phase(1), phase(2), processor_seconds() - processor]
    }
}

/// Times steps of one shape, and an inference.
fn steps(size: Size, repeats: usize) -> Result<Value, Failure> {
    let mut training = Training::new(&size.config()?);
    let batch = Batch::new(&sequences(&vec![size.tokens; size.sequences]));
    let mut step = || epee_nn::in_pool(|| training.step(&batch));
    step();
    let times: Vec<[f64; 4]> = (0..repeats).map(|_| step()).collect();
    let peak_bytes = peak_bytes();
    let step = median(times.iter().map(|times| times[..3].iter().sum()).collect());
    let [forward, backward, update] = std::array::from_fn(|i| median(times.iter().map(|times| times[i]).collect()));
    let processor = times.iter().map(|times| times[3]).fold(f64::INFINITY, f64::min);
    let ceiling = epee_nn::in_pool(|| epee_nn::roofline(Precision::F32));
    let operations = size.operations(&batch);
    let share = operations / step / ceiling;

    let short = Batch::new(&sequences(&[32]));
    let engine = Engine::new(&training.model, Precision::F32)?;
    let mut session = Session::new(&engine).exit_row_first(ExitRowFirst::Never);
    let mut inference = || {
        let start = Instant::now();
        epee_nn::in_pool(|| {
            session.start(&short);
            while session.advance(true) {}
        });
        start.elapsed().as_secs_f64()
    };
    inference();
    let inference = median((0..repeats * 20).map(|_| inference()).collect());
    Ok(json!({"train_step_s": step, "forward_s": forward, "backward_s": backward, "update_s": update,
        "processor_s": processor, "operations": operations, "ceiling": ceiling, "share": share,
        "peak_bytes": peak_bytes, "inference_32_s": inference}))
}

fn epoch(size: Size, file: &str, batches: usize) -> Result<Value, Failure> {
    let lengths: Result<Vec<usize>, _> = std::fs::read_to_string(file)?.lines().map(str::parse).collect();
    let sequences = sequences(&lengths?);
    let mut training = Training::new(&size.config()?);
    let mut step = |batch: &Batch| epee_nn::in_pool(|| training.step(batch));
    step(&Batch::new(&sequences[..sequences.len().min(BATCH)]));
    let (start, processor) = (Instant::now(), processor_seconds());
    let (mut operations, mut tokens, mut steps) = (0.0, 0, 0);
    for chunk in sequences.chunks(BATCH).take(batches) {
        let batch = Batch::new(chunk);
        step(&batch);
        operations += size.operations(&batch);
        tokens += batch.tokens();
        steps += 1;
    }
    let (seconds, processor) = (start.elapsed().as_secs_f64(), processor_seconds() - processor);
    let peak_bytes = peak_bytes();
    let share = operations / seconds / epee_nn::in_pool(|| epee_nn::roofline(Precision::F32));
    Ok(json!({"epoch_s": seconds, "processor_s": processor, "steps": steps, "tokens": tokens, "share": share,
        "peak_bytes": peak_bytes}))
}

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().collect();
    let option = |name: &str| args.iter().position(|arg| arg == name).and_then(|i| args.get(i + 1));
    let number = |name: &str, default: usize| option(name).map_or(Ok(default), |value| value.parse());
    let threads = number("--threads", 2)?;
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let size = Size::named(option("--size").map_or("6x384", String::as_str))?;
    let measured = match option("--lengths") {
        Some(file) => epoch(size, file, number("--batches", usize::MAX)?)?,
        None => steps(size, number("--repeats", 5)?)?,
    };
    println!("{measured}");
    Ok(())
}
