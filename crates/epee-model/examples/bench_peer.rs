//! The epee side of `scripts/bench/bench_peers.py`: reads a JSON request per line of stdin, and prints a JSON answer per line.
//!
//! Start it with `bench_peer --model DIR --precision f32 --threads 2` and send, for example,
//! `{"ids": [101, 7592, 102], "mode": "full", "warm_up": 3, "repeats": 20}`. Modes:
//!
//! - `full` computes every row and every exit.
//! - `full-trimmed` computes only the exit row of the last layer, and only the last exit.
//! - `layers` asks a policy after every layer, but no sample leaves early.
//! - `policy` uses the policy of the request.
//!
//! An image is `pixels`, preprocessed, instead of `ids`.

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use epee_exit::Policy;
use epee_input::{Encoding, Sequence};
use epee_model::{Batch, Engine, ExitRowFirst, ModelDir, Session};
use epee_nn::in_pool;
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let option = |name: &str| args.iter().position(|arg| arg == name).and_then(|i| args.get(i + 1)).map(String::as_str);
    let threads: usize = option("--threads").unwrap_or("2").parse()?;
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let model_dir = ModelDir::load(Path::new(option("--model").ok_or("--model DIR is missing")?))?;
    let engine = model_dir.engine(option("--precision").unwrap_or("f32").parse()?)?;
    let mut stdout = std::io::stdout().lock();
    let (isa, weights) = (epee_nn::isa().name(), engine.bytes());
    writeln!(stdout, "{}", json!({"ready": true, "isa": isa, "weights_bytes": weights, "peak_bytes": peak_bytes()}))?;
    // Each mode reuses its session, like a program.
    let mut all_rows = Session::new(&engine).exit_row_first(ExitRowFirst::Never);
    let mut trimmed = Session::new(&engine);
    let mut layers = Session::new(&engine);
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let session = match request["mode"].as_str() {
            Some("full") => &mut all_rows,
            Some("layers") => &mut layers,
            _ => &mut trimmed,
        };
        writeln!(stdout, "{}", answer(&engine, model_dir.config.positions(), session, &request)?)?;
        stdout.flush()?;
    }
    Ok(())
}

fn answer(
    engine: &Engine,
    positions: usize,
    session: &mut Session<'_>,
    request: &Value,
) -> Result<Value, Box<dyn Error>> {
    let batch = match request.get("pixels") {
        Some(pixels) => {
            Batch { pixels: serde_json::from_value(pixels.clone())?, offsets: vec![0, positions], ..Batch::default() }
        }
        None => {
            let ids: Vec<u32> = serde_json::from_value(request["ids"].clone())?;
            Batch::new([&Sequence::from(Encoding { type_ids: vec![0; ids.len()], ids, truncated: false })])
        }
    };
    let count = |name: &str, default: u64| request[name].as_u64().unwrap_or(default) as usize;
    let (warm_up, repeats) = (count("warm_up", 3), count("repeats", 20));
    let policy = match request["mode"].as_str() {
        Some("policy") => request["policy"].as_str().ok_or("policy: expected a setting")?.parse()?,
        Some("layers") => Policy::entropy(0.0),
        _ => Policy::full(),
    };
    let policy = policy.check(engine.depth(), engine.classes())?;
    let every_exit = request["mode"] == "full";
    let mut seconds = Vec::with_capacity(repeats);
    let (mut logits, mut last) = (Vec::new(), None);
    for i in 0..warm_up + repeats {
        let start = Instant::now();
        if every_exit {
            logits.clear();
            in_pool(|| {
                session.start(&batch);
                while session.advance(true) {
                    logits.push(session.logits().to_vec());
                }
            });
        } else {
            last = session.classify(&batch, &policy)?.pop();
        }
        if i >= warm_up {
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    let (exit, label) = match last {
        Some(answer) => {
            logits = vec![session.logits().to_vec()];
            (answer.exit, answer.label)
        }
        None => {
            let z = logits.last().ok_or("no layer")?;
            (engine.depth(), (0..z.len()).max_by(|&a, &b| z[a].total_cmp(&z[b])).unwrap_or(0))
        }
    };
    Ok(json!({"logits": logits, "exit": exit, "label": label, "seconds": seconds, "peak_bytes": peak_bytes()}))
}

fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(1024 * line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?)
}
