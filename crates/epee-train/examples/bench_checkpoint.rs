//! Cost of a checkpoint of a 6 × 384 BERT: seconds of a write with its sync, and its share of a minute.
//!
//! `cargo run --release -p epee-train --example bench_checkpoint -- [FOLDER]`

use std::path::PathBuf;
use std::time::Instant;

use epee_model::{Config, ExitConfig, Model};
use epee_train::{Checkpoints, LinearSchedule, RunIdentity, State, Trainer};

const CONFIG: &str = r#"{"model_type": "bert", "vocab_size": 30522, "hidden_size": 384, "num_hidden_layers": 6,
    "num_attention_heads": 12, "intermediate_size": 1536, "max_position_embeddings": 512}"#;

const REPEATS: u64 = 9;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::from_json(serde_json::from_str(CONFIG)?)?;
    let mut trainer = Trainer::new(Model::new(&config, ExitConfig::of(&config, 4), 1), 0.0);
    let folder = std::env::args().nth(1).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let dir = folder.join("bench-checkpoint");
    std::fs::create_dir_all(&dir)?;
    let mut checkpoints = Checkpoints::open(&dir, false, 60.0)?;
    let schedule = LinearSchedule { peak: 3e-5, warmup: 100, total: 1000 };
    let run = RunIdentity::new();
    let mut state = State { run: run.clone(), seed: 1, schedule, ..State::default() };
    let mut times = Vec::new();
    for step in 1..=REPEATS {
        state.step = step;
        let start = Instant::now();
        checkpoints.save(&state, &trainer)?;
        times.push(start.elapsed().as_secs_f64());
    }
    let start = Instant::now();
    checkpoints.load(&run, &mut trainer, &mut |text| eprintln!("{text}"))?;
    let load = start.elapsed().as_secs_f64();
    let file = dir.join(format!("checkpoints/step-{REPEATS:09}.safetensors"));
    let megabytes = std::fs::metadata(file)?.len() as f64 / 1e6;
    std::fs::remove_dir_all(&dir)?;
    times.sort_by(f64::total_cmp);
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{megabytes:.0} MB: {median:.3} s a checkpoint (worst of {REPEATS}: {worst:.3}), read and checked in {load:.3} s"
    );
    println!("at one a minute: {:.2} % of the time (worst: {:.2} %)", median / 0.6, worst / 0.6);
    Ok(())
}
