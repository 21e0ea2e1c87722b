//! Our side of `scripts/bench_train.py`: a training step and an inference of a 6 × 384 BERT with exits at all layers.
//!
//! `cargo run --release -p epee-train --example bench_step -- --repeats 5 --threads 2 --json`

use std::time::Instant;

use epee_data::{Encoding, Sequence};
use epee_model::{Batch, Config, Heads, Model};
use epee_nn::{AdamW, Dropout, Parameters, Targets, clip_grad_norm, grad_norm};
use epee_train::{RecipeName, Stage, joint_loss};

const CONFIG: &str = r#"{"model_type": "bert", "vocab_size": 30522, "hidden_size": 384, "num_hidden_layers": 6,
    "num_attention_heads": 12, "intermediate_size": 1536, "max_position_embeddings": 512}"#;

fn sequences(n: usize, tokens: usize) -> Vec<Sequence> {
    let id = |i: usize, t: usize| ((i * 7919 + t * 104_729) % 30_000) as u32 + 100;
    (0..n)
        .map(|i| Encoding { ids: (0..tokens).map(|t| id(i, t)).collect(), type_ids: vec![0; tokens], truncated: false })
        .map(Sequence::from)
        .collect()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let option = |name: &str, default: usize| -> Result<usize, std::num::ParseIntError> {
        match args.iter().position(|arg| arg == name).and_then(|i| args.get(i + 1)) {
            Some(value) => value.parse(),
            None => Ok(default),
        }
    };
    let (repeats, threads) = (option("--repeats", 5)?, option("--threads", 2)?);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let config = Config::from_json(serde_json::from_str(CONFIG)?)?;
    let mut model: Model = Model::new(&config, Heads::of(&config, 4), 1);

    let short = Batch::new(&sequences(1, 32));
    let inference = |model: &Model| {
        let start = Instant::now();
        std::hint::black_box(model.logits(&short));
        start.elapsed().as_secs_f64()
    };
    inference(&model);
    let inference = median((0..repeats * 20).map(|_| inference(&model)).collect());

    let batch = Batch::new(&sequences(16, 64));
    let labels: Vec<usize> = (0..16).map(|i| i % 4).collect();
    let targets = Targets::of(&labels, 4);
    let recipe = RecipeName::Paper.recipe().step(Stage::Second, 0, model.depth());
    let mut optimiser = AdamW::new(&model, 0.0);
    let mut grads = model.zeros_like();
    let mut phases = [Vec::new(), Vec::new(), Vec::new()];
    let mut steps = Vec::new();
    // As the trainer does: one request of the pool for the whole step.
    let mut take_step = |step: u64| {
        let mut marks = vec![Instant::now()];
        grads.set_zero();
        let (outputs, saved) = model.forward(&batch, Dropout::new(0.1, 1).site(step));
        marks.push(Instant::now());
        let joint = joint_loss(&outputs, &targets, &labels, &recipe);
        model.backward(&batch, &joint.gradients, &saved, recipe.trunk, &mut grads);
        marks.push(Instant::now());
        let norm = grad_norm(&grads);
        optimiser.step(&mut model, &grads, clip_grad_norm(norm, 1.0), |_| 3e-5);
        marks.push(Instant::now());
        if step > 0 {
            for (phase, pair) in phases.iter_mut().zip(marks.windows(2)) {
                phase.push((pair[1] - pair[0]).as_secs_f64());
            }
            steps.push((marks[3] - marks[0]).as_secs_f64());
        }
    };
    for step in 0..repeats as u64 + 1 {
        epee_nn::in_pool(|| take_step(step));
    }
    let step = median(steps);
    let [forward, backward, update] = phases.map(median);
    if args.iter().any(|arg| arg == "--json") {
        println!("{{\"train_step_s\": {step:.6}, \"inference_32_s\": {inference:.6}}}");
    } else {
        println!("training step {step:.3} s: forward {forward:.3}, backward {backward:.3}, clip and AdamW {update:.3}");
        println!("inference, 32 tokens: {:.2} ms", inference * 1e3);
    }
    Ok(())
}
